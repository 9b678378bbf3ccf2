//! What the tests on a real Kubernetes share: the cluster on this machine, xtask as a user runs it, rendered manifests.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "all of this runs in tests, where a panic is the failure"
)]

pub mod cluster;
pub mod machine;
pub mod manifests;
pub mod metrics;
pub mod overlay;
pub mod tunnel;
pub mod watcher;

use std::process::{Command, Stdio};

pub use maily_testkit::{program, workspace as root};

/// How a program ended, and everything it said.
#[derive(Debug)]
pub struct Said {
    /// Its exit code; none after a signal.
    pub code: Option<i32>,
    /// Standard output, then standard error.
    pub text: String,
}

impl Said {
    /// What it said, if it succeeded.
    ///
    /// # Panics
    /// It failed.
    #[must_use]
    pub fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{}", self.text);
        self.text
    }

    /// What it said, if it failed.
    ///
    /// # Panics
    /// It succeeded.
    #[must_use]
    pub fn failed(self) -> String {
        assert_ne!(self.code, Some(0), "it succeeded: {}", self.text);
        self.text
    }
}

/// Runs a program to its end.
///
/// # Panics
/// It can't be started.
pub fn run(command: &mut Command) -> Said {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    Said { code: output.status.code(), text }
}

/// `cargo xtask …`, as built beside this test.
///
/// # Panics
/// It is not there.
#[must_use]
pub fn xtask(arguments: &[&str]) -> Said {
    run(Command::new(program("maily-xtask")).args(arguments).current_dir(root()))
}
