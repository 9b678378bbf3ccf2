//! Fresh clones that build nothing anew: sources keep the time at which their content was first seen.
//!
//! Cargo compiles a crate of the workspace again when one of its files is newer than the last build (its mtime), so a fresh
//! clone that shares a target folder with others compiles everything, and a clone whose files are older than another's build
//! may even be taken for built. So for each file the target folder remembers a digest and a time. A file with the same
//! content gets that time; one with another content gets the present one. Where nothing is remembered yet, times stay. (Cargo's own way by checksums,
//! `-Zchecksum-freshness`, is not stable yet.)

use std::{
    collections::BTreeMap,
    fs::{self, File},
    hash::{DefaultHasher, Hasher as _},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

type Result<T> = std::result::Result<T, String>;

/// Digest, and the time in nanoseconds since 1970.
type Seen = BTreeMap<String, (String, u64)>;

/// Puts the sources' times in order. Before every build.
pub(crate) fn settle(root: &Path, target: &Path) -> Result<()> {
    let mut list = Command::new("git");
    list.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(root);
    // Without git there is one tree, and nothing to put in order.
    let Ok(listed) = list.stderr(Stdio::null()).output() else { return Ok(()) };
    let memory = target.join("sources");
    let listed = String::from_utf8_lossy(&listed.stdout);
    let files: Vec<&str> = listed.split('\0').filter(|file| !file.is_empty()).collect();
    let before = read(&memory);
    let seen = settled(root, &files, &before, now())?;
    if seen == before { Ok(()) } else { write(&memory, &seen) }
}

/// Gives each file its time; answers what is to be remembered. What is no longer there is remembered on, for another clone
/// may have it.
fn settled(root: &Path, files: &[&str], before: &Seen, now: u64) -> Result<Seen> {
    let mut seen = before.clone();
    for name in files {
        let path = root.join(name);
        let Ok(about) = fs::symlink_metadata(&path) else { continue };
        if !about.is_file() {
            continue;
        }
        let digest = digest(&path)?;
        let own = || about.modified().ok()?.duration_since(UNIX_EPOCH).ok().map(nanoseconds);
        let time = match before.get(*name) {
            Some((known, time)) if *known == digest => *time,
            // A new target folder, or one of before there was a memory: cargo goes by these times anyway.
            None if before.is_empty() => own().unwrap_or(now),
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
            settled(self.0.path(), &["a.rs", "gone.rs"], before, now).unwrap()
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

    #[test]
    fn what_is_remembered_is_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let seen = Seen::from([("a b.rs".to_owned(), ("00ff".to_owned(), 7))]);
        write(&dir.path().join("sources"), &seen).unwrap();
        assert_eq!(read(&dir.path().join("sources")), seen);
        assert_eq!(read(&dir.path().join("none")), Seen::new());
    }
}
