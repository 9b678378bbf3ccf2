//! Where the workspace under test is, and what was built of it.

use std::{env, path::PathBuf};

use crate::plan;

/// The workspace whose test or benchmark this is: around the folder that cargo and `cargo xtask test` name when they run it.
/// What `env!("CARGO_MANIFEST_DIR")` was when it was built may be another clone, where clones share a target folder.
///
/// # Panics
/// We are in none.
#[must_use]
#[expect(clippy::expect_used, reason = "for tests, where a panic is the failure")]
pub fn workspace() -> PathBuf {
    let package =
        env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).expect("cargo sets CARGO_MANIFEST_DIR");
    let found = package.ancestors().find(|folder| folder.join("Cargo.lock").exists());
    found.expect("a Cargo.lock above the package").to_owned()
}

/// A program of the workspace, as built beside this test.
///
/// # Panics
/// It is not there.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    let program = plan::programs().join(name);
    assert!(program.is_file(), "{} is missing: run this by `cargo xtask test`", program.display());
    program
}
