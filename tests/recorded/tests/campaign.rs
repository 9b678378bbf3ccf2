//! A campaign of recorded answers; and what a test shows whose recordings are missing or stale.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use maily_recorded::HOW;
use maily_testkit::{Service, workspace};
use maily_tests::{
    folder,
    platform::Platform,
    report::{assert_balanced, assert_nothing_blocked, count},
    say,
};

/// Whether recordings are made: what is not recorded is no failure then.
fn recording() -> bool {
    std::env::var_os("MAILY_RECORD").is_some()
}

/// All that other tests ask the model for is in here, so that recording this campaign records everything.
#[test]
fn the_sample_campaign_is_recorded() {
    let mut platform = Platform::recorded(|plan| plan);
    let out = platform.path("out");
    let outcome = platform.campaign(&folder::sample(), &out);
    let report = outcome.report(&out);
    assert_balanced(&report);
    assert_nothing_blocked(&report);
    assert_eq!(count(&report, &["written"]), 153);
    say(format_args!("the campaign took {:.1} s", outcome.took.as_secs_f32()));
    drop(platform.stop());
}

/// Runs a small campaign with these recordings and this workspace; the sentences with which the test would fail.
fn failure(workspace: &Path, answers: &Path) -> String {
    let mut platform = Platform::recorded(|plan| {
        plan.set(Service::Inference, &format!("service.recorded.workspace={}", workspace.display()))
            .set(Service::Inference, &format!("service.recorded.answers={}", answers.display()))
    });
    let folder = platform.path("campaign");
    folder::copy(&folder, folder::list(10, 1));
    let out = platform.path("out");
    let failed = catch_unwind(AssertUnwindSafe(|| platform.campaign(&folder, &out))).unwrap_err();
    let words = failed.downcast::<String>().unwrap();
    say(&words);
    *words
}

#[test]
fn a_missing_recording_fails_and_says_how_to_record() {
    if recording() {
        return;
    }
    let empty = tempfile::tempdir().unwrap();
    let words = failure(&workspace(), empty.path());
    assert!(words.starts_with("no answer is recorded to “system: You write the subject line"), "{words}");
    assert!(words.contains("To loyal customers: "), "{words}");
    assert!(words.ends_with(&format!("8 candidates); {HOW}")), "{words}");
    // It is refused for good, not tried again.
    assert_eq!(words.lines().count(), 1, "{words}");
}

#[test]
fn a_changed_rail_makes_recordings_stale() {
    if recording() {
        return;
    }
    let changed = tempfile::tempdir().unwrap();
    for part in ["services/orchestrator", "services/guardrails"] {
        copy(&workspace().join(part), &changed.path().join(part));
    }
    let config = "services/orchestrator/samples/spring-sale/guardrails/config.yml";
    let text = fs::read_to_string(changed.path().join(config)).unwrap();
    fs::write(changed.path().join(config), text.replacen("subject_max: 60", "subject_max: 50", 1)).unwrap();
    let words = failure(changed.path(), &workspace().join("tests/recorded/answers"));
    assert!(words.starts_with("the recorded answer to “system: You write the subject line"), "{words}");
    assert!(words.ends_with(&format!("is stale: {config} has changed since; {HOW}")), "{words}");
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to),
            false => drop(fs::copy(entry.path(), to).unwrap()),
        }
    }
}
