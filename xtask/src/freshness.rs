//! Fresh clones that build nothing anew, and clones that share a target folder without running each other's code.
//!
//! Cargo compiles a crate of the workspace again when one of its files is newer than the last build (its mtime), so a fresh
//! clone that shares a target folder with others compiles everything, and a clone whose files are older than another's build
//! may even be taken for built. So the target folder remembers a digest and a time of each file. In a clone that is seen for
//! the first time, a file with the same content gets that time. Afterwards times only go up: a file with another content than
//! was last seen gets the present one, and none gets an older one than it has, for an editor or plain cargo may have built
//! from it meanwhile. Nor is a fresh clone given old times if anything but xtask has built our crates since. (Cargo's own way
//! by checksums, `-Zchecksum-freshness`, is not stable yet.)
//!
//! One clone at a time uses the target folder ([`hold`]): what it builds is what it runs.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    hash::{DefaultHasher, Hasher as _},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

type Result<T> = std::result::Result<T, String>;

/// Digest, and the time in nanoseconds since 1970.
type Seen = BTreeMap<String, (String, u64)>;

/// Another clone's whole run of tests takes less.
const PATIENCE: Duration = Duration::from_hours(2);

/// What is known of a clone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    /// Its times were put in order for this target folder before.
    Settled,
    /// It is new, and what was built last was built through xtask.
    Fresh,
    /// It is new, and something else has built here: no time says anything.
    Unsure,
}

/// Waits until no other clone uses the target folder; it is this one's until the file is closed. Several commands of one clone
/// may have it.
pub(crate) fn hold(root: &Path, target: &Path) -> Result<File> {
    fs::create_dir_all(target).map_err(|error| format!("{}: {error}", target.display()))?;
    let (path, end) = (target.join("clone"), Instant::now() + PATIENCE);
    let fault = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut told = false;
    loop {
        let mut options = File::options();
        let file = options.read(true).append(true).create(true).open(&path).map_err(fault)?;
        if file.try_lock_shared().is_ok() {
            if fs::read(&path).map_err(fault)? == root.as_os_str().as_encoded_bytes() {
                return Ok(file);
            }
            file.unlock().map_err(fault)?;
            if file.try_lock().is_ok() {
                // Whoever reads it has the lock, so it is never read half written.
                fs::write(&path, root.as_os_str().as_encoded_bytes()).map_err(fault)?;
                continue;
            }
        }
        if Instant::now() > end {
            return Err(format!(
                "another clone uses {}; CARGO_TARGET_DIR names another folder",
                target.display()
            ));
        }
        if !std::mem::replace(&mut told, true) {
            let other = fs::read_to_string(&path).unwrap_or_default();
            eprintln!(
                "\x1b[1m==>\x1b[0m Waiting: the clone in {other} uses {}; CARGO_TARGET_DIR names another folder",
                target.display()
            );
        }
        #[allow(clippy::disallowed_methods, reason = "polling a lock, in a loop with a deadline")]
        thread::sleep(Duration::from_millis(100));
    }
}

/// Notes that what is built now was built by xtask: before the target folder is given up.
#[allow(dead_code, reason = "only the commands build our crates")]
pub(crate) fn built(target: &Path) {
    // Without it the next fresh clone builds everything, and no more.
    let _ = fs::write(target.join("built"), "");
}

/// Puts the sources' times in order. Before every build, while the target folder is held.
pub(crate) fn settle(root: &Path, target: &Path) -> Result<()> {
    let mut list = Command::new("git");
    list.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(root);
    // Without git there is one tree, and nothing to put in order.
    let Ok(listed) = list.stderr(Stdio::null()).output() else { return Ok(()) };
    let memory = target.join("sources");
    let listed = String::from_utf8_lossy(&listed.stdout);
    let files: Vec<&str> = listed.split('\0').filter(|file| !file.is_empty()).collect();
    let before = read(&memory);
    // In the clone: a copy of its folder has it too, but another path.
    let mark = root.join("target/settled");
    let own = format!("{}\n{}\n", root.display(), target.display());
    let known = match fs::read_to_string(&mark).is_ok_and(|text| text == own) {
        true => Known::Settled,
        false if only_xtask_built(target) => Known::Fresh,
        false => Known::Unsure,
    };
    let seen = settled(root, &files, &before, now(), known)?;
    if seen != before {
        write(&memory, &seen)?;
    }
    let marked = fs::create_dir_all(root.join("target")).and_then(|()| fs::write(&mark, own));
    marked.map_err(|error| format!("{}: {error}", mark.display()))
}

/// Whether none of our crates, but for xtask's own, was compiled after [`built`].
fn only_xtask_built(target: &Path) -> bool {
    let time = |path: &Path| fs::metadata(path).and_then(|about| about.modified()).ok();
    let Some(last) = time(&target.join("built")) else { return false };
    // Profiles, and targets with profiles in them.
    let profiles = ["debug", "release"].map(|profile| target.join(profile).join(".fingerprint"));
    let crates = profiles.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
    let mut ours = crates.filter(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        name.starts_with("maily-") && !name.starts_with("maily-xtask-")
    });
    ours.all(|entry| time(&entry.path().join("invoked.timestamp")).is_none_or(|invoked| invoked <= last))
}

/// Gives each file its time; answers what is to be remembered. What is no longer there is remembered on, for another clone
/// may have it.
fn settled(root: &Path, files: &[&str], before: &Seen, now: u64, clone: Known) -> Result<Seen> {
    let mut seen = before.clone();
    for name in files {
        let path = root.join(name);
        let Ok(about) = fs::symlink_metadata(&path) else { continue };
        if !about.is_file() {
            continue;
        }
        let digest = digest(&path)?;
        let own = about.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let own = own.map_or(now, nanoseconds);
        let time = match before.get(*name) {
            Some((known, time)) if *known == digest => match clone {
                Known::Fresh => *time,
                Known::Settled => own.max(*time),
                Known::Unsure => now,
            },
            // A new target folder, or one of before there was a memory: cargo goes by these times anyway.
            None if before.is_empty() => own,
            _ => now,
        };
        let wanted = UNIX_EPOCH + Duration::from_nanos(time);
        if about.modified().ok() != Some(wanted) {
            set(&path, wanted)?;
        }
        seen.insert((*name).to_owned(), (digest, time));
    }
    Ok(seen)
}

/// Sixty-four bits tell apart what people write; another Rust may hash otherwise, which costs a build.
fn digest(path: &Path) -> Result<String> {
    let bytes = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut hasher = DefaultHasher::new();
    hasher.write(&bytes);
    Ok(format!("{:016x}", hasher.finish()))
}

fn set(path: &Path, time: SystemTime) -> Result<()> {
    let file = File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
    file.set_modified(time).map_err(|error| format!("{}: {error}", path.display()))
}

fn now() -> u64 {
    nanoseconds(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

fn nanoseconds(since: Duration) -> u64 {
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// Lines of digest, time and name. What can't be read is as if it had never been seen: that costs a build, and no more.
fn read(memory: &Path) -> Seen {
    let text = fs::read_to_string(memory).unwrap_or_default();
    let line = |line: &str| {
        let (digest, rest) = line.split_once(' ')?;
        let (time, name) = rest.split_once(' ')?;
        Some((name.to_owned(), (digest.to_owned(), time.parse().ok()?)))
    };
    text.lines().filter_map(line).collect()
}

fn write(memory: &Path, seen: &Seen) -> Result<()> {
    let lines: String =
        seen.iter().map(|(name, (digest, time))| format!("{digest} {time} {name}\n")).collect();
    let part = memory.with_extension(format!("{}.part", std::process::id()));
    let written = fs::write(&part, lines).and_then(|()| fs::rename(&part, memory));
    written.map_err(|error| format!("{}: {error}", memory.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Clone(tempfile::TempDir);

    impl Clone {
        fn new(text: &str) -> Self {
            let dir = tempfile::tempdir().unwrap();
            fs::write(dir.path().join("a.rs"), text).unwrap();
            Self(dir)
        }

        fn settle(&self, before: &Seen, now: u64) -> Seen {
            self.settle_as(Known::Fresh, before, now)
        }

        fn settle_as(&self, known: Known, before: &Seen, now: u64) -> Seen {
            settled(self.0.path(), &["a.rs", "gone.rs"], before, now, known).unwrap()
        }

        fn time(&self) -> u64 {
            let time = fs::metadata(self.0.path().join("a.rs")).unwrap().modified().unwrap();
            u64::try_from(time.duration_since(UNIX_EPOCH).unwrap().as_nanos()).unwrap()
        }
    }

    /// Something that was settled before.
    fn memory() -> Seen {
        Seen::from([("other.rs".to_owned(), ("00".to_owned(), 1))])
    }

    #[test]
    fn where_nothing_is_remembered_times_stay() {
        let first = Clone::new("same");
        let before = first.time();
        assert_eq!(first.settle(&Seen::new(), 1_000_000_000)["a.rs"].1, before);
        assert_eq!(first.time(), before);
    }

    #[test]
    fn a_second_clone_of_the_same_content_has_the_first_ones_times() {
        let (first, second) = (Clone::new("same"), Clone::new("same"));
        let seen = first.settle(&memory(), 1_000_000_000);
        let seen = second.settle(&seen, 2_000_000_000);
        assert_eq!((first.time(), second.time()), (1_000_000_000, 1_000_000_000));
        assert_eq!(seen["a.rs"].1, 1_000_000_000);
    }

    /// The clone's file may be older than the other's build: by its time it would be taken for built.
    #[test]
    fn another_content_is_new_whichever_way_it_changed() {
        let (first, second) = (Clone::new("one"), Clone::new("two"));
        let seen = first.settle(&memory(), 1_000_000_000);
        let seen = second.settle(&seen, 2_000_000_000);
        assert_eq!(second.time(), 2_000_000_000);
        let seen = first.settle(&seen, 3_000_000_000);
        assert_eq!((first.time(), seen["a.rs"].1), (3_000_000_000, 3_000_000_000));
    }

    /// Edited, built by plain cargo or an editor, and taken back: by an old time cargo would take what it built for this.
    #[test]
    fn in_a_known_clone_no_file_gets_older() {
        let clone = Clone::new("same");
        let seen = clone.settle(&memory(), 1_000_000_000);
        fs::write(clone.0.path().join("a.rs"), "same").unwrap();
        let written = clone.time();
        let seen = clone.settle_as(Known::Settled, &seen, 2_000_000_000);
        assert_eq!((clone.time(), seen["a.rs"].1), (written, written));
        // Another clone had another content meanwhile, and then this one's again.
        let later = Seen::from([("a.rs".to_owned(), (seen["a.rs"].0.clone(), written + 5))]);
        clone.settle_as(Known::Settled, &later, written + 9);
        assert_eq!(clone.time(), written + 5);
        clone.settle_as(Known::Unsure, &later, written + 9);
        assert_eq!(clone.time(), written + 9);
    }

    #[test]
    fn whoever_else_builds_here_is_noticed() {
        let target = tempfile::tempdir().unwrap();
        let fingerprint = |name: &str, time: u64| {
            let folder = target.path().join("debug/.fingerprint").join(name);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("invoked.timestamp"), "").unwrap();
            set(&folder.join("invoked.timestamp"), UNIX_EPOCH + Duration::from_secs(time)).unwrap();
        };
        fingerprint("maily-law-1", 5);
        assert!(!only_xtask_built(target.path()), "nothing is noted");
        built(target.path());
        set(&target.path().join("built"), UNIX_EPOCH + Duration::from_secs(6)).unwrap();
        fingerprint("maily-xtask-1", 7);
        fingerprint("serde-1", 7);
        assert!(only_xtask_built(target.path()));
        fingerprint("maily-law-1", 7);
        assert!(!only_xtask_built(target.path()));
    }

    #[test]
    fn one_clone_at_a_time_has_the_target_folder() {
        let target = tempfile::tempdir().unwrap();
        let (one, two) = (Path::new("/one"), Path::new("/two"));
        let first = hold(one, target.path()).unwrap();
        let again = hold(one, target.path()).unwrap();
        let folder = target.path().to_owned();
        let other = thread::spawn(move || hold(two, &folder).map(drop));
        drop(first);
        assert!(!other.is_finished(), "a command of the first one runs");
        assert_eq!(fs::read_to_string(target.path().join("clone")).unwrap(), "/one");
        drop(again);
        other.join().unwrap().unwrap();
        assert_eq!(fs::read_to_string(target.path().join("clone")).unwrap(), "/two");
    }

    #[test]
    fn what_is_remembered_is_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let seen = Seen::from([("a b.rs".to_owned(), ("00ff".to_owned(), 7))]);
        write(&dir.path().join("sources"), &seen).unwrap();
        assert_eq!(read(&dir.path().join("sources")), seen);
        assert_eq!(read(&dir.path().join("none")), Seen::new());
    }
}
