//! The service as its callers see it, with the real model: `MAILY_MODEL`, or where `cargo xtask model` puts it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod answers;
mod client;
mod contract;
mod limits;
mod privacy;
mod refusals;

maily_template::worker_of_tests!();
