//! Twenty seeded SIGKILLs in one run: the report and every byte of mail equal those of an undisturbed run.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod clock;
mod killer;

use std::{collections::BTreeSet, fs, path::PathBuf};

use maily_testkit::{Plan, Service};
use maily_tests::{
    folder, mail,
    platform::{Outcome, Platform, Room},
    report::{assert_balanced, assert_nothing_blocked, timeless},
    say,
};
use serde_json::Value;

use clock::{Progress, Timeline};
use killer::Killer;

const ROWS: usize = 9_000;
/// Another seed gives other victims at other moments; a failure names it.
const SEED: u64 = 20_261_123;

#[test]
fn twenty_kills_change_nothing() {
    let mut undisturbed = Platform::start(many_pages);
    let folder = write_list(&undisturbed);
    let mut timeline = Timeline::default();
    let progress = Progress::new(&undisturbed, "out");
    let out = undisturbed.path("out");
    let outcome = undisturbed.campaign_while(&folder, &out, |_| timeline.note(progress.now()));
    let expected = Done::read(&outcome, out);
    say(format_args!("undisturbed: {:.1} s, {}", outcome.took.as_secs_f32(), timeline));
    let keyring = undisturbed.plan().data().join("compliance/keyring.json");
    let (keyring, kept) = (fs::read(keyring).unwrap(), undisturbed.stop());

    let mut platform = Platform::start_in(with_keyring(&keyring), many_pages);
    let folder = write_list(&platform);
    let progress = Progress::new(&platform, "out");
    let out = platform.path("out");
    let mut killer = Killer::new(SEED, &timeline, platform.stack.names());
    let outcome = platform.campaign_while(&folder, &out, |stack| killer.look(stack, progress.now()));
    say(format_args!("with kills: {:.1} s", outcome.took.as_secs_f32()));
    let found = Done::read(&outcome, out);
    killer.assert_done();
    found.assert_equals(&expected);
    platform.stack.settle().unwrap();
    drop(platform.stop());
    drop(kept);
}

/// Small pages, so that there is much to be interrupted.
fn many_pages(plan: Plan) -> Plan {
    plan.set(Service::Compliance, "service.page_size=40")
}

fn write_list(platform: &Platform) -> PathBuf {
    let folder = platform.path("campaign");
    folder::copy(&folder, folder::list(ROWS, folder::COHORTS.len()));
    folder
}

/// Unsubscribe links are made with a key of the installation: the same one makes the same mail.
fn with_keyring(keyring: &[u8]) -> Room {
    use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
    let room = Room::new();
    let dir = room.data().join("compliance");
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&dir).unwrap();
    let file = dir.join("keyring.json");
    fs::write(&file, keyring).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    room
}

/// What a campaign left behind.
struct Done {
    report: Value,
    out: PathBuf,
}

impl Done {
    fn read(outcome: &Outcome, out: PathBuf) -> Self {
        let report = outcome.report(&out);
        assert_balanced(&report);
        assert_nothing_blocked(&report);
        assert_eq!(report["written"], ROWS);
        Self { report, out }
    }

    fn assert_equals(&self, expected: &Self) {
        assert_eq!(timeless(&self.report), timeless(&expected.report), "seed {SEED}");
        let ids = [self, expected].map(|done| {
            let messages = mail::read(&done.out).into_values().flatten();
            messages.map(|message| message.header("Message-ID")).collect::<Vec<_>>()
        });
        for ids in &ids {
            assert_eq!(ids.len(), ROWS);
            assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ROWS, "a message twice");
        }
        assert!(ids[0] == ids[1], "seed {SEED}: other messages, or in another order");
        for entry in fs::read_dir(expected.out.join("mail")).unwrap() {
            let path = entry.unwrap().path();
            let (a, b) = (
                fs::read(&path).unwrap(),
                fs::read(self.out.join("mail").join(path.file_name().unwrap())).unwrap(),
            );
            assert!(a == b, "seed {SEED}: {} differs", path.display());
        }
        say(format_args!("{ROWS} messages, equal to the byte"));
    }
}
