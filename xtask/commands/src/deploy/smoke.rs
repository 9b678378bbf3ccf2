//! The smoke test: a Job in the cluster runs the sample campaign, by the Services' names, through the network policies.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use serde_json::{Map, Value, json};

use super::{environment::NAMESPACE, images::Image, secrets::CLIENT};
use crate::{kubectl::Kubectl, shell::Result};

/// The files of a campaign folder that is smoke-tested with; a ConfigMap's keys hold no slash.
const FILES: [(&str, &str); 5] = [
    ("campaign.yaml", "campaign.yaml"),
    ("subscribers.csv", "subscribers.csv"),
    ("brand.md", "brand.md"),
    ("config.yml", "guardrails/config.yml"),
    ("rails.co", "guardrails/rails.co"),
];
const LIMIT: Duration = Duration::from_secs(1800);
const NAME: &str = "smoke";

/// Runs it to its end and shows its report; an unfinished or unaccounted campaign is an error.
pub(super) fn run(kubectl: &Kubectl, images: &[Image], registry: Option<&str>) -> Result<()> {
    let image = images.iter().find(|image| image.name == "maily/orchestrator");
    let image = image.map(|image| image.reference(registry)).unwrap_or_default();
    expect_key(kubectl)?;
    clean(kubectl)?;
    let sample = maily_testkit::sample().map_err(|error| error.to_string())?;
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": [campaign(&sample)?, job(&image)] });
    kubectl.apply(&list.to_string())?;
    let done = wait(kubectl);
    let logs = kubectl.output(&["-n", NAMESPACE, "logs", &format!("job/{NAME}"), "--tail=200"]);
    println!("{}", logs.unwrap_or_else(|error| error).trim_end());
    done?;
    clean(kubectl)
}

/// Without it the pod would wait for its volume until the limit.
fn expect_key(kubectl: &Kubectl) -> Result<()> {
    let get = ["-n", NAMESPACE, "get", "secret", CLIENT, "--ignore-not-found", "-o", "name"];
    match kubectl.output(&get)?.trim() {
        "" => Err(format!(
            "the Secret {CLIENT} is missing: what a client of the orchestrator's edge listener has (k8s/README.md says \
             how to make it); --skip smoke leaves the smoke test out"
        )),
        _ => Ok(()),
    }
}

fn clean(kubectl: &Kubectl) -> Result<()> {
    let arguments = [
        "-n",
        NAMESPACE,
        "delete",
        "job,configmap",
        "-l",
        "app.kubernetes.io/name=smoke",
        "--ignore-not-found",
        "--wait",
    ];
    kubectl.output(&arguments).map(drop)
}

fn wait(kubectl: &Kubectl) -> Result<()> {
    let end = Instant::now() + LIMIT;
    let conditions = ["complete", "failed"];
    loop {
        let job = kubectl.json(&["-n", NAMESPACE, "get", "job", NAME])?;
        for condition in job["status"]["conditions"].as_array().into_iter().flatten() {
            let kind = condition["type"].as_str().unwrap_or_default().to_lowercase();
            match (condition["status"].as_str(), conditions.iter().position(|known| *known == kind)) {
                (Some("True"), Some(0)) => return Ok(()),
                (Some("True"), Some(_)) => {
                    let why = condition["message"].as_str().unwrap_or("no reason given");
                    return Err(format!("the sample campaign did not finish: {why}"));
                }
                _ => {}
            }
        }
        if Instant::now() > end {
            return Err(format!("the sample campaign did not finish in {} s", LIMIT.as_secs()));
        }
        super::words::moment();
    }
}

fn labels() -> Value {
    json!({ "app.kubernetes.io/name": NAME, "app.kubernetes.io/part-of": "maily" })
}

fn campaign(folder: &Path) -> Result<Value> {
    let mut data = Map::new();
    for (key, file) in FILES {
        let path = folder.join(file);
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        data.insert(key.to_owned(), text.into());
    }
    let metadata = json!({ "name": NAME, "namespace": NAMESPACE, "labels": labels() });
    Ok(json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data }))
}

fn job(image: &str) -> Value {
    let items: Vec<Value> = FILES.iter().map(|(key, path)| json!({ "key": key, "path": path })).collect();
    let arguments = [
        "campaign",
        "run",
        "--dir",
        "/campaign",
        "--out",
        "/out/run",
        "--url",
        "https://orchestrator:8443",
        "--ca",
        "/keys/ca.pem",
        "--key-file",
        "/keys/edge.key",
        "--timeout",
        "1700",
    ];
    json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": { "name": NAME, "namespace": NAMESPACE, "labels": labels() },
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": LIMIT.as_secs(),
            "template": {
                "metadata": { "labels": labels(), "annotations": { "maily.io/guardrails": "enforced" } },
                "spec": {
                    "restartPolicy": "Never",
                    "automountServiceAccountToken": false,
                    "enableServiceLinks": false,
                    "securityContext": {
                        "runAsNonRoot": true, "runAsUser": 65532, "runAsGroup": 65532, "fsGroup": 65532,
                        "seccompProfile": { "type": "RuntimeDefault" },
                    },
                    "containers": [{
                        "name": "service",
                        "image": image,
                        "args": arguments,
                        "resources": { "requests": { "cpu": "50m", "memory": "64Mi" }, "limits": { "memory": "256Mi" } },
                        "securityContext": {
                            "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
                            "capabilities": { "drop": ["ALL"] },
                        },
                        "volumeMounts": [
                            { "name": "campaign", "mountPath": "/campaign", "readOnly": true },
                            { "name": "keys", "mountPath": "/keys", "readOnly": true },
                            { "name": "out", "mountPath": "/out" },
                        ],
                    }],
                    "volumes": [
                        { "name": "campaign", "configMap": { "name": NAME, "items": items } },
                        { "name": "keys", "secret": { "secretName": CLIENT, "defaultMode": 0o400 } },
                        { "name": "out", "emptyDir": { "sizeLimit": "64Mi" } },
                    ],
                },
            },
        },
    })
}
