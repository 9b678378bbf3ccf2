//! What the tests of `terraform/` share: copies of the tree, our `cargo xtask terraform`, and what this machine lacks.
//!
//! `cargo xtask test --tier real` fetches the parts and says where they are. A test whose part this machine can't have is
//! left out, says so, and is named again in the closing report.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "all of this runs in tests, where a panic is the failure"
)]

pub mod azure;
pub mod copy;
pub mod moto;
pub mod run;

use std::{env, io::Write as _, path::PathBuf};

pub use maily_testkit::workspace as repository;

/// Where a part is, such as `MAILY_AZURERM`. Without it the test is left out, out loud.
#[must_use]
pub fn part(variable: &str) -> Option<PathBuf> {
    let path = env::var_os(variable).map(PathBuf::from).filter(|path| path.exists());
    if path.is_none() {
        say(format_args!("LEFT OUT: {variable} is not there; `cargo xtask test --tier real` fetches it"));
    }
    path
}

/// Says what a test did, whether or not it fails.
pub fn say(what: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr(), "      {what}");
}
