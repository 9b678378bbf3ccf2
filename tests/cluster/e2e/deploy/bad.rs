//! Releases that can't work. Each is rolled back, and says why; the old version serves throughout.

use std::time::Duration;

use maily_cluster_tests::overlay;

use crate::{CHANGE, ROLLOUT, Shared, clients::Clients, deploy};

/// Deploys a release with this patch and answers what was said.
fn refused(name: &str, (kind, workload): (&str, &str), patch: &str, hold: Duration) -> String {
    let shared = Shared::own();
    let folder = overlay::patched(&shared.cluster.path(name), &overlay::dev(), (kind, workload), patch);
    let before = shared.cluster.lives();
    let clients = Clients::start(&shared.cluster, hold);
    let said = deploy(&[&CHANGE[..], &["--overlay", folder.to_str().unwrap()]].concat()).failed();
    shared.cluster.settle(ROLLOUT);
    clients.assert_served();
    assert!(said.contains("Rolled back: the last release runs"), "{said}");
    // What was not part of the change is as it was.
    let others = |lives: std::collections::BTreeMap<String, (String, Vec<u64>)>| -> Vec<_> {
        lives.into_iter().filter(|(pod, _)| !pod.starts_with(workload)).collect()
    };
    assert_eq!(others(shared.cluster.lives()), others(before));
    said
}

#[test]
fn an_image_that_is_not_there_is_rolled_back() {
    let patch = "- { op: replace, path: /spec/template/spec/containers/0/image, value: \"maily/nowhere:0123456789ab\" }";
    let said = refused("image", ("Deployment", "guardrails"), patch, ROLLOUT);
    assert!(said.contains("ImagePullBackOff") && said.contains("maily/nowhere:0123456789ab"), "{said}");
}

#[test]
fn a_service_that_crashes_is_rolled_back() {
    let patch = "- { op: add, path: /spec/template/spec/containers/0/env/-, value: { name: MAILY_SERVICE__NONSENSE, value: \"1\" } }";
    let said = refused("crash", ("Deployment", "inference"), patch, ROLLOUT);
    assert!(said.contains("exit code 64"), "how it ended is missing: {said}");
    assert!(said.to_lowercase().contains("nonsense"), "its last words are missing: {said}");
}

#[test]
fn a_service_that_never_becomes_ready_is_rolled_back() {
    let patch = "- { op: replace, path: /spec/template/spec/containers/0/readinessProbe/httpGet/path, value: /nowhere }\n\
                 - { op: replace, path: /spec/progressDeadlineSeconds, value: 10 }";
    let said = refused("probe", ("Deployment", "guardrails"), patch, ROLLOUT);
    assert!(said.contains("no progress before the deadline"), "{said}");
    assert!(said.contains("Readiness probe failed"), "what the cluster says about it is missing: {said}");
}

/// One replica can't be replaced without an end of the old one: its clients hold until it is back.
#[test]
fn a_crashing_owner_of_data_is_rolled_back_and_clients_that_hold_see_nothing() {
    let patch = "- { op: add, path: /spec/template/spec/containers/0/env/-, value: { name: MAILY_SERVICE__NONSENSE, value: \"1\" } }";
    let said = refused("owner", ("StatefulSet", "storage"), patch, ROLLOUT);
    assert!(said.contains("storage-0") && said.contains("exit code 64"), "{said}");
}
