//! What the tests that cross services share: a whole stack, campaign folders, a small HTTPS client, mail.
//!
//! `cargo xtask test` runs them, one program after the other, and tells them where the peers are. Each program
//! starts one stack or few; what it did goes straight to standard error, past libtest's capture.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "all of this runs in tests and in the benchmark, where a panic is the failure"
)]

pub mod api;
pub mod folder;
pub mod guest;
pub mod https;
pub mod mail;
pub mod peers;
pub mod platform;
pub mod report;
pub mod shared;

use std::{
    io::Write as _,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Instant,
};

/// Says what a test did, whether or not it fails.
pub fn say(what: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr(), "      {what}");
}

/// One named check against something that is shared.
pub type Check<'a, T> = (&'a str, fn(&mut T));

/// Runs every check on one stack, also those behind a failed one.
///
/// # Panics
/// A check failed.
pub fn check_all<T>(shared: &mut T, checks: &[Check<'_, T>]) {
    let mut failed = Vec::new();
    for (name, check) in checks {
        let begun = Instant::now();
        let done = catch_unwind(AssertUnwindSafe(|| check(shared)));
        let verdict = if done.is_ok() { "ok" } else { "FAILED" };
        say(format_args!("{name}: {verdict} ({:.1} s)", begun.elapsed().as_secs_f32()));
        if done.is_err() {
            failed.push(*name);
        }
    }
    assert!(failed.is_empty(), "failed: {}", failed.join(", "));
}
