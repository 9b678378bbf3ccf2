//! Bad input, wherever it comes in: one clear sentence, and nothing written.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod campaigns;
mod disk;
mod names;
mod start;

use maily_tests::{check_all, platform::Platform};

#[test]
fn campaigns_that_can_not_be_run() {
    let mut platform = Platform::start(|plan| plan);
    check_all(
        &mut platform,
        &[
            ("campaign.yaml", campaigns::settings),
            ("files of the folder", campaigns::files),
            ("lists that are refused as a whole", campaigns::lists),
            ("hostile names, and a torn last row", names::hostile),
            ("a full disk", disk::full),
        ],
    );
    drop(platform.stop());
}

#[test]
fn a_service_with_a_full_disk() {
    disk::full_in_a_service();
}

#[test]
fn a_checkpoint_that_is_none() {
    start::checkpoints();
}

#[test]
fn a_port_in_use() {
    start::port();
}

#[test]
fn no_pip_and_no_npm() {
    start::fetching();
}
