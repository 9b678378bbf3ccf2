//! docker/compose as a developer finds it, with a store for backups; and `scripts/` on it.

mod scripts;

use maily_compose_tests::{
    images,
    project::{Owned, Program},
    recorded,
};
use maily_testkit::cache;
use maily_tests::shared::{Fixture, Lease};

use crate::{
    IMAGES, locked,
    platform::{Finished, STAND_INS},
};

/// Our five, Restate, and the store.
const SERVICES: usize = 7;

/// Built by docker-compose from what `cargo xtask images` put together.
static PLAIN: Fixture<Finished> = Fixture::new("plain", "plain::keep_the_project");

#[test]
#[ignore = "the keeper of a fixture, started by the tests that use it"]
fn keep_the_project() {
    PLAIN.keep(|| {
        let context = IMAGES.lease();
        let tag = format!("built-{}", std::process::id());
        let images = images::Owned::tagged(&tag);
        let project = project(&tag);
        project.compose(&["build"]);
        recorded::replace(&images.reference("inference"));
        let stand_ins = STAND_INS.lease();
        (Finished::make(&project, SERVICES), (project, images, stand_ins, context))
    });
}

/// One that is not up.
pub(crate) fn project(tag: &str) -> Owned {
    let context = cache::dir().join("images/context");
    let settings = [
        ("COMPOSE_PROFILES", "s3"),
        ("MAILY_BUILD_CONTEXT", &*context.to_string_lossy()),
        ("MAILY_BINARIES", "prebuilt"),
    ];
    Owned::new(Program::Standalone, "plain", tag, &settings)
}

/// The project for one test alone: some take it apart, and put it together again.
fn plain() -> Lease<Finished> {
    let plain = PLAIN.lease_alone();
    plain.restore();
    plain
}

#[test]
fn every_container_is_healthy_locked_and_local() {
    locked::check(&plain().project, SERVICES);
}

#[test]
fn the_sample_campaign_is_done() {
    plain().assert_done();
}

/// The last one in the alphabet, for what comes after it has to be made again.
#[test]
fn when_taken_down_nothing_is_left() {
    plain().assert_gone_after_down();
}
