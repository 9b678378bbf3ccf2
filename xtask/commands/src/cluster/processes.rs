//! The cluster's processes: started once, left running when xtask ends, ended by their id and start time.

use std::{fs, path::PathBuf, time::Duration};

use maily_testkit::{Process, Running};

use super::layout::Layout;
use crate::shell::{Result, say};

/// Every process, in the order they start.
pub(super) const ALL: [&str; 7] = [
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "containerd",
    "kubelet",
    "kube-proxy",
];

/// Starts a process unless it runs; answers it only when it was started now.
pub(super) fn start(
    layout: &Layout,
    name: &str,
    program: PathBuf,
    arguments: &[String],
) -> Result<Option<Process>> {
    if alive(layout, name) {
        return Ok(None);
    }
    say(&format!("Starting {name}"));
    for folder in ["logs", "processes"] {
        let folder = layout.file(folder);
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    let log = layout.file(&format!("logs/{name}.log"));
    let process = Process::start(name, &program, arguments, &log).map_err(|error| error.to_string())?;
    let file = file(layout, name);
    let text = serde_json::to_vec(&Running::of(name, process.id())).unwrap_or_default();
    fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(Some(process))
}

/// Whether it runs.
pub(super) fn alive(layout: &Layout, name: &str) -> bool {
    running(layout, name).is_some_and(|process| process.alive())
}

/// Asks it to end, and ends it after `grace`.
pub(super) fn stop(layout: &Layout, name: &str, grace: Duration) {
    if let Some(process) = running(layout, name) {
        process.stop(grace);
    }
    let _ = fs::remove_file(file(layout, name));
}

fn running(layout: &Layout, name: &str) -> Option<Running> {
    serde_json::from_slice(&fs::read(file(layout, name)).ok()?).ok()
}

fn file(layout: &Layout, name: &str) -> PathBuf {
    layout.file(&format!("processes/{name}.json"))
}
