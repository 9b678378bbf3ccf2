//! Seeded SIGKILLs in one run: the report and every byte of mail equal those of an undisturbed run.
//!
//! Twenty of them with recorded answers, which take some time each, so that there is a model's work to disturb; and some
//! with the real model.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod clock;
mod killer;

use std::{collections::BTreeSet, fs, path::PathBuf, time::Duration};

use maily_testkit::{Plan, Service};
use maily_tests::{
    folder, mail,
    platform::{Outcome, Platform, Room},
    report::{assert_balanced, assert_nothing_blocked, timeless},
    say,
};
use serde_json::Value;

use clock::{Progress, Timeline};
use killer::{Killer, Kills};

/// Another seed gives other victims at other moments; a failure names it.
const SEED: u64 = 20_261_123;

#[test]
fn twenty_kills_change_nothing() {
    let kills = Kills { import: 4, writing: 6, hand_off: 6, export: 4 };
    Trial { model: Model::Recorded, rows: 9_000, cohorts: 3, page: 40, kills }.run();
}

/// Each process is killed once in the campaign of one cohort, which is mostly while the model writes.
#[test]
fn kills_of_the_real_model_change_nothing() {
    let kills = Kills { import: 0, writing: 6, hand_off: 2, export: 0 };
    Trial { model: Model::Real, rows: 3_000, cohorts: 1, page: 25, kills }.run();
}

/// Who answers what the copywriter asks.
#[derive(Clone, Copy)]
enum Model {
    Real,
    Recorded,
}

/// How long a recorded answer takes: so that pages of some cohorts are handed off while another's copy is written, and
/// there is a writing model to be killed; a fourth of what the real one takes.
const ANSWER: Duration = Duration::from_millis(300);

/// A campaign that is run twice, once with kills.
struct Trial {
    model: Model,
    rows: usize,
    cohorts: usize,
    /// Recipients on a page: few, so that there is much to be interrupted.
    page: usize,
    kills: Kills,
}

impl Trial {
    fn run(&self) {
        let mut undisturbed = self.start(Room::new());
        let folder = self.write_list(&undisturbed);
        let mut timeline = Timeline::default();
        let progress = Progress::new(&undisturbed, "out");
        let out = undisturbed.path("out");
        let outcome = undisturbed.campaign_while(&folder, &out, |_| timeline.note(progress.now()));
        let expected = Done::read(&outcome, out, self.rows);
        say(format_args!("undisturbed: {:.1} s, {}", outcome.took.as_secs_f32(), timeline));
        let keyring = undisturbed.plan().data().join("compliance/keyring.json");
        let (keyring, kept) = (fs::read(keyring).unwrap(), undisturbed.stop());

        let mut platform = self.start(Room::with_keyring(&keyring));
        let folder = self.write_list(&platform);
        let progress = Progress::new(&platform, "out");
        let out = platform.path("out");
        let mut killer = Killer::new(SEED, self.kills, &timeline, platform.stack.names());
        let outcome = platform.campaign_while(&folder, &out, |stack| killer.look(stack, progress.now()));
        say(format_args!("with kills: {:.1} s", outcome.took.as_secs_f32()));
        let found = Done::read(&outcome, out, self.rows);
        killer.assert_done();
        found.assert_equals(&expected);
        platform.stack.settle().unwrap();
        drop(platform.stop());
        drop(kept);
    }

    fn start(&self, room: Room) -> Platform {
        let pages = format!("service.page_size={}", self.page);
        let plan = |plan: Plan| plan.set(Service::Compliance, &pages);
        let delay = format!("service.recorded.delay_millis={}", ANSWER.as_millis());
        match self.model {
            Model::Real => Platform::start_in(room, plan),
            Model::Recorded => Platform::recorded_in(room, |p| plan(p).set(Service::Inference, &delay)),
        }
    }

    fn write_list(&self, platform: &Platform) -> PathBuf {
        let folder = platform.path("campaign");
        folder::copy(&folder, folder::list(self.rows, self.cohorts));
        folder
    }
}

/// What a campaign left behind.
struct Done {
    report: Value,
    out: PathBuf,
    rows: usize,
}

impl Done {
    fn read(outcome: &Outcome, out: PathBuf, rows: usize) -> Self {
        let report = outcome.report(&out);
        assert_balanced(&report);
        assert_nothing_blocked(&report);
        assert_eq!(report["written"], rows);
        Self { report, out, rows }
    }

    fn assert_equals(&self, expected: &Self) {
        assert_eq!(timeless(&self.report), timeless(&expected.report), "seed {SEED}");
        let ids = [self, expected].map(|done| {
            let messages = mail::read(&done.out).into_values().flatten();
            messages.map(|message| message.header("Message-ID")).collect::<Vec<_>>()
        });
        for ids in &ids {
            assert_eq!(ids.len(), self.rows);
            assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), self.rows, "a message twice");
        }
        assert!(ids[0] == ids[1], "seed {SEED}: other messages, or in another order");
        for entry in fs::read_dir(expected.out.join("mail")).unwrap() {
            let path = entry.unwrap().path();
            let ours = self.out.join("mail").join(path.file_name().unwrap());
            assert!(mail::undated(&path) == mail::undated(&ours), "seed {SEED}: {} differs", path.display());
        }
        say(format_args!("{} messages, equal to the byte but for the date of the start", self.rows));
    }
}
