//! Docker, asked in one line.

use std::{path::PathBuf, process::Command};

use maily_tests::peers::{Said, run};
use serde_json::Value;

/// The client that can build.
///
/// # Panics
/// There is none, or its daemon does not answer.
#[must_use]
pub fn client() -> PathBuf {
    maily_testkit::docker::client().unwrap_or_else(|error| panic!("{error}"))
}

/// Runs `docker …`, whatever becomes of it.
#[must_use]
pub fn attempt(arguments: &[&str]) -> Said {
    run(Command::new(client()).args(arguments).env("DOCKER_BUILDKIT", "1"), b"")
}

/// What `docker …` printed on standard output, without the line's end.
///
/// # Panics
/// It failed.
#[must_use]
pub fn ask(arguments: &[&str]) -> String {
    let said = attempt(arguments);
    assert!(said.ok(), "docker {arguments:?}: {}", said.all() + &maily_testkit::docker::ended(&client()));
    said.out.trim_end().to_owned()
}

/// What Docker knows of containers or images.
///
/// # Panics
/// It does not know one.
#[must_use]
pub fn inspect(names: &[&str]) -> Vec<Value> {
    serde_json::from_str(&ask(&[&["inspect"], names].concat())).unwrap()
}

/// The lines of a list that Docker prints, e.g. `&["ps", "-q"]`.
#[must_use]
pub fn lines(arguments: &[&str]) -> Vec<String> {
    ask(arguments).lines().map(ToOwned::to_owned).collect()
}
