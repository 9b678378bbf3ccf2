//! `cargo xtask bench campaign`: campaigns of 10,000 and 100,000 rows, from file to mbox, beside the model's time.

#![allow(clippy::indexing_slicing, reason = "a benchmark, where a panic is the failure")]

use std::{process::ExitCode, time::Duration};

use maily_testkit::Service;
use maily_tests::{
    folder,
    platform::{Outcome, Platform, peak},
    report::{assert_balanced, assert_nothing_blocked},
};
use serde_json::Value;

const SIZES: [usize; 2] = [10_000, 100_000];
/// What the platform promises.
const ROWS_PER_SECOND: f64 = 5_000.0;
const MEBIBYTES: u64 = 300;
const GROWTH: f64 = 12.0;

/// One campaign's figures.
struct Figures {
    rows: usize,
    wall: f64,
    copy: f64,
    mail: f64,
    /// Beside the model: see [`beside`].
    beside: f64,
    /// Process to the most memory that it had, in MiB.
    memory: Vec<(String, u64)>,
}

fn main() -> ExitCode {
    let figures = SIZES.map(measure);
    show(&figures);
    match verdicts(&figures) {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

fn measure(rows: usize) -> Figures {
    eprintln!("A campaign of {rows} rows");
    let mut platform = Platform::start(|plan| plan);
    let (folder, out) = (platform.path("campaign"), platform.path("out"));
    folder::copy(&folder, folder::list(rows, folder::COHORTS.len()));
    let outcome = platform.campaign(&folder, &out);
    let report = outcome.report(&out);
    assert_balanced(&report);
    assert_nothing_blocked(&report);
    let memory = memory(&platform, &outcome);
    drop(platform.stop());
    let seconds = |key: &str| report["timings"][key].as_f64().unwrap_or_default();
    let (copy, mail) = (seconds("copy_seconds"), seconds("mail_seconds"));
    Figures {
        rows,
        wall: outcome.took.as_secs_f64(),
        copy,
        mail,
        beside: beside(outcome.took, &report),
        memory,
    }
}

/// Everything but the model: file, import, merging, sealing, hand-off, export. Mail is handed off while other copy is
/// still being written, so the time without copy is too short and the other way to count it may be; the longer of
/// both is taken.
fn beside(took: Duration, report: &Value) -> f64 {
    let seconds = |key: &str| report["timings"][key].as_f64().unwrap_or_default();
    let without_copy = took.as_secs_f64() - seconds("copy_seconds");
    let with_mail = took.as_secs_f64() - seconds("total_seconds") + seconds("mail_seconds");
    without_copy.max(with_mail)
}

fn memory(platform: &Platform, outcome: &Outcome) -> Vec<(String, u64)> {
    let names = platform.stack.names();
    let of = |name: &String| Some((name.clone(), peak(platform.stack.id(name)?)? >> 10));
    names.iter().filter_map(of).chain([("client".to_owned(), outcome.peak_kib >> 10)]).collect()
}

fn show(figures: &[Figures; 2]) {
    println!(
        "\n{:>9} {:>8} {:>8} {:>8} {:>14} {:>9}",
        "rows", "wall s", "copy s", "mail s", "beside model s", "rows/s"
    );
    for Figures { rows, wall, copy, mail, beside, .. } in figures {
        let rate = *rows as f64 / beside;
        println!("{rows:>9} {wall:>8.1} {copy:>8.1} {mail:>8.1} {beside:>14.2} {rate:>9.0}");
    }
    println!("\n{:>14} {:>10} {:>10}", "peak MiB", figures[0].rows, figures[1].rows);
    for ((name, small), (_, large)) in figures[0].memory.iter().zip(&figures[1].memory) {
        println!("{name:>14} {small:>10} {large:>10}");
    }
    println!();
}

/// Prints each promise with what was found; whether all are kept.
fn verdicts(figures: &[Figures; 2]) -> bool {
    let [small, large] = figures;
    let rate = large.rows as f64 / large.beside;
    let ours = |name: &str| name == "client" || Service::ALL.iter().any(|s| s.name() == name);
    let counted = large.memory.iter().filter(|(name, _)| ours(name) && name != Service::Inference.name());
    let most = counted.max_by_key(|(_, mebibytes)| *mebibytes).cloned().unwrap_or_default();
    let growth = large.beside / small.beside;
    let kept = [
        (rate >= ROWS_PER_SECOND, format!("{rate:.0} rows/s; at least {ROWS_PER_SECOND:.0}")),
        (
            most.1 <= MEBIBYTES,
            format!("{} MiB at most, in {}; at most {MEBIBYTES} besides inference", most.1, most.0),
        ),
        (growth <= GROWTH, format!("{growth:.1} times the time for ten times the rows; at most {GROWTH:.0}")),
    ];
    for (kept, line) in &kept {
        println!("{} {line}", if *kept { "kept  " } else { "MISSED" });
    }
    kept.iter().all(|(kept, _)| *kept)
}
