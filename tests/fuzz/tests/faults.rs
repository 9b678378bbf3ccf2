//! The engine finds what is there to be found, and keeps the shortest input that shows it.

use std::{fs, process::Command};

/// Each of the known faults: in a run's own thread, in another, of the process, of its memory, of its time.
#[test]
fn each_kind_of_fault_is_found_kept_and_repeated() {
    for (target, said) in [
        ("fault-panic", "panic at "),
        ("fault-thread", "panic at "),
        ("fault-uncaught", "panic at "),
        ("fault-abort", "the process died of SIGABRT"),
        ("fault-memory", "the process died of SIGABRT"),
        ("fault-slow", "no end within 2 s"),
    ] {
        let out = tempfile::tempdir().unwrap();
        let fuzz = || {
            let mut command = Command::new(maily_testkit::program("maily-fuzz"));
            command.arg("--out").arg(out.path());
            command
        };
        // What is slow is asked once, and begins with an input that is as short as can be.
        let (runs, minimise) = if target == "fault-slow" { ("1", "0") } else { ("100", "60") };
        let found = fuzz().args([target, "--runs", runs, "--minimise", minimise]).output().unwrap();
        let text = String::from_utf8_lossy(&found.stdout).into_owned();
        assert_eq!(found.status.code(), Some(1), "{text}");
        assert!(text.contains(said) && text.contains(" 1 findings"), "{text}");
        assert!(!text.contains("this is not shown"), "{text}");
        let kept = text.split("--repeat ").nth(1).unwrap().lines().next().unwrap();
        let input = fs::read(kept).unwrap();
        assert!(input.windows(4).any(|window| window == b"boom"));
        assert_eq!(input.len(), 4, "{target}");
        let again = fuzz().args(["--repeat", kept]).output().unwrap();
        assert_eq!(again.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&again.stdout).contains(said));
    }
}

/// Of a target that catches a library's panics, those that end no run are its answers.
#[test]
fn a_panic_that_is_caught_is_no_finding() {
    let out = tempfile::tempdir().unwrap();
    let mut command = Command::new(maily_testkit::program("maily-fuzz"));
    command.args(["fault-caught", "--runs", "100"]).arg("--out").arg(out.path());
    let ended = command.output().unwrap();
    let text = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert_eq!(ended.status.code(), Some(0), "{text}");
    assert!(text.contains(" 0 findings"), "{text}");
}
