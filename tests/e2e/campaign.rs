//! The main job: the sample campaign through a whole stack, with the client that operators use.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt as _, path::PathBuf};

use maily_tests::{
    folder,
    guest::{self, Guest, STACK, Standing},
    mail, peers,
    report::{assert_balanced, assert_nothing_blocked, count, timeless},
    say,
    shared::Fixture,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The sample campaign, finished, and the stack that it ran on.
static CAMPAIGN: Fixture<Campaign> = Fixture::new("campaign", "keep_the_campaign");

#[derive(Serialize, Deserialize)]
struct Campaign {
    stack: Standing,
    report: Value,
    /// What the client printed.
    printed: String,
    out: PathBuf,
}

impl AsRef<Standing> for Campaign {
    fn as_ref(&self) -> &Standing {
        &self.stack
    }
}

#[test]
#[ignore = "the keeper of a fixture, started by the tests that use it"]
fn keep_the_stack() {
    guest::keep_the_stack();
}

#[test]
#[ignore = "the keeper of a fixture, started by the tests that use it"]
fn keep_the_campaign() {
    CAMPAIGN.keep(|| {
        let stack = Guest::of(STACK.lease());
        let out = stack.path("out");
        let outcome = stack.campaign(&folder::sample(), &out);
        let report = outcome.report(&out);
        say(format_args!(
            "the campaign took {:.1} s; timings {}",
            outcome.took.as_secs_f32(),
            report["timings"]
        ));
        (Campaign { stack: stack.clone(), report, printed: outcome.out, out }, stack)
    });
}

fn campaign() -> Guest<Campaign> {
    Guest::of(CAMPAIGN.lease())
}

/// As the second opinion has it.
#[test]
fn every_row_is_accounted_for() {
    let expected = fs::read(folder::expected()).unwrap();
    let expected: Value = serde_json::from_slice(&expected).unwrap();
    let report = &campaign().report;
    for key in ["rows", "written", "objection_assumed", "objection_unknown_word"] {
        assert_eq!(report[key], expected[key], "{key}");
    }
    for key in ["excluded", "by_region"] {
        assert_eq!(counts(&report[key]), counts(&expected[key]), "{key}");
    }
    let named =
        |cohort: &Value| (cohort["name"].as_str().unwrap().to_owned(), count(cohort, &["recipients"]));
    let cohorts: BTreeMap<_, _> = report["cohorts"].as_array().unwrap().iter().map(named).collect();
    assert_eq!(cohorts, counts(&expected["cohorts"]));
    let places = |list: &Value| -> Vec<(Value, Value)> {
        list.as_array().unwrap().iter().map(|row| (row["line"].clone(), row["field"].clone())).collect()
    };
    assert_eq!(places(&report["invalid"]), places(&expected["invalid"]));
    assert!(report["invalid"].as_array().unwrap().iter().all(|row| row["reason"].as_str().is_some()));
    assert_balanced(report);
}

fn counts(object: &Value) -> BTreeMap<String, u64> {
    let pairs = object.as_object().unwrap().iter();
    pairs.map(|(key, value)| (key.clone(), value.as_u64().unwrap())).collect()
}

#[test]
fn no_cohort_is_blocked_and_each_has_its_copy() {
    let done = campaign();
    assert_nothing_blocked(&done.report);
    for cohort in done.report["cohorts"].as_array().unwrap() {
        for field in ["subject", "preheader", "body"] {
            let text = cohort[field].as_str().unwrap();
            assert!(!text.trim().is_empty(), "{}: no {field}", cohort["name"]);
            assert!(!text.contains("<think>"), "{}: thoughts in the {field}", cohort["name"]);
        }
        say(format_args!("{}: {} ({} rewrites)", cohort["name"], cohort["subject"], cohort["rewrites"]));
    }
    assert!(done.report["model"].as_str().unwrap().to_lowercase().contains("smollm2"));
}

#[test]
fn python_reads_every_message() {
    let done = campaign();
    let said = peers::run(peers::python("mbox_check.py").arg(&done.out).arg(folder::sample()), b"");
    assert!(said.ok(), "{}", said.all());
    assert_eq!(said.out.trim(), format!("{} messages", done.report["written"]));
}

#[test]
fn the_terminal_shows_a_table_and_one_finished_mail() {
    let done = campaign();
    for what in ["spring-sale-2026", "List-Unsubscribe", "en-GB/loyal-customers", "suppressed", "153"] {
        assert!(done.printed.contains(what), "{what} is not shown:\n{}", done.printed);
    }
}

#[test]
fn the_mail_is_for_its_owner_only() {
    let done = campaign();
    let mail = fs::read_dir(done.out.join("mail")).unwrap().map(|entry| entry.unwrap().path());
    for path in mail.chain([done.out.join("report.json")]) {
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", path.display());
    }
}

#[test]
fn a_second_run_changes_nothing() {
    let done = campaign();
    let second = done.path("again");
    let outcome = done.campaign(&folder::sample(), &second);
    let report = outcome.report(&second);
    assert_eq!(timeless(&report), timeless(&done.report));
    assert!(mail::read(&second) == mail::read(&done.out), "the second run's mail is not the first's");
}
