//! A running stack that a keeper keeps, as the tests that share it see it: they ask it, but don't start or stop anything.

use std::{
    ops::Deref,
    path::{Path, PathBuf},
    time::Instant,
};

use maily_testkit::{Plan, Service};
use serde::{Deserialize, Serialize};

use crate::{
    https::Https,
    peers,
    platform::{DEADLINE, Outcome, Platform, Room, assert_recorded},
    shared::{Fixture, Lease},
};

/// Where a running stack is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Standing {
    data: PathBuf,
    base: u16,
}

/// A stack as it comes, with the real model; nothing that its tests do disturbs those beside them.
pub static STACK: Fixture<Standing> = Fixture::new("stack", "keep_the_stack");

/// The body of `keep_the_stack`, the ignored test that each program has whose tests share [`STACK`].
pub fn keep_the_stack() {
    STACK.keep(|| {
        let platform = Platform::start(|plan| plan);
        (Standing::of(&platform), platform)
    });
}

impl Standing {
    /// That of a platform.
    ///
    /// # Panics
    /// Its addresses have no port.
    #[must_use]
    pub fn of(platform: &Platform) -> Self {
        // The first service's internal listener is at the first port of a plan.
        let first = platform.plan().internal(Service::ALL[0]);
        let base = first.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        Self { data: platform.plan().data().to_owned(), base: base.unwrap() }
    }

    /// Where everything of it is. Settings that it was started with are not known.
    ///
    /// # Panics
    /// Its folder is gone.
    #[must_use]
    pub fn plan(&self) -> Plan {
        Plan::new(&self.data, self.base).unwrap()
    }
}

impl AsRef<Self> for Standing {
    fn as_ref(&self) -> &Self {
        self
    }
}

/// A test's place at a stack: its addresses, and a folder of the test's own. It derefs to what else the fixture told.
pub struct Guest<S = Standing> {
    lease: Lease<S>,
    plan: Plan,
    room: Room,
}

impl<S> Deref for Guest<S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.lease
    }
}

impl<S: AsRef<Standing>> Guest<S> {
    /// The place of whoever holds this lease.
    #[must_use]
    pub fn of(lease: Lease<S>) -> Self {
        let plan = lease.as_ref().plan();
        Self { lease, plan, room: Room::new() }
    }
}

impl<S> Guest<S> {
    /// Where everything is.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// A place for the test's own files, gone with it unless it fails.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.room.data().with_file_name(name)
    }

    /// An HTTPS client of a service's edge listener, with the right key.
    ///
    /// # Panics
    /// The key can't be read.
    #[must_use]
    pub fn https(&self, service: Service) -> Https {
        Https::edge(self.plan(), service)
    }

    /// Runs a campaign to its end.
    ///
    /// # Panics
    /// An answer was needed that is not recorded, where answers are recorded ones.
    #[must_use]
    pub fn campaign(&self, folder: &Path, out: &Path) -> Outcome {
        let begun = Instant::now();
        let mut client = self.plan.client(folder, out);
        let said = peers::run(client.args(["--timeout", &DEADLINE.as_secs().to_string()]), b"");
        assert_recorded(self.plan.data());
        // Its memory is what a test of its own is about, with a stack of its own.
        Outcome { code: said.code, out: said.out, err: said.err, took: begun.elapsed(), peak_kib: 0 }
    }
}
