//! Watching a rollout: what is under way, what can't end well, and going back.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::{
    environment::NAMESPACE,
    words::{self, is_ready, statuses},
};
use crate::{
    kubectl::Kubectl,
    shell::{Result, say},
};

/// Waiting for these is in vain: only other manifests or another image help.
const HOPELESS: [&str; 6] = [
    "ImagePullBackOff",
    "ErrImageNeverPull",
    "InvalidImageName",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
];
/// A container that ended so often, so soon, will not stay.
const RESTARTS: u64 = 2;
const PENDING: &str = "pods are not ready";

/// Everything of ours that can be rolled out, as it is now.
struct Look(Value);

enum Verdict {
    Done,
    Waiting(String),
    Failed(String),
}

/// Waits until every workload is rolled out.
pub(super) fn wait(kubectl: &Kubectl, limit: Duration) -> Result<()> {
    watch(kubectl, limit, |_| Ok(()))
}

/// Applies the last release again and waits until it is rolled out.
pub(super) fn back(kubectl: &Kubectl, manifests: &str, limit: Duration) -> Result<()> {
    say("Rolling back to the last release");
    kubectl.apply(manifests)?;
    watch(kubectl, limit, |look| look.unstick(kubectl))?;
    say("Rolled back: the last release runs, and every pod of it is ready");
    Ok(())
}

fn watch(kubectl: &Kubectl, limit: Duration, mut each: impl FnMut(&Look) -> Result<()>) -> Result<()> {
    let end = Instant::now() + limit;
    let mut shown = String::new();
    loop {
        let verdict = match Look::now(kubectl) {
            Ok(look) => {
                each(&look)?;
                look.verdict()
            }
            // The API server may be busy; the deadline decides.
            Err(error) => Verdict::Waiting(error),
        };
        match verdict {
            Verdict::Done => return Ok(()),
            Verdict::Failed(why) => return Err(why),
            Verdict::Waiting(line) if Instant::now() > end => {
                return Err(format!("not rolled out after {} s: {line}", limit.as_secs()));
            }
            Verdict::Waiting(line) if line != shown => {
                say(&format!("  {line}"));
                shown = line;
            }
            Verdict::Waiting(_) => {}
        }
        words::moment();
    }
}

impl Look {
    fn now(kubectl: &Kubectl) -> Result<Self> {
        let kinds = "deployments,statefulsets,replicasets,pods";
        kubectl.json(&["-n", NAMESPACE, "get", kinds, "-l", "app.kubernetes.io/part-of=maily"]).map(Self)
    }

    fn all<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.0["items"].as_array().into_iter().flatten().filter(move |item| item["kind"] == kind)
    }

    fn verdict(&self) -> Verdict {
        let mut waiting = Vec::new();
        for workload in self.all("Deployment").chain(self.all("StatefulSet")) {
            let name = workload["metadata"]["name"].as_str().unwrap_or_default();
            if let Some(fault) = self.fault(workload) {
                return Verdict::Failed(fault);
            }
            if !done(workload) {
                waiting.push(name);
            }
        }
        match waiting.is_empty() {
            true => Verdict::Done,
            false => Verdict::Waiting(format!("{PENDING}: {}", waiting.join(", "))),
        }
    }

    /// Why a workload's new pods will never be ready.
    fn fault(&self, workload: &Value) -> Option<String> {
        let conditions = workload["status"]["conditions"].as_array().into_iter().flatten();
        let late = conditions.into_iter().any(|one| one["reason"] == "ProgressDeadlineExceeded");
        let name = workload["metadata"]["name"].as_str().unwrap_or_default();
        let revision = self.revision(workload)?;
        let pods: Vec<&Value> =
            self.all("Pod").filter(|pod| of(pod, workload, &revision) && !is_ready(pod)).collect();
        if late && !pods.is_empty() {
            return Some(format!("{name}: no progress before the deadline"));
        }
        pods.into_iter().flat_map(|pod| statuses(pod).map(move |status| (pod, status))).find_map(
            |(pod, status)| {
                let why = hopeless(status)?;
                Some(format!("{} ({}): {why}", pod["metadata"]["name"].as_str()?, status["name"].as_str()?))
            },
        )
    }

    /// The hash of the newest template, as its pods' labels carry it.
    fn revision(&self, workload: &Value) -> Option<String> {
        if workload["kind"] == "StatefulSet" {
            return workload["status"]["updateRevision"].as_str().map(ToOwned::to_owned);
        }
        let newest = |item: &&Value| {
            let annotation = &item["metadata"]["annotations"]["deployment.kubernetes.io/revision"];
            annotation.as_str().and_then(|text| text.parse::<u64>().ok())
        };
        let owned = self.all("ReplicaSet").filter(|set| owner(set) == workload["metadata"]["name"].as_str());
        let set = owned.max_by_key(newest)?;
        set["metadata"]["labels"]["pod-template-hash"].as_str().map(ToOwned::to_owned)
    }

    /// A StatefulSet waits for its broken pod before it replaces it, so going back takes a hand: the pod is deleted.
    fn unstick(&self, kubectl: &Kubectl) -> Result<()> {
        for workload in self.all("StatefulSet").filter(|workload| observed(workload)) {
            let Some(revision) = self.revision(workload) else { continue };
            let own = self.all("Pod").filter(|pod| owner(pod) == workload["metadata"]["name"].as_str());
            for pod in own.filter(|pod| !of(pod, workload, &revision) && !is_ready(pod) && !ending(pod)) {
                let name = pod["metadata"]["name"].as_str().unwrap_or_default();
                kubectl.output(&[
                    "-n",
                    NAMESPACE,
                    "delete",
                    "pod",
                    name,
                    "--ignore-not-found",
                    "--wait=false",
                ])?;
            }
        }
        Ok(())
    }
}

fn owner(item: &Value) -> Option<&str> {
    item["metadata"]["ownerReferences"][0]["name"].as_str()
}

fn ending(pod: &Value) -> bool {
    pod["metadata"]["deletionTimestamp"].is_string()
}

/// Whether a pod was made from this template of the workload.
fn of(pod: &Value, workload: &Value, revision: &str) -> bool {
    let labels = &pod["metadata"]["labels"];
    let name = workload["metadata"]["name"].as_str();
    match workload["kind"] == "StatefulSet" {
        true => owner(pod) == name && labels["controller-revision-hash"] == revision,
        false => labels["pod-template-hash"] == revision && labels["app.kubernetes.io/name"].as_str() == name,
    }
}

fn observed(workload: &Value) -> bool {
    workload["status"]["observedGeneration"].as_u64() >= workload["metadata"]["generation"].as_u64()
}

/// Whether a workload is what its manifest asks for (as `kubectl rollout status` judges it).
fn done(workload: &Value) -> bool {
    let status = &workload["status"];
    let wanted = workload["spec"]["replicas"].as_u64().unwrap_or(1);
    let count = |key: &str| status[key].as_u64().unwrap_or(0);
    let complete = match workload["kind"] == "StatefulSet" {
        true => status["currentRevision"] == status["updateRevision"] && count("readyReplicas") >= wanted,
        false => {
            count("updatedReplicas") >= wanted
                && count("replicas") == count("updatedReplicas")
                && count("availableReplicas") >= wanted
        }
    };
    complete && observed(workload)
}

fn hopeless(status: &Value) -> Option<String> {
    let reason = status["state"]["waiting"]["reason"].as_str().unwrap_or_default();
    let restarts = status["restartCount"].as_u64().unwrap_or(0);
    let crashes =
        restarts >= RESTARTS && (reason == "CrashLoopBackOff" || status["state"]["terminated"].is_object());
    (HOPELESS.contains(&reason) || crashes).then(|| words::state(status)).flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn workload(kind: &str, status: Value) -> Value {
        json!({ "kind": kind, "metadata": { "name": "a", "generation": 2 }, "spec": { "replicas": 1 }, "status": status })
    }

    #[test]
    fn done_is_what_kubectl_calls_done() {
        let rolled =
            json!({ "observedGeneration": 2, "updatedReplicas": 1, "replicas": 1, "availableReplicas": 1 });
        assert!(done(&workload("Deployment", rolled)));
        let surge =
            json!({ "observedGeneration": 2, "updatedReplicas": 1, "replicas": 2, "availableReplicas": 2 });
        assert!(!done(&workload("Deployment", surge)), "an old pod is left");
        let old =
            json!({ "observedGeneration": 1, "updatedReplicas": 1, "replicas": 1, "availableReplicas": 1 });
        assert!(!done(&workload("Deployment", old)), "the controller has not seen the change");
        let half = json!({ "observedGeneration": 2, "currentRevision": "a", "updateRevision": "b", "readyReplicas": 1 });
        assert!(!done(&workload("StatefulSet", half)));
    }

    #[test]
    fn a_first_crash_is_waited_out() {
        let crash = |restarts: u64| json!({ "restartCount": restarts, "state": { "waiting": { "reason": "CrashLoopBackOff" } } });
        assert!(hopeless(&crash(1)).is_none() && hopeless(&crash(2)).is_some());
        let pull = json!({ "restartCount": 0, "state": { "waiting": { "reason": "ImagePullBackOff" } } });
        assert_eq!(hopeless(&pull).as_deref(), Some("ImagePullBackOff"));
    }
}
