//! A disk without room for what a campaign writes.

use std::{fs, os::unix::fs::DirBuilderExt as _, path::Path, process::Command};

use maily_tests::{folder, guest::Guest, platform::Room, say};

use crate::{STACK, names, stack, start};

/// `sysexits.h`: an input/output error.
const IO: i32 = 74;

/// A small file system of its own, gone at the end.
struct Disk<'a>(&'a Path);

impl<'a> Disk<'a> {
    /// Only root may mount.
    fn mount(at: &'a Path, bytes: &str) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        let size = format!("size={bytes},mode=700");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "maily"]).arg(at).output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Self(at))
    }
}

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0).status();
    }
}

/// The report fits, the mail does not. Nobody else is at work: another test's campaign is the same one.
#[test]
fn a_full_disk_is_said_and_nothing_is_left_behind() {
    let stack = Guest::of(STACK.lease_alone());
    let at = stack.path("small");
    let Some(disk) = Disk::mount(&at, "32k") else {
        say("not root: no small disk can be mounted, and this is not tested");
        return;
    };
    let folder = stack.path("hostile");
    folder::copy(&folder, names::list());
    let outcome = stack.campaign(&folder, &at.join("out"));
    assert_eq!(outcome.code, Some(IO), "{}", outcome.err);
    assert!(outcome.sentence().contains("No space left on device"), "{}", outcome.err);
    say(outcome.sentence());
    assert_eq!(fs::read_dir(&at).unwrap().count(), 0, "something was left behind");
    drop(disk);
}

/// The list does not fit on the disk of the service that stages it.
#[test]
fn a_full_disk_of_a_service_is_said() {
    let room = Room::new();
    fs::DirBuilder::new().mode(0o700).create(room.data()).unwrap();
    let at = room.data().join("compliance");
    let Some(disk) = Disk::mount(&at, "8m") else {
        say("not root: no small disk can be mounted, and this is not tested");
        return;
    };
    let mut platform = start(room);
    let (folder, out) = (platform.path("long"), platform.path("out"));
    folder::copy(&folder, folder::list(120_000, 1));
    let outcome = platform.campaign(&folder, &out);
    assert_eq!(outcome.code, Some(IO), "{}", outcome.err);
    assert!(outcome.sentence().contains("the service's disk is full"), "{}", outcome.err);
    assert!(!out.exists(), "something was written");
    say(outcome.sentence());
    drop(platform.stop());
    drop(disk);
}

#[test]
fn an_output_that_can_not_be_written_is_said() {
    let stack = stack();
    let outcome = stack.campaign(&folder::sample(), Path::new("/proc/maily/out"));
    assert_eq!(outcome.code, Some(IO), "{}", outcome.err);
    assert_eq!(outcome.err.trim().lines().count(), 1, "{}", outcome.err);
    say(outcome.sentence());
}
