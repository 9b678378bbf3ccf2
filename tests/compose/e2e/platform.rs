//! A project whose sample campaign is done, as several tests find it.

use std::{fs, path::PathBuf};

use maily_compose_tests::{
    project::{Owned, Project},
    stand_ins::StandIns,
};
use maily_tests::{
    mail,
    report::{assert_balanced, assert_nothing_blocked, count},
    say,
    shared::Fixture,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{full, plain};

/// The images of others that any of our projects is made of.
pub(crate) static STAND_INS: Fixture<()> = Fixture::new("stand-ins", "platform::keep_the_stand_ins");

#[test]
#[ignore = "the keeper of a fixture, started by the tests that use it"]
fn keep_the_stand_ins() {
    STAND_INS.keep(|| {
        let projects = [plain::project("none"), full::project("none")];
        let references: Vec<String> = projects.iter().flat_map(|project| project.images()).collect();
        ((), StandIns::ensure(&references))
    });
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Finished {
    pub(crate) project: Project,
    /// What the campaign wrote.
    pub(crate) out: PathBuf,
    /// Containers that stay.
    services: usize,
}

impl Finished {
    /// Starts a project and runs the campaign on it.
    pub(crate) fn make(project: &Owned, services: usize) -> Self {
        let finished = Self { project: project.handle(), out: project.path("out"), services };
        project.up();
        project.campaign(&finished.out);
        finished
    }

    /// The same again, if a test took it down or left it broken.
    pub(crate) fn restore(&self) {
        let containers = self.project.containers();
        if containers.iter().filter(|container| container["State"]["Running"] == true).count() < self.services
        {
            self.project.down(true);
            let _ = fs::remove_dir_all(&self.out);
            self.project.up();
            self.project.campaign(&self.out);
        }
    }

    /// The sample's report: each of its rows accounted for.
    pub(crate) fn assert_done(&self) {
        let report: Value = serde_json::from_slice(&fs::read(self.out.join("report.json")).unwrap()).unwrap();
        let excluded: u64 = report["excluded"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
        assert_eq!((count(&report, &["rows"]), count(&report, &["written"]), excluded), (217, 153, 64));
        assert_balanced(&report);
        assert_nothing_blocked(&report);
        assert_eq!(mail::read(&self.out).values().map(Vec::len).sum::<usize>(), 153);
        say(format_args!("217 rows, 153 written, 64 excluded; timings {}", report["timings"]));
    }

    /// Takes it down; Docker has nothing of it any more.
    pub(crate) fn assert_gone_after_down(&self) {
        self.project.down(true);
        assert_eq!(self.project.left(), Vec::<String>::new(), "something is left");
    }
}
