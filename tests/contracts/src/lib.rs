//! What callers rely on of each service: checks written once, which the real service runs in its own tests and every
//! hand-made fake of it in its caller's, so that a fake can't drift from what it stands for.
//!
//! A module is one contract. Its trait (`Compliance`, `Guardrails`, …) is how the checks reach whatever keeps the
//! contract; its checks are functions of one implementation, with nothing in it yet, each; its `…_suite!` makes
//! a test of every check:
//!
//! ```text
//! maily_contracts::compliance_suite!(start); // async fn start() -> impl maily_contracts::compliance::Compliance
//! ```
//!
//! [`log`] has no checks: it keeps what a service logs, for its own tests to search.
//!
//! Where a fake and its service differ, the service is right, and a check says so here.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a check fails by panicking"
)]

pub mod compliance;
pub mod epoch;
pub mod guardrails;
pub mod inference;
pub mod log;
pub mod objects;
mod suites;
