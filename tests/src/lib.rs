//! What the tests that cross services share: a whole stack, campaign folders, a small HTTPS client, mail.
//!
//! `cargo xtask test` runs them, each as a process of its own, and fetches the peers before. What is expensive is made
//! once and shared ([`shared`]). What a test did goes straight to standard error, past libtest's capture.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "all of this runs in tests and in the benchmark, where a panic is the failure"
)]

pub mod api;
pub mod fairness;
pub mod folder;
pub mod guest;
pub mod hostile;
pub mod https;
pub mod mail;
pub mod peers;
pub mod platform;
pub mod report;
pub mod s3;
pub mod shared;

use std::io::Write as _;

/// Says what a test did, whether or not it fails.
pub fn say(what: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr(), "      {what}");
}
