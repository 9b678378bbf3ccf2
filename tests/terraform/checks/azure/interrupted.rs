//! An apply that is killed (SIGKILL, everything of it) again and again, and started again each time, converges: the last
//! one ends well, nothing is left to do, nothing was made twice, and destroy leaves nothing.

use std::{
    os::unix::process::CommandExt as _,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use maily_arm::When;
use maily_terraform_tests::{azure::Azure, say};
use maily_testkit::pause;
use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};

/// After how many further writes an apply is killed, and whether Azure kept the last one.
type Point = (usize, When);

const DEADLINE: Duration = Duration::from_mins(10);

/// Each is a plan and most of an apply: minutes of computing. Early, in the middle, and late.
#[test]
fn an_apply_that_is_killed_three_times_converges() {
    converges(&[(1, When::After), (15, When::Before), (25, When::After)]);
}

mod soak {
    use super::{Point, When, converges};

    const POINTS: [Point; 10] = [
        (1, When::Before),
        (1, When::After),
        (2, When::After),
        (4, When::Before),
        (6, When::After),
        (8, When::After),
        (10, When::Before),
        (9, When::After),
        (7, When::After),
        (5, When::After),
    ];

    #[test]
    fn an_apply_that_is_killed_ten_times_converges() {
        converges(&POINTS);
    }
}

fn converges(points: &[Point]) {
    let mut azure = Azure::start("dev");
    for (point, (writes, when)) in points.iter().copied().enumerate() {
        azure.arm.freeze(writes, when);
        kill_when_frozen(&azure);
        azure.arm.thaw();
        say(format_args!("killed at point {point}, write {} ({when:?})", azure.arm.writes()));
    }
    let before = azure.arm.ids().len();
    assert!(before > 10, "{:?}", azure.arm.ids());
    // Nothing is killed any more.
    azure.attach();
    let ended = azure.apply();
    say(ended.out.lines().next().unwrap_or_default());
    let (code, report) = azure.drift();
    assert_eq!((code, &report["status"]), (0, &"clean".into()), "{report:#}");
    azure.destroy();
    azure.expect_known();
}

/// Starts an apply and kills it with all its children as soon as the stand-in has stopped at its write.
fn kill_when_frozen(azure: &Azure) {
    let mut command = azure.xtask(&["apply", "--yes"]);
    let log = tempfile::tempfile().unwrap();
    let mut child = command
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log.try_clone().unwrap())
        .spawn()
        .unwrap();
    let end = Instant::now() + DEADLINE;
    while !azure.arm.frozen() {
        let ended = child.try_wait().unwrap();
        assert!(ended.is_none(), "the apply ended ({ended:?}) before its kill: {}", text(log));
        assert!(Instant::now() < end, "no write came: {}", text(log));
        pause();
    }
    kill(&mut child);
}

fn kill(child: &mut Child) {
    killpg(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGKILL).unwrap();
    child.wait().unwrap();
}

fn text(mut log: std::fs::File) -> String {
    use std::io::{Read as _, Seek as _};
    let mut text = String::new();
    log.rewind().unwrap();
    log.read_to_string(&mut text).unwrap();
    text
}
