//! Bad input, wherever it comes in: one clear sentence, and nothing written. And what is on record of who asked for what.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod audit;
mod campaigns;
mod cancelled;
mod disk;
mod names;
mod start;

use maily_tests::{
    guest::{Guest, Standing},
    platform::{Platform, Room},
    shared::Fixture,
};

/// The stack that refuses.
static STACK: Fixture<Standing> = Fixture::new("bad-input", "keep_the_stack");

#[test]
#[ignore = "the keeper of a fixture, started by the tests that use it"]
fn keep_the_stack() {
    STACK.keep(|| {
        let platform = start(Room::new());
        (Standing::of(&platform), platform)
    });
}

/// Every stack of these tests.
fn start(room: Room) -> Platform {
    Platform::recorded_in(room, audit::with_a_second_key)
}

fn stack() -> Guest {
    Guest::of(STACK.lease())
}
