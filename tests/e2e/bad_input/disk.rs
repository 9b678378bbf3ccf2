//! A disk without room for what a campaign writes.

use std::{fs, os::unix::fs::DirBuilderExt as _, path::Path, process::Command};

use maily_tests::{
    folder,
    platform::{Platform, Room},
    say,
};

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

/// The report fits, the mail does not.
pub(crate) fn full(platform: &mut Platform) {
    let at = platform.path("small");
    let Some(disk) = Disk::mount(&at, "32k") else {
        // Without root there is no small disk; what is left is a folder that can't be written.
        say("not root: no small disk can be mounted; /proc stands in for a disk that takes nothing");
        return nowhere(platform);
    };
    let folder = platform.path("hostile");
    let folder = if folder.exists() { folder } else { folder::sample() };
    let outcome = platform.campaign(&folder, &at.join("out"));
    assert_eq!(outcome.code, Some(IO), "{}", outcome.err);
    assert!(outcome.sentence().contains("No space left on device"), "{}", outcome.err);
    say(outcome.sentence());
    assert_eq!(fs::read_dir(&at).unwrap().count(), 0, "something was left behind");
    drop(disk);
    nowhere(platform);
}

/// The list does not fit on the disk of the service that stages it.
pub(crate) fn full_in_a_service() {
    let room = Room::new();
    fs::DirBuilder::new().mode(0o700).create(room.data()).unwrap();
    let at = room.data().join("compliance");
    let Some(disk) = Disk::mount(&at, "8m") else {
        say("not root: no small disk can be mounted, and this is not tested");
        return;
    };
    let mut platform = Platform::start_in(room, |plan| plan);
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

fn nowhere(platform: &mut Platform) {
    let outcome = platform.campaign(&folder::sample(), Path::new("/proc/maily/out"));
    assert_eq!(outcome.code, Some(IO), "{}", outcome.err);
    assert_eq!(outcome.err.trim().lines().count(), 1, "{}", outcome.err);
    say(outcome.sentence());
}
