//! Maily in containers: built by `cargo xtask images` and by docker-compose, run by Debian's docker-compose.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod built;
mod full;
mod locked;
mod plain;
mod platform;
mod pushed;

use maily_compose_tests::images::Images;
use maily_tests::shared::{Fixture, Lease};

/// Our images, as `cargo xtask images` builds them: their tag.
static IMAGES: Fixture<String> = Fixture::new("images", "keep_the_images");

#[test]
#[ignore = "the keeper of a fixture, started by the tests that use it"]
fn keep_the_images() {
    IMAGES.keep(|| {
        let images = Images::build(&format!("test-{}", std::process::id()), &[]);
        (images.tag().to_owned(), images)
    });
}

/// The images, for as long as the lease is held.
fn images() -> (Lease<String>, Images) {
    let lease = IMAGES.lease();
    let images = Images::tagged(&lease);
    (lease, images)
}
