//! Maily in containers: built by `cargo xtask images` and by docker-compose, run by Debian's docker-compose.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod built;
mod locked;
mod plain;
mod profiles;
mod pushed;
mod scripts;

use maily_compose_tests::images::Images;
use maily_tests::check_all;

/// One test, so that the images are built once and every part of it is tried, also behind a failed one.
#[test]
fn maily_in_containers() {
    let mut images = Images::build(&format!("test-{}", std::process::id()), &[]);
    check_all(
        &mut images,
        &[
            ("an image is small, locked, labelled, quick to start, and the same twice", built::images),
            ("an image is pushed to a registry, and what is pulled from there is the same", pushed::image),
            ("a developer's compose, and the scripts on it", plain::compose),
            ("everything behind the profiles is used", profiles::compose),
        ],
    );
}
