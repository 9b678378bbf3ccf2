//! What the tests in containers share: Docker, the images, a project of docker-compose, the scripts.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "all of this runs in tests, where a panic is the failure"
)]

pub mod docker;
pub mod images;
pub mod project;
pub mod stand_ins;

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use maily_tests::peers::{Said, run};

/// The workspace's root.
///
/// # Panics
/// It is gone.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// `cargo xtask …`, as built beside this test.
///
/// # Panics
/// It is not there, or fails.
#[must_use]
pub fn xtask(arguments: &[&str]) -> Said {
    let own = env::current_exe().unwrap();
    let program = own.ancestors().nth(2).unwrap().join("xtask");
    assert!(program.is_file(), "{} is missing: run this by `cargo xtask test`", program.display());
    let said = run(Command::new(program).args(arguments).current_dir(root()), b"");
    assert!(said.ok(), "xtask {arguments:?}: {}", said.all());
    said
}

/// One of `scripts/`, on nothing yet.
#[must_use]
pub fn script(name: &str) -> Command {
    Command::new(root().join("scripts").join(name))
}
