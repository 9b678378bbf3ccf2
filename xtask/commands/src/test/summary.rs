//! What a run came to: tests and seconds of each tier, the slowest, and the closing line.

use std::{collections::BTreeMap, process::ExitCode, time::Instant};

use super::{Tier, choice::tier};
use crate::shell::Result;

/// How many of the slowest are named.
const SLOWEST: usize = 10;

/// How a run ended, by nextest's report (JUnit).
#[derive(Debug, Default, PartialEq)]
pub(super) struct Ended {
    /// What nextest calls it.
    pub(super) run: String,
    cases: Vec<Case>,
    /// It was not cut short, and no test failed.
    pub(super) well: bool,
}

/// One test.
#[derive(Debug, PartialEq)]
struct Case {
    /// `maily-tests::tls`
    program: String,
    name: String,
    seconds: f32,
    failed: bool,
}

impl Ended {
    /// Reads the report; without one the tests did not build, or there were none.
    pub(super) fn read(text: &str, well: bool) -> Result<Self> {
        let cases: Vec<Case> = text.split("<testcase").skip(1).filter_map(case).collect();
        match cases.is_empty() {
            true if well => Err("no test was run".to_owned()),
            true => {
                Err("the tests do not build, or none of them is meant (long proofs: --tier soak)".to_owned())
            }
            false => Ok(Self { run: attribute(text, "uuid").unwrap_or_default(), cases, well }),
        }
    }
}

/// What follows `<testcase`: attributes, then what happened, up to the next one.
fn case(text: &str) -> Option<Case> {
    let (tag, rest) = text.split_once('>')?;
    let failed =
        !tag.ends_with('/') && ["<failure", "<error"].iter().any(|kind| rest.trim_start().starts_with(kind));
    Some(Case {
        name: attribute(tag, "name")?,
        program: attribute(tag, "classname")?,
        seconds: attribute(tag, "time")?.parse().ok()?,
        failed,
    })
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, value) = tag.split_once(&format!(" {name}=\""))?;
    value.split('"').next().map(ToOwned::to_owned)
}

/// Prints it, with how many were meant if that isn't all, and with what else went wrong; the last line is the one that counts.
pub(super) fn tell(
    ended: &Ended,
    meant: Option<usize>,
    faults: &[String],
    begun: Instant,
) -> Result<ExitCode> {
    let mut tiers: BTreeMap<Tier, (usize, f32)> = BTreeMap::new();
    for case in &ended.cases {
        let package = case.program.split("::").next().unwrap_or_default();
        let sum = tiers.entry(tier(package)).or_default();
        *sum = (sum.0 + 1, sum.1 + case.seconds);
    }
    for (tier, (tests, seconds)) in &tiers {
        println!(
            "tier {:10} {tests:4} tests, {seconds:6.0} s of them together",
            format!("{tier:?}").to_lowercase()
        );
    }
    let mut slow: Vec<&Case> = ended.cases.iter().collect();
    slow.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
    for case in slow.iter().take(SLOWEST).filter(|case| case.seconds > 5.0) {
        println!("slow: {:6.1} s {}::{}", case.seconds, case.program, case.name);
    }
    for case in ended.cases.iter().filter(|case| case.failed) {
        println!("failed: {}::{}", case.program, case.name);
    }
    for fault in faults {
        println!("failed: {fault}");
    }
    let failed = ended.cases.iter().filter(|case| case.failed).count() + faults.len();
    let failed = failed.max(usize::from(!ended.well));
    let not_run = meant.unwrap_or_default().saturating_sub(ended.cases.len());
    if not_run > 0 {
        println!("not run: {not_run} tests, for the run was cut short");
    }
    println!("all of it took {:.1} min", begun.elapsed().as_secs_f32() / 60.0);
    println!(
        "{} passed, {failed} failed",
        ended.cases.len() - ended.cases.iter().filter(|case| case.failed).count()
    );
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="nextest-run" uuid="0b3c" tests="2" failures="1" errors="0" time="0.5">
    <testsuite name="maily-tests::tls" tests="2" disabled="0" errors="0" failures="1">
        <testcase name="a_stranger" classname="maily-tests::tls" timestamp="2026" time="0.25"/>
        <testcase name="old" classname="maily-tests::tls" timestamp="2026" time="1.5">
            <failure message="thread panicked" type="test failure with exit code 101">left &gt; right</failure>
        </testcase>
    </testsuite>
</testsuites>"#;

    #[test]
    fn the_report_is_read() {
        let ended = Ended::read(REPORT, false).unwrap();
        let seen: Vec<_> =
            ended.cases.iter().map(|case| (case.name.as_str(), case.seconds, case.failed)).collect();
        assert_eq!(ended.run, "0b3c");
        assert_eq!(seen, [("a_stranger", 0.25, false), ("old", 1.5, true)]);
        assert_eq!(ended.cases[0].program, "maily-tests::tls");
    }

    #[test]
    fn no_test_is_no_success() {
        assert!(Ended::read("", true).is_err() && Ended::read("<testsuites/>", false).is_err());
    }

    #[test]
    fn a_run_that_failed_without_a_failed_test_failed() {
        let text = REPORT.replace("<failure", "<nothing");
        let ended = Ended::read(&text, false).unwrap();
        assert!(tell(&ended, None, &[], Instant::now()).unwrap() == ExitCode::FAILURE);
        let ended = Ended { well: true, ..ended };
        assert!(tell(&ended, None, &[], Instant::now()).unwrap() == ExitCode::SUCCESS);
        let fault = ["a stack did not end well".to_owned()];
        assert!(tell(&ended, Some(9), &fault, Instant::now()).unwrap() == ExitCode::FAILURE);
    }
}
