//! The last words of pods that are not well: why each waits, what it logged, what the cluster says about it.

use std::time::Duration;

use serde_json::Value;

use super::environment::NAMESPACE;
use crate::{kubectl::Kubectl, shell::Result};

const LINES: &str = "--tail=6";

/// Looks again a moment later.
#[allow(clippy::disallowed_methods, reason = "polling a cluster, in a loop with a deadline")]
pub(super) fn moment() {
    std::thread::sleep(Duration::from_secs(1));
}

/// Prints them.
pub(super) fn show(kubectl: &Kubectl) -> Result<()> {
    let pods = kubectl.json(&["-n", NAMESPACE, "get", "pods", "-l", "app.kubernetes.io/part-of=maily"])?;
    for pod in pods["items"].as_array().into_iter().flatten().filter(|pod| !is_ready(pod)) {
        let name = pod["metadata"]["name"].as_str().unwrap_or_default();
        eprintln!("    {name}");
        for status in statuses(pod).filter(|status| status["ready"] != true) {
            container(kubectl, name, status);
        }
        events(kubectl, name);
    }
    Ok(())
}

fn container(kubectl: &Kubectl, pod: &str, status: &Value) {
    let container = status["name"].as_str().unwrap_or_default();
    if let Some(state) = state(status) {
        eprintln!("      {container}: {state}");
    }
    let logs = |which: &[&str]| {
        let arguments = [&["-n", NAMESPACE, "logs", pod, "-c", container, LINES], which].concat();
        kubectl.output(&arguments).ok().filter(|text| !text.trim().is_empty())
    };
    for line in logs(&["--previous"]).or_else(|| logs(&[])).iter().flat_map(|text| text.lines()) {
        eprintln!("        {line}");
    }
}

fn events(kubectl: &Kubectl, pod: &str) {
    let selector = format!("involvedObject.name={pod},type=Warning");
    let arguments =
        ["-n", NAMESPACE, "get", "events", "--field-selector", &selector, "--sort-by=.lastTimestamp"];
    let Ok(events) = kubectl.json(&arguments) else { return };
    let messages = events["items"].as_array().into_iter().flatten().rev().take(2);
    for message in messages.filter_map(|event| event["message"].as_str()) {
        eprintln!("      event: {}", message.lines().next().unwrap_or_default());
    }
}

/// Whether a pod is ready, or has done its work.
pub(super) fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
    let ready = conditions.into_iter().any(|one| one["type"] == "Ready" && one["status"] == "True");
    ready || pod["status"]["phase"] == "Succeeded"
}

/// The states of a pod's containers, those that come first first.
pub(super) fn statuses(pod: &Value) -> impl Iterator<Item = &Value> {
    ["initContainerStatuses", "containerStatuses"]
        .into_iter()
        .flat_map(|kind| pod["status"][kind].as_array().into_iter().flatten())
}

/// One container's state, in a few words.
pub(super) fn state(status: &Value) -> Option<String> {
    let restarts = status["restartCount"].as_u64().unwrap_or(0);
    let ended = [&status["state"]["terminated"], &status["lastState"]["terminated"]];
    let ended = ended.iter().find_map(|ended| {
        let code = ended["exitCode"].as_i64()?;
        Some(format!("{} with exit code {code}", ended["reason"].as_str().unwrap_or("ended")))
    });
    let waiting = &status["state"]["waiting"];
    let waits = waiting["reason"].as_str().map(|reason| match waiting["message"].as_str() {
        Some(message) => format!("{reason} ({})", message.lines().next().unwrap_or_default()),
        None => reason.to_owned(),
    });
    let parts: Vec<String> = waits.into_iter().chain(ended).collect();
    match (parts.is_empty(), restarts) {
        (true, 0) => None,
        (true, _) => Some(format!("restarted {restarts} times")),
        (false, 0) => Some(parts.join(", ")),
        (false, _) => Some(format!("{}, restarted {restarts} times", parts.join(", "))),
    }
}
