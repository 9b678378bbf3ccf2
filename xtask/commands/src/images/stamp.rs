//! Gives an image the time of its revision, so that the same content is the same image twice.
//!
//! Layers carry no times of the build: the Dockerfile sets them. What is left is in the image's configuration, which
//! BuildKit 0.11 and later fills by `SOURCE_DATE_EPOCH` and older builders by the clock: there it is replaced here.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use aws_lc_rs::digest;
use serde_json::{Value, json};

use crate::shell::{Result, output, run};

/// Names the image `built` also `reference`, with every time in its configuration set to `created`.
pub(super) fn stamp(docker: &Path, built: &str, reference: &str, created: &str) -> Result<()> {
    let folder = tempfile::Builder::new().prefix("maily-").tempdir().map_err(|error| error.to_string())?;
    let folder = folder.path();
    let archive = folder.join("image.tar");
    run(Command::new(docker).args(["save", "--output"]).arg(&archive).arg(built))?;
    run(Command::new("tar").arg("-xf").arg(&archive).arg("-C").arg(folder))?;
    let image = read(&folder.join("manifest.json"))?[0].take();
    let mut config = read(&folder.join(image["Config"].as_str().unwrap_or_default()))?;
    if !settle(&mut config, created) {
        return run(Command::new(docker).args(["tag", built, reference]));
    }
    let bytes = config.to_string().into_bytes();
    let name = format!("{}.json", hex::encode(digest::digest(&digest::SHA256, &bytes)));
    let manifest = json!([{ "Config": name, "RepoTags": [reference], "Layers": image["Layers"] }]);
    write(&folder.join(&name), &bytes)?;
    write(&folder.join("manifest.json"), manifest.to_string().as_bytes())?;
    let layers = image["Layers"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let mut tar = Command::new("tar");
    tar.arg("-cf").arg(&archive).arg("-C").arg(folder).args(["manifest.json", &name]).args(layers);
    run(&mut tar)?;
    output(Command::new(docker).args(["load", "--quiet", "--input"]).arg(&archive).stdin(Stdio::null()))
        .map(drop)
}

/// Whether anything had to be changed.
fn settle(config: &mut Value, created: &str) -> bool {
    let mut changed = set(config, created);
    for step in config["history"].as_array_mut().into_iter().flatten() {
        changed |= set(step, created);
    }
    changed
}

fn set(object: &mut Value, created: &str) -> bool {
    let changed = object["created"].as_str().is_some_and(|now| now != created);
    if changed {
        object["created"] = created.into();
    }
    changed
}

fn read(path: &Path) -> Result<Value> {
    let text = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", path.display()))
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).map_err(|error| format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_becomes_that_of_the_revision() {
        let created = "2026-11-25T00:00:00Z";
        let mut config = json!({
            "created": "2026-11-25T01:02:03.4Z",
            "history": [{ "created": "2026-11-25T01:02:03Z", "created_by": "COPY" }, { "created": created }],
            "rootfs": { "diff_ids": ["sha256:1"] },
        });
        assert!(settle(&mut config, created));
        assert_eq!(
            config,
            json!({
                "created": created,
                "history": [{ "created": created, "created_by": "COPY" }, { "created": created }],
                "rootfs": { "diff_ids": ["sha256:1"] },
            })
        );
        assert!(!settle(&mut config, created));
    }
}
