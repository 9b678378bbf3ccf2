//! What the tests of `terraform/` share: copies of the tree, our `cargo xtask terraform`, and providers that run already.
//!
//! `cargo xtask test --tier terraform` fetches the parts. A test whose part is missing fails, and says how it comes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "all of this runs in tests, where a panic is the failure"
)]

pub mod azure;
pub mod copy;
pub mod moto;
pub mod providers;
pub mod run;

pub use maily_testkit::workspace as repository;
pub use maily_tests::say;
