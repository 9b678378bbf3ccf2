//! `stack.json`: which processes belong to a data folder, so that a stack left running can be stopped.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde::{Deserialize, Serialize};

use crate::{error::Error, files::write_private, process::pause};

/// The processes of a stack.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) processes: Vec<Running>,
}

/// A process that was started, perhaps by an earlier run. The start time tells it from a later process with the same id.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Running {
    pub(crate) name: String,
    pub(crate) id: i32,
    pub(crate) started: u64,
}

impl Running {
    /// Describes a process that runs now.
    #[must_use]
    pub fn of(name: &str, id: u32) -> Option<Self> {
        let id = i32::try_from(id).ok()?;
        Some(Self { name: name.to_owned(), id, started: start_time(id)? })
    }

    /// Whether it still runs.
    #[must_use]
    pub fn alive(&self) -> bool {
        start_time(self.id) == Some(self.started)
    }

    /// Asks it to end (SIGTERM), and kills it after `grace`.
    pub fn stop(&self, grace: Duration) {
        for (signal, grace) in [(Signal::SIGTERM, grace), (Signal::SIGKILL, Duration::from_secs(5))] {
            if self.alive() {
                let _ = kill(Pid::from_raw(self.id), signal);
                wait_gone(std::slice::from_ref(self), grace);
            }
        }
    }
}

fn file(data: &Path) -> PathBuf {
    data.join("stack.json")
}

pub(crate) fn save(data: &Path, state: &State) -> Result<(), Error> {
    let text = serde_json::to_vec(state).unwrap_or_default();
    write_private(&file(data), &text)
}

pub(crate) fn clear(data: &Path) {
    let _ = fs::remove_file(file(data));
}

/// The processes of this data folder that run now.
pub(crate) fn alive(data: &Path) -> Vec<Running> {
    let state: State =
        fs::read(file(data)).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
    state.processes.into_iter().filter(Running::alive).collect()
}

/// Stops the stack of a data folder, whoever started it; answers the names of what it stopped.
///
/// # Errors
/// Never where nothing runs.
pub fn stop_left_running(data: &Path, grace: Duration) -> Result<Vec<String>, Error> {
    let running = alive(data);
    // The supervisor comes first: it would start again what dies.
    for process in &running {
        let _ = kill(Pid::from_raw(process.id), Signal::SIGTERM);
        if process.name == "xtask" {
            wait_gone(std::slice::from_ref(process), grace);
        }
    }
    wait_gone(&running, grace);
    for process in running.iter().filter(|process| process.alive()) {
        let _ = kill(Pid::from_raw(process.id), Signal::SIGKILL);
    }
    wait_gone(&running, Duration::from_secs(5));
    clear(data);
    Ok(running.into_iter().map(|process| process.name).collect())
}

fn wait_gone(processes: &[Running], grace: Duration) {
    let end = Instant::now() + grace;
    while processes.iter().any(Running::alive) && Instant::now() < end {
        pause();
    }
}

/// Field 22 of `/proc/ID/stat` (proc(5)): clock ticks from boot to the start; none for a zombie.
fn start_time(id: i32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let zombie = fields.next()? == "Z";
    fields.nth(18)?.parse().ok().filter(|_| !zombie)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn stops_what_runs_and_leaves_a_reused_id_alone() {
        let dir = tempfile::tempdir().unwrap();
        let mut child = Command::new("sleep").arg("600").spawn().unwrap();
        let running = Running::of("sleep", child.id()).unwrap();
        let other = Running { started: running.started + 1, ..running.clone() };
        save(dir.path(), &State { processes: vec![other] }).unwrap();
        assert!(stop_left_running(dir.path(), Duration::from_secs(5)).unwrap().is_empty());
        assert!(running.alive(), "same id, another start time: not ours");
        save(dir.path(), &State { processes: vec![running] }).unwrap();
        let stopped = stop_left_running(dir.path(), Duration::from_secs(5)).unwrap();
        assert_eq!(stopped, ["sleep"]);
        assert!(!child.wait().unwrap().success());
    }
}
