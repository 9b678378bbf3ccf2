//! `cargo xtask deploy dev` on a real Kubernetes: from nothing to a finished campaign, rollouts that nobody notices, bad
//! releases that are rolled back, pods that are killed, a model that is asked for more than it can write; and all of it
//! again on a Vault's certificates and keys.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod bad;
mod campaign;
mod clients;
mod scaling;
mod vault;

use std::{collections::BTreeMap, time::Duration};

use maily_cluster_tests::{Said, cluster::Cluster, overlay, xtask};
use maily_tests::{check_all, say};
use serde_json::Value;

use campaign::{Campaign, table};
use clients::Clients;

/// What a rollout of everything takes at most, on two cores.
pub(crate) const ROLLOUT: Duration = Duration::from_secs(180);
const SERVICES: [&str; 5] = ["storage", "compliance", "guardrails", "inference", "orchestrator"];

/// What the checks share.
pub(crate) struct Shared {
    pub(crate) cluster: Cluster,
    /// What the smoke test printed: an undisturbed campaign.
    smoke: Vec<String>,
    /// The report of a campaign during which everything was replaced.
    report: Option<Value>,
}

#[test]
fn dev_on_a_real_cluster() {
    let before = cluster_free();
    let mut shared = Shared { cluster: Cluster::up(), smoke: Vec::new(), report: None };
    check_all(
        &mut shared,
        &[
            ("from nothing to a finished campaign", from_nothing),
            ("again, without a change: nothing differs and no pod is replaced", again),
            ("a caller without a client certificate is refused by every service", no_certificate),
            ("everything is replaced while a campaign runs; no client's request fails", good_rollout),
            ("an image that is not there is rolled back", bad::image),
            ("a service that crashes is rolled back", bad::crash),
            ("a service that never becomes ready is rolled back", bad::probe),
            ("a crashing owner of data is rolled back; clients that hold see nothing", bad::owner),
            ("each pod is killed in a campaign; the report is the same", kills),
            ("requests that wait bring another model", scaling::another_model),
            ("another environment's context is refused", foreign_context),
            ("destroyed: nothing is left", destroyed),
            (
                "with Vault: its agent brings certificates and keys, and the campaign is the same",
                vault::without_secrets,
            ),
        ],
    );
    let _ = xtask(&["cluster", "down"]).ok();
    assert_eq!(before, machine(), "the cluster left something changed on the machine");
}

/// Nothing of an earlier cluster may be there: what it changed would count as the machine's own.
fn cluster_free() -> BTreeMap<String, String> {
    let _ = xtask(&["cluster", "down"]).ok();
    machine()
}

/// What a cluster changes: kernel settings, packet filters, bridges, mounts.
fn machine() -> BTreeMap<String, String> {
    let mut seen = BTreeMap::new();
    for name in [
        "net/ipv4/ip_forward",
        "vm/overcommit_memory",
        "vm/panic_on_oom",
        "kernel/panic",
        "kernel/panic_on_oops",
    ] {
        let text = std::fs::read_to_string(format!("/proc/sys/{name}")).unwrap_or_default();
        seen.insert(name.to_owned(), text);
    }
    let ours = |text: &str, words: &[&str]| -> String {
        text.lines()
            .filter(|line| words.iter().any(|word| line.contains(word)))
            .collect::<Vec<_>>()
            .join("\n")
    };
    let rules = std::process::Command::new("iptables-save").output();
    let rules = rules.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    seen.insert("rules".to_owned(), ours(&rules, &["KUBE-", "CNI-", "10.244.", "10.96."]));
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
    seen.insert("mounts".to_owned(), ours(&mounts, &["cluster/state"]));
    let links = std::fs::read_dir("/sys/class/net").unwrap().flatten().map(|entry| entry.file_name());
    let links: Vec<_> = links.filter_map(|name| name.into_string().ok()).collect();
    seen.insert("links".to_owned(), ours(&links.join("\n"), &["maily", "cni", "veth"]));
    seen
}

/// `cargo xtask deploy dev`, without questions. The images have a tag of the test's, for the tree may be edited while it runs.
pub(crate) fn deploy(arguments: &[&str]) -> Said {
    xtask(&[&["deploy", "dev", "--yes", "--tag", "e2e"], arguments].concat())
}

/// The steps that bring other manifests of the same images.
pub(crate) const CHANGE: [&str; 2] = ["--only", "diff,apply,rollout,report"];

fn from_nothing(shared: &mut Shared) {
    let said = deploy(&[]).ok();
    for step in
        ["preflight", "terraform", "images", "push", "secrets", "diff", "apply", "rollout", "smoke", "report"]
    {
        assert!(said.contains(&format!("dev {step}")), "no step {step}: {said}");
    }
    for (key, value) in [("rows", 217), ("written", 175), ("excluded", 42)] {
        assert!(table(&said).contains(&format!("{key} {value}")), "{key} is not {value}: {said}");
    }
    say(format_args!("{}", said.lines().rev().take(9).collect::<Vec<_>>().join("; ")));
    shared.smoke = table(&said);
}

fn again(shared: &mut Shared) {
    let lives = shared.cluster.lives();
    let said = deploy(&["--skip", "smoke"]).ok();
    assert!(said.contains("  no change") && said.contains("the release is the same as before"), "{said}");
    assert_eq!(shared.cluster.lives(), lives, "a pod was replaced or started again");
    let said = deploy(&["--dry-run"]).ok();
    assert!(said.contains("  no change"), "{said}");
}

fn no_certificate(shared: &mut Shared) {
    for service in SERVICES {
        let error = shared.cluster.stranger(service).get("/").expect_err(service);
        let error = error.to_string();
        assert!(
            error.contains("CertificateRequired") || error.contains("HandshakeFailure"),
            "{service}: {error}"
        );
    }
}

/// Every pod's template changes, so every pod is replaced: by rolling update, and the owners of data one by one.
fn good_rollout(shared: &mut Shared) {
    let patch =
        "- { op: add, path: /spec/template/metadata/annotations/test.maily.io~1release, value: next }";
    let folder = overlay::patched(
        &shared.cluster.path("next"),
        &overlay::dev(),
        ("Deployment|StatefulSet", ".*"),
        patch,
    );
    let before = shared.cluster.lives();
    let clients = Clients::start(&shared.cluster, ROLLOUT);
    let campaign = Campaign::start(&shared.cluster, "rollout");
    let _ = deploy(&[&CHANGE[..], &["--overlay", folder.to_str().unwrap()]].concat()).ok();
    clients.assert_served();
    let after = shared.cluster.lives();
    assert_eq!(after.len(), before.len());
    let kept: Vec<_> = after.iter().filter(|(name, life)| before.get(*name) == Some(life)).collect();
    assert!(kept.is_empty(), "not replaced: {kept:?}");
    let done = campaign.finish();
    assert_eq!(done.table, shared.smoke, "the campaign's report changed");
    shared.report = Some(done.report);
}

/// Without a grace period, so that nothing can be put in order before the end.
fn kills(shared: &mut Shared) {
    let campaign = Campaign::start(&shared.cluster, "kills");
    campaign.wait_for_work();
    let pods = shared.cluster.lives();
    // Those first whose loss stops the writing, so that it has not ended when the last one is killed.
    let order = ["orchestrator", "inference", "guardrails", "storage", "compliance", "redis"];
    let place = |pod: &str| order.iter().position(|name| pod.starts_with(name)).expect("an unknown pod");
    let mut victims: Vec<_> = pods.iter().collect();
    victims.sort_by_key(|(pod, _)| place(pod));
    for (pod, (uid, _)) in &victims {
        assert!(campaign.is_running(), "the campaign ended before {pod} was killed");
        let kill = ["-n", "maily", "delete", "pod", pod, "--grace-period=0", "--force", "--wait=false"];
        let _ = shared.cluster.kubectl(&kill).ok();
        shared.cluster.settle_without(uid, ROLLOUT);
    }
    let done = campaign.finish();
    assert_eq!(done.table, shared.smoke, "the campaign's report changed");
    assert_eq!(Some(&done.report), shared.report.as_ref(), "the report is not that of the campaign before");
    say(format_args!("{} pods were killed", victims.len()));
}

fn foreign_context(_: &mut Shared) {
    for context in ["maily-prod", "kind-maily-dev", "maily-development"] {
        let said = xtask(&["deploy", "dev", "--yes", "--context", context]).failed();
        assert!(said.contains("does not belong to dev"), "{said}");
    }
}

fn destroyed(shared: &mut Shared) {
    let _ = xtask(&["destroy", "dev", "--yes"]).ok();
    let left =
        shared.cluster.kubectl(&["get", "namespace", "maily", "--ignore-not-found", "-o", "name"]).ok();
    assert_eq!(left.trim(), "");
    let kinds =
        "validatingadmissionpolicies,validatingadmissionpolicybindings,clusterroles,clusterrolebindings";
    let left =
        shared.cluster.kubectl(&["get", kinds, "-l", "app.kubernetes.io/part-of=maily", "-o", "name"]).ok();
    assert!(!left.contains("maily"), "{left}");
}
