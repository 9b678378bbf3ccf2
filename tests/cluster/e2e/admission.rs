//! What a real API server says to every overlay, and to each bad workload that the admission policies name.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::{
    fs,
    time::{Duration, Instant},
};

use maily_cluster_tests::{
    Said,
    cluster::{self, Cluster},
    manifests::{ENVIRONMENTS, objects, read, tagged, text},
};
use maily_testkit::rest;
use maily_tests::say;
use serde_json::{Value, json};

/// A policy is in force a moment after it was accepted.
const IN_FORCE: Duration = Duration::from_secs(30);

#[test]
#[ignore = "the keeper of a fixture, started by the tests that use it"]
fn keep_the_cluster() {
    cluster::keep_the_cluster();
}

/// A cluster that judges what is put into a namespace of these tests. The policies are bound to our namespace; for the
/// tests, copies are bound to one without Pod Security, so that what refuses is the policy.
fn judge() -> Cluster {
    let cluster = Cluster::alone();
    let rules = objects("dev").into_iter().filter(|object| {
        object["kind"].as_str().is_some_and(|kind| kind.starts_with("ValidatingAdmissionPolicy"))
    });
    let mut items: Vec<Value> = rules.map(renamed).collect();
    assert_eq!(items.len(), 8);
    let labels = json!({ "pod-security.kubernetes.io/warn": "restricted" });
    let metadata = json!({ "name": "admission-test", "labels": labels });
    items.push(json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": metadata }));
    cluster.apply(&items);
    cluster
}

/// What is wrong with a workload, and what it is refused with.
const BAD: [(&str, &str, &str); 9] = [
    ("/metadata/annotations", "null", "needs the annotation maily.io/guardrails"),
    ("/metadata/annotations", r#"{"maily.io/guardrails":"off"}"#, "needs the annotation maily.io/guardrails"),
    (
        "/metadata/annotations",
        r#"{"maily.io/guardrails":"no-content"}"#,
        "maily.io/guardrails has to be enforced",
    ),
    ("/spec/containers/0/image", r#""maily/inference:latest""#, "an image needs a digest"),
    ("/spec/containers/0/image", r#""maily/inference""#, "an image needs a digest"),
    (
        "/spec/containers/0/securityContext",
        r#"{"privileged":true,"readOnlyRootFilesystem":true}"#,
        "must not be privileged",
    ),
    ("/spec/containers/0/securityContext/readOnlyRootFilesystem", "false", "read-only root file system"),
    ("/spec/hostNetwork", "true", "no namespace and no folder of its node"),
    ("/spec/containers/0/resources/limits", "null", "has a memory limit"),
];

#[test]
fn each_bad_workload_is_refused_with_the_policys_own_sentence() {
    let cluster = judge();
    for kind in ["Pod", "Deployment", "StatefulSet", "Job", "CronJob"] {
        for (path, value, sentence) in BAD {
            let mut pod = good();
            set(&mut pod, path, serde_json::from_str(value).unwrap());
            let said = refused(&cluster, &wrapped(kind, &pod));
            assert!(said.contains(sentence), "{kind} with {path} {value}: {said}");
        }
        let said = cluster.try_apply(&wrapped(kind, &good()), &["--dry-run=server"]);
        assert_eq!(said.code, Some(0), "a good {kind} was refused: {}", said.text);
    }
    say(format_args!("{} bad workloads of five kinds were refused, good ones accepted", BAD.len()));
}

/// What is wrong with a container that `kubectl debug` would add, and what it is refused with. It can't have limits.
const BAD_DEBUGGERS: [(&str, &str, &str); 3] = [
    ("/image", r#""maily/inference:latest""#, "an image needs a digest"),
    ("/securityContext", r#"{"privileged":true,"readOnlyRootFilesystem":true}"#, "must not be privileged"),
    ("/securityContext/readOnlyRootFilesystem", "false", "read-only root file system"),
];

#[test]
fn a_bad_container_beside_those_of_a_pod_is_refused() {
    let cluster = judge();
    let mut pod = wrapped("Pod", &good());
    // It need not run.
    pod["metadata"]["name"] = "debugged".into();
    pod["spec"]["schedulingGates"] = json!([{ "name": "maily.io/test" }]);
    let _ = cluster.try_apply(&pod, &[]).ok();
    let get = ["-n", "admission-test", "get", "pod", "debugged", "-o", "json"];
    let pod: Value = serde_json::from_str(&cluster.kubectl(&get).ok()).unwrap();
    for (path, value, sentence) in BAD_DEBUGGERS {
        let mut debugger = debugger();
        set(&mut debugger, path, serde_json::from_str(value).unwrap());
        let said = until_refused(|| debug(&cluster, &pod, debugger.clone()), path);
        assert!(said.contains(sentence), "{path} {value}: {said}");
    }
    let _ = debug(&cluster, &pod, debugger()).ok();
    let delete = ["-n", "admission-test", "delete", "pod", "debugged", "--grace-period=0", "--force"];
    let _ = cluster.kubectl(&delete).ok();
}

fn debugger() -> Value {
    let mut container = good()["spec"]["containers"][0].clone();
    container["name"] = "debugger".into();
    container.as_object_mut().unwrap().remove("resources");
    container
}

/// Adds the container to the pod, as far as the API server would let us.
fn debug(cluster: &Cluster, pod: &Value, debugger: Value) -> Said {
    let mut pod = pod.clone();
    pod["spec"]["ephemeralContainers"] = json!([debugger]);
    let file = cluster.path("debugged.json");
    fs::write(&file, pod.to_string()).unwrap();
    let path = "/api/v1/namespaces/admission-test/pods/debugged/ephemeralcontainers?dryRun=All";
    cluster.kubectl(&["replace", "--raw", path, "-f", file.to_str().unwrap()])
}

fn renamed(mut rule: Value) -> Value {
    let name = format!("test-{}", rule["metadata"]["name"].as_str().unwrap());
    rule["metadata"]["name"] = name.clone().into();
    if rule["kind"] == "ValidatingAdmissionPolicyBinding" {
        rule["spec"]["policyName"] = name.into();
        let labels = &mut rule["spec"]["matchResources"]["namespaceSelector"]["matchLabels"];
        labels["kubernetes.io/metadata.name"] = "admission-test".into();
    }
    rule
}

/// Asks until it is refused: policies come into force one after the other.
fn until_refused(ask: impl Fn() -> Said, what: &str) -> String {
    let end = Instant::now() + IN_FORCE;
    loop {
        let said = ask();
        if said.code != Some(0) {
            return said.text;
        }
        assert!(Instant::now() < end, "accepted: {what}");
        rest();
    }
}

fn refused(cluster: &Cluster, object: &Value) -> String {
    until_refused(|| cluster.try_apply(object, &["--dry-run=server"]), &object.to_string())
}

fn good() -> Value {
    json!({
        "metadata": {
            "labels": { "app.kubernetes.io/name": "inference" },
            "annotations": { "maily.io/guardrails": "enforced" },
        },
        "spec": {
            "restartPolicy": "Always",
            "containers": [{
                "name": "service",
                "image": "maily/inference:0123456789ab",
                "resources": { "requests": { "cpu": "1", "memory": "1Gi" }, "limits": { "memory": "1Gi" } },
                "securityContext": { "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true },
            }],
        },
    })
}

fn set(object: &mut Value, path: &str, value: Value) {
    let (parent, key) = path.rsplit_once('/').unwrap();
    object.pointer_mut(parent).unwrap()[key] = value;
}

/// A workload of this kind around a pod.
fn wrapped(kind: &str, pod: &Value) -> Value {
    let mut pod = pod.clone();
    if kind.ends_with("Job") {
        pod["spec"]["restartPolicy"] = "Never".into();
    }
    let metadata = json!({ "name": "tried", "namespace": "admission-test" });
    let selector = json!({ "matchLabels": { "app.kubernetes.io/name": "inference" } });
    match kind {
        "Pod" => {
            let mut object =
                json!({ "apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod["spec"] });
            for key in ["labels", "annotations"] {
                object["metadata"][key] = pod["metadata"][key].clone();
            }
            object
        }
        "Job" => {
            json!({ "apiVersion": "batch/v1", "kind": kind, "metadata": metadata, "spec": { "template": pod } })
        }
        "CronJob" => json!({ "apiVersion": "batch/v1", "kind": kind, "metadata": metadata, "spec": {
            "schedule": "0 0 * * *", "jobTemplate": { "spec": { "template": pod } },
        }}),
        _ => {
            let mut spec = json!({ "selector": selector, "template": pod });
            if kind == "StatefulSet" {
                spec["serviceName"] = "tried".into();
            }
            json!({ "apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": spec })
        }
    }
}

/// Stand-ins of what other projects install: only the kinds' names, so that the API server takes the objects.
const KINDS: [(&str, &str, &str); 1] = [("monitoring.coreos.com", "PodMonitor", "podmonitors")];

#[test]
fn every_overlay_is_accepted_but_for_its_images_without_a_tag() {
    let cluster = judge();
    for (group, kind, plural) in KINDS {
        let _ = cluster.try_apply(&kind_of(group, kind, plural), &[]).ok();
        let established = format!("crd/{plural}.{group}");
        let _ = cluster.kubectl(&["wait", "--for=condition=Established", &established, "--timeout=30s"]).ok();
    }
    for environment in ENVIRONMENTS {
        // Into a namespace of the test's: nothing of ours needs to be there, and nothing of ours is touched.
        let text = text(environment).replace("namespace: maily\n", "namespace: admission-test\n");
        let file = cluster.path("overlay.yaml");
        fs::write(&file, tagged(&text)).unwrap();
        let said =
            cluster.kubectl(&["apply", "--server-side", "--dry-run=server", "-f", file.to_str().unwrap()]);
        let accepted = said.ok().matches("serverside-applied").count();
        assert_eq!(accepted, objects(environment).len(), "{environment}");
        say(format_args!("{environment}: {accepted} objects"));
    }
}

fn kind_of(group: &str, kind: &str, plural: &str) -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": { "name": format!("{plural}.{group}") },
        "spec": {
            "group": group, "scope": "Namespaced", "names": { "kind": kind, "plural": plural },
            "versions": [{ "name": "v1", "served": true, "storage": true, "schema": {
                "openAPIV3Schema": { "type": "object", "x-kubernetes-preserve-unknown-fields": true },
            }}],
        },
    })
}

/// What Linkerd's injector adds to a pod where its CNI plugin is installed (charts/partials/templates in linkerd/linkerd2,
/// _proxy.tpl and _network-validator.tpl): the resources are what the pod's annotations say.
fn mesh(annotations: &Value, image: &str) -> [Value; 2] {
    let said = |name: &str| &annotations[format!("config.linkerd.io/proxy-{name}")];
    let resources = json!({
        "requests": { "cpu": said("cpu-request"), "memory": said("memory-request") },
        "limits": { "memory": said("memory-limit") },
    });
    let container = |name: &str, user: u32| {
        json!({
            "name": name,
            "image": image,
            "resources": resources,
            "securityContext": {
                "allowPrivilegeEscalation": false,
                "capabilities": { "drop": ["ALL"] },
                "readOnlyRootFilesystem": true,
                "runAsNonRoot": true,
                "runAsUser": user,
                "seccompProfile": { "type": "RuntimeDefault" },
            },
        })
    };
    let mut proxy = container("linkerd-proxy", 2102);
    proxy["restartPolicy"] = "Always".into();
    [container("linkerd-network-validator", 65534), proxy]
}

#[test]
fn pods_are_accepted_as_linkerd_leaves_them_with_its_image_by_digest() {
    let cluster = judge();
    let by_digest = format!("cr.l5d.io/linkerd/proxy:edge-26.8.1@sha256:{}", "ab".repeat(32));
    let mut accepted = 0;
    for object in read(&tagged(&text("prod"))) {
        if object["kind"] != "Deployment" && object["kind"] != "StatefulSet" {
            continue;
        }
        let template = &object["spec"]["template"];
        let annotations = &template["metadata"]["annotations"];
        assert_eq!(annotations["linkerd.io/inject"], "enabled");
        let injected = |image: &str| {
            let mut pod = template.clone();
            // Those of its claims are the StatefulSet's to add, and its account is in the other namespace.
            pod["spec"]["serviceAccountName"] = "default".into();
            let first = pod["spec"]["initContainers"].as_array().cloned().unwrap_or_default();
            pod["spec"]["initContainers"] = [mesh(annotations, image).to_vec(), first].concat().into();
            for claim in object["spec"]["volumeClaimTemplates"].as_array().into_iter().flatten() {
                let volume = json!({ "name": claim["metadata"]["name"], "emptyDir": {} });
                pod["spec"]["volumes"].as_array_mut().unwrap().push(volume);
            }
            wrapped("Pod", &pod)
        };
        // First, so that what accepts the others is in force.
        let said = refused(&cluster, &injected("cr.l5d.io/linkerd/proxy:edge-26.8.1"));
        assert!(said.contains("an image needs a digest"), "{said}");
        let said = cluster.try_apply(&injected(&by_digest), &["--dry-run=server"]).ok();
        assert!(!said.contains("would violate PodSecurity"), "{said}");
        accepted += 1;
    }
    assert_eq!(accepted, 5);
}
