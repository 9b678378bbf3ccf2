//! Fixtures: what is too expensive to be made for each test, made once and shared by tests that are processes of
//! their own (cargo-nextest) or threads of one (`cargo test`).
//!
//! A fixture is made by its *keeper*: the same test program, started as a child that runs one ignored test, with a
//! process group and a log of its own. It listens on a Unix socket. A test that uses the fixture connects, is told its
//! state as a line of JSON, and holds the connection as its [`Lease`]: whatever becomes of the test, the connection
//! ends with it. The keeper ends the fixture when nobody has held a lease for a while, and at once when the *runner* is
//! gone: nextest, which is every test's parent, or else the one process that all tests are threads of.
//!
//! ```text
//! static STACK: Fixture<Standing> = Fixture::new("stack", "keep_the_stack");
//!
//! #[test]
//! #[ignore = "the keeper of a fixture, started by the tests that use it"]
//! fn keep_the_stack() {
//!     STACK.keep(|| {
//!         let platform = Platform::start(|plan| plan);
//!         (Standing::of(&platform), platform)
//!     });
//! }
//!
//! #[test]
//! fn is_ready() {
//!     let stack = STACK.lease();
//! }
//! ```
//!
//! # What is where
//!
//! `maily-run-ID` in the folder for temporary files, where ID is nextest's of the run (`NEXTEST_RUN_ID`) or else the
//! number of the process, has a folder for each fixture that is being made, is there, or went wrong:
//!
//! - `keeper.json`: `{"keeper": RUNNING, "runner": RUNNING}`, each a [`maily_testkit::Running`]. A run has ended when no
//!   keeper of its runner is alive.
//! - `failed`: why the fixture could not be made or ended. Tests that want it fail with these words, and don't try again.
//! - `log`: what the keeper printed. It stays where something failed, and names the folders that were kept for a look.
//! - `socket`, and the locks `start` (who starts or ends it) and `use` (who wants it alone).
//!
//! A fixture's folder is gone after its end, and the run's after the last one's, unless something failed.

mod keeper;
mod lease;
mod place;
mod run;
mod watch;

use std::{marker::PhantomData, time::Duration};

use serde::{Serialize, de::DeserializeOwned};

pub use lease::Lease;
use lease::Usage;

/// How long a fixture stays without a lease, by default: the next test that uses it may have to wait for a processor.
const LINGER: Duration = Duration::from_secs(20);

/// Something that several tests use, whose state is told as `S`.
pub struct Fixture<S> {
    name: &'static str,
    keeper: &'static str,
    linger: Duration,
    state: PhantomData<fn() -> S>,
}

impl<S> Fixture<S> {
    /// A fixture with this name, which is made by the ignored test with this path. Test programs that use the same name
    /// share it; each has such a test, and whichever needs it first makes it.
    #[must_use]
    pub const fn new(name: &'static str, keeper: &'static str) -> Self {
        Self { name, keeper, linger: LINGER, state: PhantomData }
    }

    /// Stays so long without a lease.
    #[must_use]
    pub const fn linger(mut self, time: Duration) -> Self {
        self.linger = time;
        self
    }

    /// The ignored test's body: makes the fixture, serves it until it is not used any more, and ends it by dropping
    /// what `make` answered beside its state. Without a test that wants it (somebody runs ignored tests), nothing.
    pub fn keep<G>(&self, make: impl FnOnce() -> (S, G) + Send)
    where
        S: Serialize,
    {
        keeper::keep(self.name, self.linger, move || {
            let (state, guard) = make();
            (serde_json::to_string(&state).expect("a state is JSON"), guard)
        });
    }
}

impl<S: DeserializeOwned> Fixture<S> {
    /// Uses it beside others.
    ///
    /// # Panics
    /// It can't be made.
    #[must_use]
    pub fn lease(&self) -> Lease<S> {
        Lease::take(self.name, self.keeper, Usage::Shared)
    }

    /// Uses it alone: others wait. For a test that disturbs it, and puts it back.
    ///
    /// # Panics
    /// It can't be made.
    #[must_use]
    pub fn lease_alone(&self) -> Lease<S> {
        Lease::take(self.name, self.keeper, Usage::Alone)
    }
    /// Keeps it there, and leaves it to others who uses it alone. For the keeper of a fixture that stands on this one.
    ///
    /// # Panics
    /// It can't be made.
    #[must_use]
    pub fn hold(&self) -> Lease<S> {
        Lease::take(self.name, self.keeper, Usage::None)
    }
}
