//! What a keeper has started, found by their parents.

use std::{collections::BTreeMap, fs, process};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

/// Asks everything that this process has started to end (SIGTERM), also what those have started; but for other fixtures'
/// keepers, which see for themselves that they are not needed any more.
pub(super) fn end_descendants(keepers: &[u64]) {
    let parents = parents();
    let own = process::id();
    let descends = |mut id: u32| loop {
        if keepers.contains(&u64::from(id)) {
            return false;
        }
        match parents.get(&id) {
            Some(parent) if *parent == own => return true,
            Some(parent) => id = *parent,
            None => return false,
        }
    };
    for id in parents.keys().filter(|id| descends(**id)).filter_map(|id| i32::try_from(*id).ok()) {
        let _ = kill(Pid::from_raw(id), Signal::SIGTERM);
    }
}

/// Each process' parent: the second field behind the name in `/proc/ID/stat` (proc(5)).
fn parents() -> BTreeMap<u32, u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let parent = |id: u32| -> Option<u32> {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
    };
    ids.filter_map(|id| Some((id, parent(id)?))).collect()
}
