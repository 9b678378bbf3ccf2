//! Room on the disks. A full one fails tests for other reasons than it says (a server that ends, a kubelet that schedules no
//! pod), so that they are looked at before a run, and for as long as it lasts.

use std::{
    env,
    fs::{self, File},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    process::{Child, ExitStatus},
    time::{Duration, SystemTime},
};

use maily_testkit::{cache, rest, stop};
use nix::sys::statvfs::statvfs;

use crate::shell::{Result, say, target_dir};

const GIB: u64 = 1 << 30;
/// What a build of everything from nothing and its tests take, with a cluster's volumes (docs/testing.md has the figures).
const WHOLE: u64 = 45 * GIB;
/// What tests take where everything is built. A tier is asked for no more: what one takes from nothing is not known.
const TESTS: u64 = 12 * GIB;
/// So many files are in cargo's folder where everything is built, and fewer where only some crates are.
const BUILT: usize = 3_000;
/// What tests take of the place for temporary files, where that is a disk of its own: it is small then, often in memory.
const TEMPORARY: u64 = 2 * GIB;
/// Less than this, and what runs is stopped: soon servers can't write any more, and the kubelet evicts pods (at a hundredth of the disk,
/// `cluster/node.rs`), and their words mislead. No kubelet lives off a disk for temporary files.
const FULL: Room = Room { target: 4 * GIB, cache: 4 * GIB, temporary: GIB / 4 };
/// A program that was built longer ago is of a build before, or is linked again in a moment. What is younger may be what another
/// checkout with the same target folder is running.
const OLD: Duration = Duration::from_hours(48);
/// Nextest, asked to end, ends its tests, and they what they have started.
const GRACE: Duration = Duration::from_mins(2);

/// Bytes that have to be free at each of the places that builds and tests write to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    target: u64,
    cache: u64,
    temporary: u64,
}

impl Room {
    /// What all tests take.
    pub(crate) fn of_everything() -> Self {
        Self { target: of_everything_beside(&target_dir().join("debug/deps")), ..Self::of_a_tier() }
    }

    /// What the tests of one tier take.
    pub(crate) fn of_a_tier() -> Self {
        Self { target: TESTS, cache: TESTS, temporary: TEMPORARY }
    }

    /// The disks, each with what is asked of it.
    pub(crate) fn disks(self) -> Vec<Disk> {
        let places =
            [(target_dir(), self.target), (cache::dir(), self.cache), (env::temp_dir(), self.temporary)];
        each_once(places.iter().filter_map(|(place, asked)| Disk::of(place, *asked)))
    }
}

/// What all tests take where this is built already.
fn of_everything_beside(deps: &Path) -> u64 {
    match deps.read_dir().map_or(0, Iterator::count) > BUILT {
        true => TESTS,
        false => WHOLE.saturating_sub(size(deps)).max(TESTS),
    }
}

/// A disk, by a place on it.
pub(crate) struct Disk {
    place: PathBuf,
    device: u64,
    free: u64,
    /// Bytes that have to be free.
    asked: u64,
}

impl Disk {
    /// The disk that `place` is on, or will be.
    fn of(place: &Path, asked: u64) -> Option<Self> {
        let place = place.ancestors().find(|place| place.exists())?;
        let (device, said) = (fs::metadata(place).ok()?.dev(), statvfs(place).ok()?);
        // What is kept for root, or by a quota, is not available.
        let free = said.blocks_available().saturating_mul(said.fragment_size());
        Some(Self { place: place.to_owned(), device, free, asked })
    }

    pub(crate) fn says(&self) -> String {
        format!("{} GiB free at {}", self.free / GIB, self.place.display())
    }

    pub(crate) fn asks(&self) -> String {
        format!("{} GiB have to be free", self.asked / GIB)
    }
}

/// Each disk once, with the most that is asked of it: that counts what is written at its other places.
fn each_once(places: impl Iterator<Item = Disk>) -> Vec<Disk> {
    let mut disks: Vec<Disk> = Vec::new();
    for disk in places {
        match disks.iter_mut().find(|known| known.device == disk.device) {
            Some(known) if known.asked >= disk.asked => {}
            Some(known) => *known = disk,
            None => disks.push(disk),
        }
    }
    disks
}

/// The disk that lacks most, if one does.
pub(crate) fn short(disks: &[Disk]) -> Option<&Disk> {
    let lacks = |disk: &&Disk| disk.asked.saturating_sub(disk.free);
    disks.iter().max_by_key(lacks).filter(|disk| lacks(disk) > 0)
}

/// Makes room before tests, where there is less than this: what goes can be made again. Where that doesn't suffice, an error
/// says what takes the room.
pub(crate) fn make_room(room: Room) -> Result<()> {
    let disks = room.disks();
    let Some(before) = short(&disks) else { return Ok(()) };
    say(&format!("Making room: {}, and {}", before.says(), before.asks()));
    clear(&target_dir().join("debug"), SystemTime::now());
    left_runs().iter().for_each(|run| remove(run));
    begin(&room.disks(), takers)
}

/// Whether tests may begin on these disks.
fn begin(disks: &[Disk], takers: impl FnOnce() -> Vec<String>) -> Result<()> {
    let Some(disk) = short(disks) else { return Ok(()) };
    Err(format!(
        "the disk is too full to begin: {}, and {}. What takes room: {}",
        disk.says(),
        disk.asks(),
        takers().join(", ")
    ))
}

/// Waits for a program that writes much; stops it once the disk is full, and says so.
pub(crate) fn watch(name: &str, child: &mut Child) -> Result<ExitStatus> {
    loop {
        if let Some(status) = child.try_wait().map_err(|error| format!("{name}: {error}"))? {
            return Ok(status);
        }
        if let Some(disk) = short(&FULL.disks()) {
            stop(child, GRACE);
            return Err(format!(
                "the disk is full, so the run was stopped: {}. What failed last may have failed of that. What takes room: {}",
                disk.says(),
                takers().join(", ")
            ));
        }
        rest();
    }
}

/// Removes what cargo builds again, unless it builds there now: its own lock is held meanwhile.
fn clear(target: &Path, now: SystemTime) {
    // Without it nothing was ever built.
    let Ok(lock) = File::open(target.join(".cargo-lock")) else { return };
    if lock.try_lock().is_err() {
        return say(&format!("Cargo builds in {}: what is in there stays", target.display()));
    }
    remove(&target.join("incremental"));
    old_programs(&target.join("deps"), now).iter().for_each(|program| drop(fs::remove_file(program)));
}

/// Programs by their age, not by their names: several that are current may share one, as a service's program, its tests and its library's.
fn old_programs(deps: &Path, now: SystemTime) -> Vec<PathBuf> {
    let mut old = Vec::new();
    for entry in deps.read_dir().into_iter().flatten().flatten() {
        let (path, Ok(data)) = (entry.path(), entry.metadata()) else { continue };
        let runs = data.is_file() && data.permissions().mode() & 0o100 != 0 && path.extension().is_none();
        let age = data.modified().ok().and_then(|built| now.duration_since(built).ok());
        if runs && age.is_some_and(|age| age > OLD) {
            old.push(path);
        }
    }
    old
}

/// What ended runs have left in the folder for temporary files.
fn left_runs() -> Vec<PathBuf> {
    let entries = env::temp_dir().read_dir().into_iter().flatten().flatten();
    let is_run = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("maily-run-"))
            && !crate::test::is_running(path)
    };
    entries.map(|entry| entry.path()).filter(is_run).collect()
}

fn remove(folder: &Path) {
    let _ = fs::remove_dir_all(folder);
}

/// The largest folders of ours, with their sizes: those of the cache, of the target folder, and for temporary files.
fn takers() -> Vec<String> {
    let places = [cache::dir(), target_dir().join("debug"), env::temp_dir()];
    let entries = places.iter().flat_map(|place| place.read_dir().into_iter().flatten().flatten());
    let mut sizes: Vec<(u64, PathBuf)> =
        entries.map(|entry| entry.path()).map(|path| (size(&path), path)).collect();
    sizes.sort_unstable_by(|one, other| other.cmp(one));
    sizes.iter().take(6).map(|(size, path)| format!("{} {} GiB", path.display(), size / GIB)).collect()
}

/// Bytes in a folder, links not followed.
fn size(path: &Path) -> u64 {
    let mut left = vec![path.to_owned()];
    let mut sum = 0_u64;
    while let Some(path) = left.pop() {
        let Ok(data) = fs::symlink_metadata(&path) else { continue };
        sum = sum.saturating_add(data.len());
        if data.is_dir() {
            left.extend(path.read_dir().into_iter().flatten().flatten().map(|entry| entry.path()));
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use std::{fs::File, process::Command};

    use super::*;

    #[test]
    fn a_disk_says_what_df_says() {
        let disk = Disk::of(&env::temp_dir().join("not/there/yet"), 0).unwrap();
        let df = Command::new("df").args(["--output=avail", "-B1"]).arg(&disk.place).output().unwrap();
        let df: u64 = String::from_utf8(df.stdout).unwrap().lines().nth(1).unwrap().trim().parse().unwrap();
        // Others write meanwhile.
        assert!(disk.free.abs_diff(df) < GIB, "{} and {df}", disk.free);
    }

    fn disk(place: &str, device: u64, free: u64, asked: u64) -> Disk {
        Disk { place: place.into(), device, free: free * GIB, asked: asked * GIB }
    }

    #[test]
    fn a_small_disk_for_temporary_files_is_enough() {
        let with = |temporary| {
            let places = [disk("/t", 1, 60, 45), disk("/c", 1, 60, 12), disk("/tmp", 2, temporary, 2)];
            let disks = each_once(places.into_iter());
            assert_eq!(disks.len(), 2);
            short(&disks).map(Disk::says)
        };
        assert_eq!(with(3), None);
        assert_eq!(with(1).as_deref(), Some("1 GiB free at /tmp"));
    }

    /// What is asked for, what is refused and what is said are one number.
    #[test]
    fn where_less_is_free_than_is_asked_for_nothing_begins() {
        let begins = |free| begin(&[disk("/t", 1, free, 45)], || vec!["/t/debug 30 GiB".to_owned()]);
        assert_eq!(begins(45), Ok(()));
        let said = begins(44).unwrap_err();
        let sentence = "44 GiB free at /t, and 45 GiB have to be free. What takes room: /t/debug 30 GiB";
        assert!(said.ends_with(sentence), "{said}");
    }

    #[test]
    fn what_is_built_already_takes_no_more_room() {
        let deps = tempfile::tempdir().unwrap();
        assert_eq!(of_everything_beside(&deps.path().join("none")), WHOLE);
        // As long as they say, and nearly empty.
        let file = File::create(deps.path().join("some")).unwrap();
        file.set_len(20 * GIB).unwrap();
        // The folder itself has a length.
        assert!((24 * GIB..=25 * GIB).contains(&of_everything_beside(deps.path())));
        file.set_len(50 * GIB).unwrap();
        assert_eq!(of_everything_beside(deps.path()), TESTS);
        file.set_len(0).unwrap();
        (0..BUILT).for_each(|n| drop(File::create(deps.path().join(n.to_string())).unwrap()));
        assert_eq!(of_everything_beside(deps.path()), TESTS);
    }

    #[test]
    fn of_one_disk_the_most_is_asked() {
        for places in [[("/tmp", 2), ("/t", 45), ("/c", 12)], [("/c", 12), ("/tmp", 2), ("/t", 45)]] {
            let disks = each_once(places.into_iter().map(|(place, asked)| disk(place, 1, 44, asked)));
            let short = short(&disks).unwrap();
            assert_eq!((disks.len(), short.asks().as_str()), (1, "45 GiB have to be free"));
        }
        // What lacks most is what is said.
        let disks = [disk("/t", 1, 40, 45), disk("/c", 2, 2, 12), disk("/tmp", 3, 1, 2)];
        assert_eq!(short(&disks).unwrap().says(), "2 GiB free at /c");
    }

    /// A target folder with files of so many hours, and the moment that they are that old.
    fn target(files: &[(&str, u64, u32)]) -> (tempfile::TempDir, SystemTime) {
        let (target, now) = (tempfile::tempdir().unwrap(), SystemTime::now());
        for folder in ["deps", "incremental/a"] {
            fs::create_dir_all(target.path().join(folder)).unwrap();
        }
        File::create(target.path().join(".cargo-lock")).unwrap();
        for (name, hours, mode) in files {
            let path = target.path().join("deps").join(name);
            let built = now - Duration::from_hours(*hours);
            File::create(&path).unwrap().set_modified(built).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(*mode)).unwrap();
        }
        (target, now)
    }

    #[test]
    fn old_programs_go_and_those_of_today_stay_however_many_share_a_name() {
        let (target, now) = target(&[
            ("maily_compliance-aa", 1, 0o755),
            ("maily_compliance-bb", 2, 0o755),
            ("maily_compliance-cc", 3, 0o755),
            ("campaign-dd", 47, 0o755),
            ("campaign-ee", 49, 0o755),
            ("campaign-ee.d", 49, 0o644),
            ("libcampaign-ff.so", 49, 0o755),
        ]);
        clear(target.path(), now);
        let left = target.path().join("deps").read_dir().unwrap().map(|entry| entry.unwrap().file_name());
        let mut left: Vec<_> = left.map(|name| name.into_string().unwrap()).collect();
        left.sort_unstable();
        let stay = ["campaign-dd", "campaign-ee.d", "libcampaign-ff.so"];
        let share = ["maily_compliance-aa", "maily_compliance-bb", "maily_compliance-cc"];
        assert_eq!(left, [stay, share].concat());
        assert!(!target.path().join("incremental").exists());
    }

    #[test]
    fn where_cargo_builds_nothing_is_removed() {
        let (target, now) = target(&[("campaign-ee", 49, 0o755)]);
        let (program, folder) = (target.path().join("deps/campaign-ee"), target.path().join("incremental"));
        let cargo = File::open(target.path().join(".cargo-lock")).unwrap();
        for shared in [false, true] {
            let locked = if shared { cargo.lock_shared() } else { cargo.lock() };
            locked.unwrap();
            clear(target.path(), now);
            assert!(program.exists() && folder.exists(), "shared: {shared}");
            cargo.unlock().unwrap();
        }
        clear(target.path(), now);
        assert!(!program.exists() && !folder.exists());
    }

    #[test]
    fn what_is_watched_ends_as_it_ends() {
        let mut child = Command::new("sh").args(["-c", "exit 3"]).spawn().unwrap();
        assert_eq!(watch("sh", &mut child).unwrap().code(), Some(3));
    }

    #[test]
    fn a_folder_is_as_large_as_what_is_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let empty = size(folder.path());
        fs::create_dir(folder.path().join("in")).unwrap();
        fs::write(folder.path().join("in/file"), vec![0; 100_000]).unwrap();
        std::os::unix::fs::symlink("/", folder.path().join("link")).unwrap();
        assert!((100_000..150_000).contains(&(size(folder.path()) - empty)));
    }
}
