//! `cargo xtask deploy dev` on a real Kubernetes: from nothing to a finished campaign, rollouts that nobody notices, bad
//! releases that are rolled back, pods that are killed, a model that is asked for more than it can write; and all of it
//! again on a Vault's certificates and keys.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod bad;
mod campaign;
mod clients;
mod scaling;
mod vault;

use std::{thread::panicking, time::Duration};

use maily_cluster_tests::{
    Said,
    cluster::{self, Cluster},
    machine, overlay, xtask,
};
use maily_compose_tests::recorded;
use maily_tests::{
    say,
    shared::{Fixture, Lease},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use campaign::{Campaign, Done, table};
use clients::Clients;

/// What a rollout of everything takes at most, on two cores.
pub(crate) const ROLLOUT: Duration = Duration::from_secs(180);
const SERVICES: [&str; 5] = ["storage", "compliance", "guardrails", "inference", "orchestrator"];

/// A name of the test's own, for the tree may be edited while it runs.
const TAG: &str = "e2e";
/// What a pod of another release than dev's own is annotated with, in these tests.
const ANOTHER: &str = "test.maily.io/release";

/// dev, deployed to a cluster that had nothing of it.
static DEV: Fixture<Deployed> = Fixture::new("dev", "keep_dev").linger(Duration::from_secs(30));

#[derive(Serialize, Deserialize)]
struct Deployed {
    /// What the deployment said.
    said: String,
    /// What its smoke test printed: an undisturbed campaign.
    smoke: Vec<String>,
    /// The report of the same campaign, without times.
    report: Value,
}

#[test]
#[ignore = "the keeper of a fixture, started by the tests that use it"]
fn keep_the_cluster() {
    cluster::keep_the_cluster();
}

#[test]
#[ignore = "the keeper of a fixture, started by the tests that use it"]
fn keep_dev() {
    DEV.keep(|| {
        let cluster = Cluster::held();
        destroy();
        let built = images();
        let said = built + &deploy(&["--skip", "images"]).ok();
        let smoke = table(&said);
        let report = Campaign::of_the_smoke_test(&cluster).finish().report;
        (Deployed { said, smoke, report }, cluster)
    });
}

/// What a test has: the cluster for itself, and dev on it.
pub(crate) struct Shared {
    pub(crate) cluster: Cluster,
    dev: Lease<Deployed>,
}

impl Shared {
    /// Whatever is there.
    pub(crate) fn as_it_is() -> Self {
        Self { cluster: Cluster::alone(), dev: DEV.lease() }
    }

    /// Any release of dev that works.
    pub(crate) fn any() -> Self {
        let shared = Self::as_it_is();
        let get = ["-n", "maily", "get", "configmap", "maily-release", "--ignore-not-found", "-o", "name"];
        // A test may have taken it off, or the cluster down.
        if shared.cluster.kubectl(&get).ok().trim().is_empty() {
            let _ = deploy(&["--skip", "images,smoke"]).ok();
        }
        shared
    }

    /// dev's own release.
    pub(crate) fn own() -> Self {
        let shared = Self::any();
        let workloads = shared.cluster.get(&["deployments,statefulsets"]).to_string();
        if workloads.contains(ANOTHER) {
            let _ = deploy(&CHANGE).ok();
            shared.cluster.settle(ROLLOUT);
        }
        shared
    }

    /// Recorded answers take no time: has each take that of a slow model, so that a campaign lasts longer than what is done
    /// to the cluster meanwhile. Applying manifests keeps what somebody else has set.
    pub(crate) fn slow_answers(&self, time: Duration) -> Slow<'_> {
        self.cluster.set("env", "inference", &format!("{DELAY}={}", time.as_millis()), ROLLOUT);
        Slow(&self.cluster)
    }

    fn assert_undisturbed(&self, done: &Done) {
        let later = self.dev.later();
        assert_eq!(done.table, later.table, "the campaign's report changed");
        assert_eq!(done.report, later.report, "the report is not that of an undisturbed campaign");
    }
}

impl Deployed {
    /// The same list in a campaign behind the smoke test's: who took their consent back in that one is on the suppression
    /// list by now.
    fn later(&self) -> Done {
        let mut report = self.report.clone();
        let excluded = report["excluded"].as_object_mut().unwrap();
        let withdrawn = excluded.remove("withdrawn").unwrap().as_u64().unwrap();
        let before = excluded["suppressed"].as_u64().unwrap();
        excluded["suppressed"] = (before + withdrawn).into();
        let after = format!("suppressed {}", before + withdrawn);
        let (before, withdrawn) = (format!("suppressed {before}"), format!("withdrawn {withdrawn}"));
        assert!(self.smoke.contains(&before) && self.smoke.contains(&withdrawn));
        let lines = self.smoke.iter().filter(|line| **line != withdrawn);
        let table = lines.map(|line| if *line == before { after.clone() } else { line.clone() }).collect();
        Done { table, report }
    }
}

const DELAY: &str = "MAILY_SERVICE__RECORDED__DELAY_MILLIS";

/// Answers take their time for as long as this is there.
pub(crate) struct Slow<'a>(&'a Cluster);

impl Drop for Slow<'_> {
    fn drop(&mut self) {
        let unset = format!("{DELAY}-");
        match panicking() {
            false => self.0.set("env", "inference", &unset, ROLLOUT),
            // Others find the cluster as they expect it.
            true => drop(self.0.kubectl(&["-n", "maily", "set", "env", "deployment/inference", &unset])),
        }
    }
}

fn destroy() {
    let _ = xtask(&["destroy", "dev", "--yes"]).ok();
}

/// Builds the images; the model's answers are recorded ones.
fn images() -> String {
    let said = deploy(&["--only", "images"]).ok();
    recorded::replace(&format!("maily/inference:{TAG}"));
    said
}

/// `cargo xtask deploy dev`, without questions. The images have a tag of the test's, for the tree may be edited while it runs.
pub(crate) fn deploy(arguments: &[&str]) -> Said {
    xtask(&[&["deploy", "dev", "--yes", "--tag", TAG], arguments].concat())
}

/// The steps that bring other manifests of the same images.
pub(crate) const CHANGE: [&str; 2] = ["--only", "diff,apply,rollout,report"];

#[test]
fn from_nothing_to_a_finished_campaign() {
    let shared = Shared::as_it_is();
    let said = &shared.dev.said;
    for step in
        ["preflight", "terraform", "images", "push", "secrets", "diff", "apply", "rollout", "smoke", "report"]
    {
        assert!(said.contains(&format!("dev {step}")), "no step {step}: {said}");
    }
    for (key, value) in [("rows", 217), ("written", 153), ("excluded", 64)] {
        assert!(shared.dev.smoke.contains(&format!("{key} {value}")), "{key} is not {value}: {said}");
    }
    say(format_args!("{}", said.lines().rev().take(9).collect::<Vec<_>>().join("; ")));
}

#[test]
fn again_without_a_change_nothing_differs_and_no_pod_is_replaced() {
    let shared = Shared::own();
    let lives = shared.cluster.lives();
    let said = deploy(&["--skip", "images,smoke"]).ok();
    assert!(said.contains("  no change") && said.contains("the release is the same as before"), "{said}");
    assert_eq!(shared.cluster.lives(), lives, "a pod was replaced or started again");
    let said = deploy(&["--dry-run"]).ok();
    assert!(said.contains("  no change"), "{said}");
}

#[test]
fn a_caller_without_a_client_certificate_is_refused_by_every_service() {
    let shared = Shared::any();
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
#[test]
fn everything_is_replaced_while_a_campaign_runs_and_no_clients_request_fails() {
    let shared = Shared::own();
    let annotation = ANOTHER.replace('/', "~1");
    let patch =
        format!("- {{ op: add, path: /spec/template/metadata/annotations/{annotation}, value: next }}");
    let folder = overlay::patched(
        &shared.cluster.path("next"),
        &overlay::dev(),
        ("Deployment|StatefulSet", ".*"),
        &patch,
    );
    let slow = shared.slow_answers(Duration::from_secs(10));
    let before = shared.cluster.lives();
    let clients = Clients::start(&shared.cluster, ROLLOUT);
    let campaign = Campaign::start(&shared.cluster, "rollout");
    campaign.wait_for_work();
    let _ = deploy(&[&CHANGE[..], &["--overlay", folder.to_str().unwrap()]].concat()).ok();
    campaign.assert_running("everything was replaced");
    clients.assert_served();
    let after = shared.cluster.lives();
    assert_eq!(after.len(), before.len());
    let kept: Vec<_> = after.iter().filter(|(name, life)| before.get(*name) == Some(life)).collect();
    assert!(kept.is_empty(), "not replaced: {kept:?}");
    drop(slow);
    let done = campaign.finish();
    shared.assert_undisturbed(&done);
}

/// Without a grace period, so that nothing can be put in order before the end.
#[test]
fn each_pod_is_killed_in_a_campaign_and_the_report_is_the_same() {
    let shared = Shared::any();
    let slow = shared.slow_answers(Duration::from_secs(10));
    let campaign = Campaign::start(&shared.cluster, "kills");
    campaign.wait_for_work();
    let pods = shared.cluster.lives();
    // Those first whose loss stops the writing, so that it has not ended when the last one is killed.
    let order = ["orchestrator", "inference", "guardrails", "storage", "compliance", "redis"];
    let place = |pod: &str| order.iter().position(|name| pod.starts_with(name)).expect("an unknown pod");
    let mut victims: Vec<_> = pods.iter().collect();
    victims.sort_by_key(|(pod, _)| place(pod));
    for (pod, (uid, _)) in &victims {
        campaign.assert_running(&format!("{pod} was killed"));
        let kill = ["-n", "maily", "delete", "pod", pod, "--grace-period=0", "--force", "--wait=false"];
        let _ = shared.cluster.kubectl(&kill).ok();
        shared.cluster.settle_without(uid, ROLLOUT);
    }
    drop(slow);
    let done = campaign.finish();
    shared.assert_undisturbed(&done);
    say(format_args!("{} pods were killed", victims.len()));
}

#[test]
fn another_environments_context_is_refused() {
    let _cluster = Cluster::alone();
    for context in ["maily-prod", "kind-maily-dev", "maily-development"] {
        let said = xtask(&["deploy", "dev", "--yes", "--context", context]).failed();
        assert!(said.contains("does not belong to dev"), "{said}");
    }
}

/// Late in the alphabet, for what needs dev after it has to deploy it again.
#[test]
fn taken_off_the_cluster_nothing_is_left() {
    let shared = Shared::any();
    destroy();
    let left =
        shared.cluster.kubectl(&["get", "namespace", "maily", "--ignore-not-found", "-o", "name"]).ok();
    assert_eq!(left.trim(), "");
    let kinds =
        "validatingadmissionpolicies,validatingadmissionpolicybindings,clusterroles,clusterrolebindings";
    let left =
        shared.cluster.kubectl(&["get", kinds, "-l", "app.kubernetes.io/part-of=maily", "-o", "name"]).ok();
    assert!(!left.contains("maily"), "{left}");
}

/// The last one in the alphabet, for whoever comes after it has to start the cluster again.
#[test]
fn with_the_cluster_down_nothing_is_changed_on_the_machine() {
    let cluster = Cluster::alone();
    let _ = xtask(&["cluster", "down"]).ok();
    assert_eq!(*cluster.before(), machine::look(), "the cluster left something changed on the machine");
}
