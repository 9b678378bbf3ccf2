//! What becomes of workers. Each test is alone in its process (cargo-nextest), and so with its pool; by `cargo test` they
//! share one, which costs a retry.

use std::{fs, thread};

use nix::{sys::signal::kill, unistd::Pid};

use super::*;
use crate::job::About;

crate::worker_of_tests!();

fn prompt(source: &str) -> Result<String, Failure> {
    let (sources, about) = (vec![source.into()], About::UserInput);
    render(&Job::Prompt { sources, about, text: "x".into(), max_bytes: 1000 }).map(|texts| texts.concat())
}

/// The idle workers' processes.
fn idle() -> Vec<u32> {
    POOL.lock().idle.iter().map(|worker| worker.process.id()).collect()
}

#[test]
fn a_worker_is_kept_until_it_dies() {
    assert_eq!(prompt("{{ user_input }}1").unwrap(), "x1");
    let first = idle();
    assert_eq!(first.len(), 1);
    assert_eq!(prompt("{{ user_input }}2").unwrap(), "x2");
    assert!(matches!(prompt("{{ nothing }}"), Err(Failure::Failed { .. })));
    assert_eq!(idle(), first, "a template that is refused costs no worker");
    assert_eq!(prompt("{{ user_input | indent(100000000000000) }}"), Err(Failure::TooMuch));
    assert!(idle().is_empty(), "one that takes too much does");
    assert_eq!(prompt("{{ user_input }}3").unwrap(), "x3");
}

#[test]
fn a_worker_that_others_kill_is_replaced() {
    for signal in [Signal::SIGKILL, Signal::SIGTERM, Signal::SIGKILL] {
        assert_eq!(prompt("{{ user_input }}").unwrap(), "x");
        for id in idle() {
            kill(Pid::from_raw(i32::try_from(id).unwrap()), signal).unwrap();
        }
    }
    assert_eq!(prompt("{{ user_input }}").unwrap(), "x");
}

/// Leaves so many bytes behind: a namespace that has itself in it.
fn leaves(bytes: u32) -> Result<String, Failure> {
    prompt(&format!("{{% set n = namespace(a='x' * {bytes}) %}}{{% set n.me = n %}}{{{{ user_input }}}}"))
}

#[test]
fn what_a_template_leaves_behind_takes_nothing_from_the_next() {
    for _ in 0..4 {
        assert_eq!(leaves(25_000_000).unwrap(), "x");
    }
    // The longest text that a service takes, in the longest way to write it: it needs most of the memory.
    let text = "\u{1}".repeat(3 << 20);
    let (sources, about) = (vec!["{{ user_input }}".into()], About::UserInput);
    let job = Job::Prompt { sources, about, text: text.as_str().into(), max_bytes: 4 << 20 };
    assert!(render(&job).unwrap() == [text.as_str()]);
}

#[test]
fn a_worker_that_has_kept_much_is_replaced() {
    assert_eq!(leaves(25_000_000).unwrap(), "x");
    let grown = idle();
    assert_eq!(prompt("{{ user_input }}").unwrap(), "x");
    assert_ne!(idle(), grown);
}

#[test]
fn what_dies_of_what_another_has_left_is_tried_again() {
    // Little enough for the worker to be kept; of two copies of the text there is room for only without it.
    assert_eq!(leaves(12_000_000).unwrap(), "x");
    assert_eq!(prompt("{% set a = 'x' * 62000000 %}{{ user_input }}").unwrap(), "x");
}

#[test]
fn a_worker_shows_nothing_and_is_bounded() {
    let secret = ("MAILY_TEST_SECRET", "hunter2");
    let mut command = Command::new("/proc/self/exe");
    let name = ["--exact", "pool::tests::in_a_process_with_a_secret", "--ignored", "--nocapture"];
    let output = command.args(name).env(secret.0, secret.1).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
#[ignore = "a child of the test before it, which has a variable that a worker must not have"]
fn in_a_process_with_a_secret() {
    assert_eq!(prompt("hunter3 {{ user_input }}").unwrap(), "hunter3 x");
    let ids = idle();
    assert_eq!(ids.len(), 1);
    for id in ids {
        // Not dumpable, so that even its own user can't read what it was started with, or its memory.
        for file in ["environ", "mem", "maps"] {
            assert!(
                fs::read(format!("/proc/{id}/{file}")).is_err() || nix::unistd::geteuid().is_root(),
                "{file}"
            );
        }
        let read = |file| {
            String::from_utf8_lossy(&fs::read(format!("/proc/{id}/{file}")).unwrap_or_default()).into_owned()
        };
        assert!(!read("environ").contains("hunter") && !read("cmdline").contains("hunter"));
        let limits = read("limits");
        let limit = |name: &str| {
            let line = limits.lines().find(|line| line.starts_with(name)).unwrap_or_default();
            line.split_at(26).1.split_whitespace().next().unwrap_or_default().to_owned()
        };
        assert_eq!(limit("Max core file size"), "0");
        assert!(limit("Max address space").parse::<u64>().unwrap() < 4 << 30, "{limits}");
        assert!(limit("Max cpu time").parse::<u64>().unwrap() < 10, "{limits}");
    }
}

#[test]
fn more_jobs_than_workers_wait_for_their_turn() {
    thread::scope(|scope| {
        let jobs: Vec<_> =
            (0..16).map(|at| scope.spawn(move || prompt(&format!("{at} {{{{ user_input }}}}")))).collect();
        for (at, job) in jobs.into_iter().enumerate() {
            assert_eq!(job.join().unwrap().unwrap(), format!("{at} x"));
        }
    });
    assert!(idle().len() <= WORKERS);
}

#[test]
fn a_program_that_is_no_worker_renders_nothing() {
    let output = Command::new("/proc/self/exe")
        .args(["--exact", "pool::tests::in_a_worker", "--ignored", "--nocapture"])
        .env(worker::MARK, "1")
        .output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
#[ignore = "a child of the test before it, which is marked as a worker"]
fn in_a_worker() {
    let why = "templates can't be rendered now: the process that renders did not start: unsupported";
    let failure = prompt("{{ user_input }}").unwrap_err();
    assert_eq!(failure.to_string(), why);
    assert!(!failure.is_permanent());
}

#[test]
fn nobody_waits_for_ever() {
    assert!(matches!(once(b"{}", Instant::now(), false), Err(Lost::Late)));
}
