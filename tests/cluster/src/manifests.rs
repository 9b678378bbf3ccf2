//! The overlays as kubectl renders them.

use std::process::Command;

use serde_json::Value;

use crate::{root, run};

/// Every environment.
pub const ENVIRONMENTS: [&str; 3] = ["dev", "staging", "prod"];

/// The text of an overlay.
#[must_use]
pub fn text(environment: &str) -> String {
    let overlay = root().join("k8s/overlays").join(environment);
    run(Command::new("kubectl").arg("kustomize").arg(overlay)).ok()
}

/// The objects of an overlay.
///
/// # Panics
/// It is not YAML.
#[must_use]
pub fn objects(environment: &str) -> Vec<Value> {
    read(&text(environment))
}

/// The objects of a text.
///
/// # Panics
/// It is not YAML.
#[must_use]
pub fn read(text: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(text).unwrap()
}

/// As a deployment renders them: each image with a tag, ours and that of Vault's agent.
#[must_use]
pub fn tagged(text: &str) -> String {
    let untagged = ["image: maily/", "image: hashicorp/vault"];
    let tag = |line: &str| {
        let image = line.trim_start().trim_start_matches("- ");
        match untagged.iter().any(|begin| image.starts_with(begin)) {
            true => format!("{line}:0123456789ab\n"),
            false => format!("{line}\n"),
        }
    };
    text.lines().map(tag).collect()
}
