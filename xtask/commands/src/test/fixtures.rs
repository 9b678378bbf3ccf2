//! What tests share is ended by keepers of its own (`tests/src/shared`), at the latest when the tests have ended: who runs
//! tests finds the machine as it was only after that.

use std::{
    env, fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use maily_testkit::{Running, pause};
use serde::Deserialize;

use crate::shell::say;

/// A cluster, a composed platform, or a stack of processes has ended by then.
const DEADLINE: Duration = Duration::from_mins(5);
/// What a keeper notes begins with this if it failed when it ended its fixture.
const END: &str = "its end: ";

#[derive(Deserialize)]
struct Keeper {
    keeper: Running,
}

/// Waits until no fixture of this run is there any more; answers a sentence for each that did not end well.
pub(super) fn wait(run: &str) -> Vec<String> {
    ended(&env::temp_dir().join(format!("maily-run-{run}")), DEADLINE)
}

fn ended(run: &Path, limit: Duration) -> Vec<String> {
    let end = Instant::now() + limit;
    let mut told = false;
    let mut faults: Vec<String> = loop {
        let running: Vec<PathBuf> = fixtures(run).into_iter().filter(|fixture| is_kept(fixture)).collect();
        if running.is_empty() {
            break Vec::new();
        }
        if Instant::now() > end {
            break running.iter().map(|fixture| format!("{} does not end", fixture.display())).collect();
        }
        if !std::mem::replace(&mut told, true) {
            say("Ending what the tests shared");
        }
        pause();
    };
    for fixture in fixtures(run) {
        let words = fs::read_to_string(fixture.join("failed")).unwrap_or_default();
        if let Some(words) = words.strip_prefix(END) {
            faults.push(format!("{} did not end well: {}", fixture.display(), words.trim_end()));
        }
    }
    faults
}

/// Whether a run's folder has a fixture that is still kept.
pub(crate) fn is_running(run: &Path) -> bool {
    fixtures(run).iter().any(|fixture| is_kept(fixture))
}

fn fixtures(run: &Path) -> Vec<PathBuf> {
    fs::read_dir(run).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

/// Whether its keeper lives: one that was killed ends nothing.
fn is_kept(fixture: &Path) -> bool {
    let text = fs::read(fixture.join("keeper.json")).unwrap_or_default();
    serde_json::from_slice::<Keeper>(&text).is_ok_and(|keeper| keeper.keeper.alive())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_waited_for_and_a_bad_end_is_said() {
        let run = tempfile::tempdir().unwrap();
        assert!(ended(&run.path().join("none"), Duration::ZERO).is_empty());
        let fixture = run.path().join("stack");
        fs::create_dir(&fixture).unwrap();
        fs::write(fixture.join("failed"), "a port is in use").unwrap();
        assert!(ended(run.path(), Duration::ZERO).is_empty(), "its tests have said that");
        fs::write(fixture.join("failed"), "its end: a process is left\n").unwrap();
        let said = ended(run.path(), Duration::ZERO);
        assert!(
            said.len() == 1 && said[0].ends_with("stack did not end well: a process is left"),
            "{said:?}"
        );
        let keeper = Running::of("keeper", std::process::id()).unwrap();
        let text = serde_json::json!({ "keeper": keeper }).to_string();
        fs::write(fixture.join("keeper.json"), text).unwrap();
        assert!(ended(run.path(), Duration::ZERO)[0].ends_with("stack does not end"));
    }
}
