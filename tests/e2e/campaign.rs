//! The main job: the sample campaign through a whole stack, with the client that operators use.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt as _};

use maily_tests::{
    check_all, folder, mail, peers,
    platform::Platform,
    report::{assert_balanced, assert_nothing_blocked, count, timeless},
    say,
};
use serde_json::Value;

#[test]
fn the_sample_campaign() {
    let mut platform = Platform::start(|plan| plan);
    let out = platform.path("out");
    let outcome = platform.campaign(&folder::sample(), &out);
    let report = outcome.report(&out);
    say(format_args!("the campaign took {:.1} s; timings {}", outcome.took.as_secs_f32(), report["timings"]));
    let mut done = Done { platform, report, printed: outcome.out };
    check_all(
        &mut done,
        &[
            ("every row is accounted for, as the second opinion has it", accounted),
            ("no cohort is blocked, and each has its copy", written),
            ("Python reads every message", readable),
            ("the terminal shows a table and one finished mail", shown),
            ("the mail is for its owner only", private),
            ("a second run changes nothing", again),
        ],
    );
    drop(done.platform.stop());
}

struct Done {
    platform: Platform,
    report: Value,
    printed: String,
}

fn accounted(done: &mut Done) {
    let expected = fs::read(folder::sample().join("expected.json")).unwrap();
    let expected: Value = serde_json::from_slice(&expected).unwrap();
    let report = &done.report;
    for key in ["rows", "written"] {
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

fn written(done: &mut Done) {
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

fn readable(done: &mut Done) {
    let out = done.platform.path("out");
    let said = peers::run(peers::python("mbox_check.py").arg(&out).arg(folder::sample()), b"");
    assert!(said.ok(), "{}", said.all());
    assert_eq!(said.out.trim(), format!("{} messages", done.report["written"]));
}

fn shown(done: &mut Done) {
    for what in ["spring-sale-2026", "List-Unsubscribe", "en-GB/loyal-customers", "suppressed", "175"] {
        assert!(done.printed.contains(what), "{what} is not shown:\n{}", done.printed);
    }
}

fn private(done: &mut Done) {
    let out = done.platform.path("out");
    let mail = fs::read_dir(out.join("mail")).unwrap().map(|entry| entry.unwrap().path());
    for path in mail.chain([out.join("report.json")]) {
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", path.display());
    }
}

fn again(done: &mut Done) {
    let (first, second) = (done.platform.path("out"), done.platform.path("again"));
    let outcome = done.platform.campaign(&folder::sample(), &second);
    let report = outcome.report(&second);
    assert_eq!(timeless(&report), timeless(&done.report));
    assert!(mail::read(&second) == mail::read(&first), "the second run's mail is not the first's");
}
