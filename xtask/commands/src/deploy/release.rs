//! The release that works, kept in the cluster itself: what a failed one is rolled back to.

use std::process::Command;

use serde_json::{Value, json};

use super::{environment::NAMESPACE, manifests};
use crate::{
    kubectl::Kubectl,
    shell::{Result, output, root, say},
};

const NAME: &str = "maily-release";

/// Notes these manifests as the release that works.
pub(super) fn note(kubectl: &Kubectl, manifests: &str) -> Result<()> {
    if last(kubectl)?.is_some_and(|last| last == manifests) {
        say("  the release is the same as before");
        return Ok(());
    }
    let revision = output(
        Command::new("git").args(["describe", "--always", "--dirty", "--abbrev=12"]).current_dir(root()),
    )?;
    let object = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": { "name": NAME, "namespace": NAMESPACE },
        "data": { "revision": revision.trim(), "manifests.yaml": manifests },
    });
    kubectl.apply(&object.to_string())?;
    say(&format!("  released {} ({} objects)", revision.trim(), manifests::count(manifests)));
    Ok(())
}

/// The manifests of the last release that worked.
pub(super) fn last(kubectl: &Kubectl) -> Result<Option<String>> {
    let text =
        kubectl.output(&["-n", NAMESPACE, "get", "configmap", NAME, "--ignore-not-found", "-o", "json"])?;
    if text.trim().is_empty() {
        return Ok(None);
    }
    let value: Value = serde_json::from_str(&text).map_err(|error| format!("the last release: {error}"))?;
    Ok(value["data"]["manifests.yaml"].as_str().map(ToOwned::to_owned))
}
