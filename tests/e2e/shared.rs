//! Shared fixtures: made once, ended after the last test, and never left behind. What plays the tests here are children
//! of these tests, so that a run can be killed.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::{
    env,
    fs::{self, OpenOptions},
    io::Write as _,
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    thread::panicking,
    time::{Duration, Instant},
};

use maily_testkit::{pause, pause_for};
use maily_tests::shared::Fixture;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

/// Where the children note what they do, and what kind of child each is.
const FOLDER: &str = "SHARED_TEST_FOLDER";
const KIND: &str = "SHARED_TEST_KIND";
/// Of whatever is waited for here, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Serialize, Deserialize)]
struct Fake {
    answer: u32,
}

static FAKE: Fixture<Fake> = Fixture::new("fake", "keep_the_fake").linger(Duration::from_secs(1));

/// Notes that it is made and ended, and whether it was to be kept for a look.
struct Noted;

impl Drop for Noted {
    fn drop(&mut self) {
        note(if panicking() { "ended, and kept" } else { "ended" });
    }
}

#[test]
#[ignore = "the keeper of a fixture, started by the tests that use it"]
fn keep_the_fake() {
    FAKE.keep(|| {
        note("made");
        let noted = Noted;
        assert_ne!(kind(), "fail", "no luck today");
        if kind() == "slow" {
            assert!(Command::new("sleep").arg("600").status().unwrap().success());
        }
        (Fake { answer: 42 }, noted)
    });
}

#[test]
#[ignore = "a child of the other tests"]
fn child_one() {
    play();
}

#[test]
#[ignore = "a child of the other tests"]
fn child_two() {
    play();
}

fn play() {
    let alone = kind() == "alone";
    let fake = if alone { FAKE.lease_alone() } else { FAKE.lease() };
    assert_eq!(fake.answer, 42);
    note(if alone { "in alone" } else { "in" });
    match kind().as_str() {
        // Until it is killed, or the test that started it has ended.
        "hold" => return wait("it is still there", || !folder().exists()),
        "panic" => panic!("on purpose"),
        // Long enough to be seen by one that does not wait for it.
        "alone" => pause_for(Duration::from_millis(300)),
        _ => {}
    }
    note(if alone { "out alone" } else { "out" });
}

fn kind() -> String {
    env::var(KIND).unwrap_or_default()
}

fn folder() -> PathBuf {
    env::var_os(FOLDER).unwrap().into()
}

/// One write to the end of a file: the order of these is what happened.
fn note(what: &str) {
    let mut file = OpenOptions::new().append(true).create(true).open(folder().join("events")).unwrap();
    file.write_all(format!("{what}\n").as_bytes()).unwrap();
}

fn wait(otherwise: &str, mut until: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !until() {
        assert!(Instant::now() < end, "{otherwise}");
        pause();
    }
}

/// A run of children; its folder for temporary files is its own, so that what is left can be seen.
struct Run {
    folder: TempDir,
}

impl Run {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// A command that is told of the run.
    fn told(&self, program: impl AsRef<std::ffi::OsStr>, kind: &str) -> Command {
        let mut command = Command::new(program);
        command.env(FOLDER, self.folder.path()).env("TMPDIR", self.folder.path()).env(KIND, kind);
        command
            .env("NEXTEST_RUN_ID", "fake")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn child(&self, kind: &str) -> Child {
        let mut command = self.told(env::current_exe().unwrap(), kind);
        command.args(["--exact", "child_one", "--ignored", "--nocapture"]).spawn().unwrap()
    }

    /// A process whose child is a test, as nextest's are; it can be killed without it.
    fn runner(&self, kind: &str) -> Child {
        let mut command = self.told("sh", kind);
        let test = r#""$0" --exact child_one --ignored --nocapture; :"#;
        command.arg("-c").arg(test).arg(env::current_exe().unwrap()).spawn().unwrap()
    }

    fn events(&self) -> Vec<String> {
        let text = fs::read_to_string(self.folder.path().join("events")).unwrap_or_default();
        text.lines().map(ToOwned::to_owned).collect()
    }

    fn count(&self, event: &str) -> usize {
        self.events().iter().filter(|one| *one == event).count()
    }

    fn wait_for(&self, event: &str) {
        wait(event, || self.count(event) > 0);
    }

    /// The run's folder, as long as it is there.
    fn left(&self) -> Option<PathBuf> {
        let entries = fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().path());
        let mut runs =
            entries.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("maily-run-"));
        runs.next()
    }

    fn nothing_is_left(&self) {
        wait("the run's folder is left", || self.left().is_none());
    }
}

fn succeeded(output: &Output) -> bool {
    assert!(!output.stdout.is_empty(), "no test ran");
    output.status.success()
}

#[test]
fn is_made_once_and_ended_after_the_last_test() {
    let run = Run::new();
    let children: Vec<_> = (0..6).map(|_| run.child("")).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(succeeded(&output), "{}", String::from_utf8_lossy(&output.stderr));
    }
    run.wait_for("ended");
    run.nothing_is_left();
    assert_eq!((run.count("made"), run.count("in"), run.count("ended")), (1, 6, 1));
    assert_eq!(run.events().last().unwrap(), "ended");

    // Whoever comes later makes another one.
    assert!(succeeded(&run.child("").wait_with_output().unwrap()));
    wait("not ended again", || run.count("ended") == 2);
    run.nothing_is_left();
    assert_eq!(run.count("made"), 2);
}

#[test]
fn threads_of_one_process_share_it_too() {
    let run = Run::new();
    let mut command = run.told(env::current_exe().unwrap(), "");
    let output = command.env_remove("NEXTEST_RUN_ID").args(["child_", "--ignored"]).output().unwrap();
    assert!(succeeded(&output), "{}", String::from_utf8_lossy(&output.stderr));
    run.wait_for("ended");
    run.nothing_is_left();
    assert_eq!((run.count("made"), run.count("in")), (1, 2));
}

#[test]
fn a_failure_is_told_to_every_test_and_not_tried_again() {
    let run = Run::new();
    let children: Vec<_> = (0..3).map(|_| run.child("fail")).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!succeeded(&output) && words.contains("no luck today"), "{words}");
    }
    assert_eq!((run.count("made"), run.count("in")), (1, 0));
    assert!(fs::read_to_string(run.left().unwrap().join("fake/failed")).unwrap().contains("no luck today"));
}

#[test]
fn a_killed_test_gives_up_its_lease() {
    let run = Run::new();
    let mut child = run.child("hold");
    run.wait_for("in");
    child.kill().unwrap();
    child.wait().unwrap();
    run.wait_for("ended");
    run.nothing_is_left();
}

#[test]
fn a_failed_test_has_it_kept_for_a_look() {
    let run = Run::new();
    let output = run.child("panic").wait_with_output().unwrap();
    assert!(!succeeded(&output));
    run.wait_for("ended, and kept");
    let log = run.left().unwrap().join("fake/log");
    assert!(String::from_utf8_lossy(&output.stderr).contains(log.to_str().unwrap()), "the log is not named");
    assert!(log.exists());
}

#[test]
fn alone_excludes_everybody() {
    let run = Run::new();
    let children: Vec<_> = ["", "alone", "", "alone", "", "alone"].map(|kind| run.child(kind)).into();
    for child in children {
        assert!(succeeded(&child.wait_with_output().unwrap()));
    }
    let events = run.events();
    let entered: Vec<_> = (0..events.len()).filter(|at| events[*at] == "in alone").collect();
    assert_eq!(entered.len(), 3);
    for at in entered {
        assert_eq!(events[at + 1], "out alone", "{events:?}");
    }
}

#[test]
fn a_killed_runner_takes_it_along() {
    let run = Run::new();
    let mut runner = run.runner("hold");
    run.wait_for("in");
    runner.kill().unwrap();
    runner.wait().unwrap();
    // The test itself still holds its lease.
    run.wait_for("ended");
    run.nothing_is_left();
}

#[test]
fn a_killed_runner_ends_what_is_being_made() {
    let run = Run::new();
    let mut runner = run.runner("slow");
    run.wait_for("made");
    runner.kill().unwrap();
    runner.wait().unwrap();
    run.wait_for("ended, and kept");
}
