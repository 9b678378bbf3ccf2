//! Rules of `k8s/` that no schema knows, on every rendered overlay.

use std::process::Command;

use serde_json::Value;

use crate::shell::{Result, output, root, say};

const ENVIRONMENTS: [&str; 3] = ["dev", "staging", "prod"];
const PROBES: [&str; 3] = ["startupProbe", "livenessProbe", "readinessProbe"];
const GUARDRAILS: &str = "maily.io/guardrails";
/// Its agent: an installation's own overlay names one by its digest.
const VAULT: &str = "hashicorp/vault";

/// Checks each overlay. A machine without kubectl can't render them: it is told so.
pub(crate) fn check() -> Result<()> {
    if Command::new("kubectl").args(["version", "--client"]).output().is_err() {
        say("  left out: kubectl is missing");
        return Ok(());
    }
    let mut faults = Vec::new();
    for environment in ENVIRONMENTS {
        let folder = root().join("k8s/overlays").join(environment);
        let text = output(Command::new("kubectl").arg("kustomize").arg(folder))?;
        let objects = parse(&text)?;
        faults.extend(
            faults_of(environment, &objects).into_iter().map(|fault| format!("{environment}: {fault}")),
        );
    }
    match faults.is_empty() {
        true => Ok(()),
        false => Err(format!("{} faults\n  {}", faults.len(), faults.join("\n  "))),
    }
}

fn parse(text: &str) -> Result<Vec<Value>> {
    serde_saphyr::from_multiple(text).map_err(|error| format!("kubectl kustomize: {error}"))
}

fn faults_of(environment: &str, objects: &[Value]) -> Vec<String> {
    let mut faults = Vec::new();
    for object in objects {
        let name = format!("{} {}", text(&object["kind"]), text(&object["metadata"]["name"]));
        let mut fault = |what: &str| faults.push(format!("{name}: {what}"));
        match text(&object["kind"]) {
            "Secret" => fault("secrets are never in the tree"),
            "Namespace" => namespace(environment, object, &mut fault),
            "Deployment" | "StatefulSet" => {
                workload(object, &mut fault);
                companions(object, objects, &mut fault);
                keys(environment, object, &mut fault);
            }
            _ => {}
        }
    }
    faults
}

fn namespace(environment: &str, object: &Value, fault: &mut impl FnMut(&str)) {
    let labels = &object["metadata"]["labels"];
    if labels["pod-security.kubernetes.io/enforce"] != "restricted" {
        fault("Pod Security is not `restricted`");
    }
    if labels["maily.io/environment"] != environment {
        fault("maily.io/environment is not its overlay");
    }
    if environment != "dev" && !labels["maily.io/residency"].is_string() {
        fault("maily.io/residency is missing: where the data stays");
    }
}

fn workload(object: &Value, fault: &mut impl FnMut(&str)) {
    let template = &object["spec"]["template"];
    if !template["metadata"]["annotations"][GUARDRAILS].is_string() {
        fault("the annotation maily.io/guardrails is missing");
    }
    for container in list(&template["spec"]["containers"]) {
        for probe in PROBES.iter().filter(|probe| container[**probe].is_null()) {
            fault(&format!("{} has no {probe}", text(&container["name"])));
        }
    }
    let containers = list(&template["spec"]["containers"]);
    for container in containers.chain(list(&template["spec"]["initContainers"])) {
        let image = text(&container["image"]);
        // A deployment gives each its tag; one in the tree would be whatever was true once.
        if !(image.starts_with("maily/") || image == VAULT) || image.contains([':', '@']) {
            fault(&format!("the image {image} is not maily/NAME, or {VAULT}, without a tag"));
        }
        for need in ["/requests/cpu", "/requests/memory", "/limits/memory"] {
            if container["resources"].pointer(need).is_none() {
                fault(&format!("{} has no resources{need}", text(&container["name"])));
            }
        }
    }
}

/// What every workload comes with, by its own name.
fn companions(workload: &Value, objects: &[Value], fault: &mut impl FnMut(&str)) {
    let name = text(&workload["metadata"]["name"]);
    let mut kinds = vec!["Service", "ServiceAccount", "NetworkPolicy", "PodDisruptionBudget"];
    // Redis is for development: whoever drains its node loses what may be lost.
    kinds.retain(|kind| name != "redis" || *kind != "PodDisruptionBudget");
    for kind in kinds {
        let is = |object: &&Value| object["kind"] == kind && object["metadata"]["name"] == name;
        if !objects.iter().any(|object| is(&object)) {
            fault(&format!("there is no {kind} of its name"));
        }
    }
}

/// Where people's data is, keys come from Vault and nothing is said in the clear.
fn keys(environment: &str, object: &Value, fault: &mut impl FnMut(&str)) {
    let containers = list(&object["spec"]["template"]["spec"]["containers"]);
    let environments: Vec<&Value> = containers.flat_map(|container| list(&container["env"])).collect();
    let value =
        |name: &str| environments.iter().find(|one| one["name"] == name).map(|one| text(&one["value"]));
    let is_ours = value("MAILY_DATA").is_some();
    if is_ours && value("MAILY_ENVIRONMENT") != Some(environment) {
        fault("MAILY_ENVIRONMENT is not its overlay");
    }
    if environment != "dev" && value("MAILY_SERVICE__KEYRING").is_some() {
        fault("a keyring file: keys come from Vault");
    }
    let owns_data = matches!(text(&object["metadata"]["name"]), "storage" | "compliance");
    if environment != "dev" && owns_data && value("MAILY_VAULT__ADDRESS").is_none() {
        fault("MAILY_VAULT__ADDRESS is missing: keys come from Vault");
    }
}

fn list(value: &Value) -> std::slice::Iter<'_, Value> {
    value.as_array().map_or(&[][..], Vec::as_slice).iter()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_rule_finds_its_fault() {
        let bare = json!({ "kind": "Deployment", "metadata": { "name": "storage" }, "spec": { "template": { "spec": {
            "containers": [{ "name": "service", "image": "maily/storage:latest", "env": [
                { "name": "MAILY_DATA", "value": "/data" }, { "name": "MAILY_SERVICE__KEYRING", "value": "/keys" },
            ] }],
        } } } });
        let namespace = json!({ "kind": "Namespace", "metadata": { "name": "maily", "labels": {} } });
        let secret = json!({ "kind": "Secret", "metadata": { "name": "a" } });
        let faults = faults_of("prod", &[bare, namespace, secret]).join("\n");
        for wanted in [
            "annotation maily.io/guardrails",
            "no startupProbe",
            "maily/storage:latest is not",
            "resources/limits/memory",
            "no NetworkPolicy of its name",
            "MAILY_ENVIRONMENT is not",
            "a keyring file",
            "MAILY_VAULT__ADDRESS is missing",
            "not `restricted`",
            "maily.io/residency is missing",
            "secrets are never",
        ] {
            assert!(faults.contains(wanted), "{wanted}: {faults}");
        }
    }
}
