//! Images whose model's answers are recorded ones (`tests/recorded`), for tests whose subject is not the model.

use std::{fs, path::Path, process::Command};

use maily_testkit::program;
use maily_tests::peers::run;

use crate::{docker, root};

/// What recordings are looked up with and where they are, below the workspace: folders that have all of it.
const SOURCES: [&str; 3] = ["services/orchestrator", "services/guardrails", "tests/recorded/answers"];

/// Puts an image with recorded answers in the place of this inference image: it serves and asks for nothing else.
///
/// # Panics
/// It can't be built.
pub fn replace(image: &str) {
    let folder = tempfile::tempdir().unwrap();
    let context = folder.path();
    let built = program("maily-inference-recorded");
    command(Command::new("strip").arg("--strip-debug").arg("-o").arg(context.join("maily")).arg(built));
    let workspace = context.join("workspace");
    fs::create_dir(&workspace).unwrap();
    command(Command::new("cp").args(["-r", "--parents"]).args(SOURCES).arg(&workspace).current_dir(root()));
    // The service runs as another user than whoever owns the sources.
    command(Command::new("chmod").args(["-R", "a+rX"]).arg(&workspace));
    let build = ["build", "--quiet", "--tag", image, "--build-arg", &format!("IMAGE={image}"), "--file"];
    let file = root().join("tests/compose/recorded/Dockerfile");
    let _alone = maily_testkit::docker::build_alone().unwrap();
    let _ = docker::ask(&[&build[..], &[text(&file), text(context)]].concat());
}

fn command(command: &mut Command) {
    let said = run(command, b"");
    assert!(said.ok(), "{command:?}: {}", said.all());
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
