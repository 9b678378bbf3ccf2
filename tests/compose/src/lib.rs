//! What the tests in containers share: Docker, the images, a project of docker-compose, the scripts.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "all of this runs in tests, where a panic is the failure"
)]

pub mod docker;
pub mod images;
pub mod project;
pub mod recorded;
pub mod registry;
pub mod stand_ins;

use std::process::Command;

use maily_testkit::program;
pub use maily_testkit::workspace as root;
use maily_tests::peers::{Said, run};

/// `cargo xtask …`, as built beside this test.
///
/// # Panics
/// It is not there, or fails.
#[must_use]
pub fn xtask(arguments: &[&str]) -> Said {
    let said = xtask_said(arguments);
    assert!(said.ok(), "xtask {arguments:?}: {}", said.all());
    said
}

/// The same, whatever becomes of it.
///
/// # Panics
/// It is not there.
#[must_use]
pub fn xtask_said(arguments: &[&str]) -> Said {
    run(Command::new(program("maily-xtask")).args(arguments).current_dir(root()), b"")
}

/// One of `scripts/`, on nothing yet.
#[must_use]
pub fn script(name: &str) -> Command {
    Command::new(root().join("scripts").join(name))
}
