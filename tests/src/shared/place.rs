//! A fixture's folder in the folder of its run.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{ErrorKind, Result},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::PathBuf,
    process,
};

use maily_testkit::Running;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::run::Run;

/// Who keeps a fixture, and for whose tests.
#[derive(Serialize, Deserialize)]
struct Keeper {
    keeper: Running,
    runner: Running,
}

/// Where everything of a fixture is.
pub(super) struct Place {
    run: &'static Run,
    folder: PathBuf,
}

impl Place {
    pub(super) fn new(name: &str) -> Self {
        let run = Run::current();
        Self { run, folder: run.folder.join(name) }
    }

    pub(super) fn runner(&self) -> &Running {
        &self.run.runner
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.folder.join("socket")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    /// Waits until nobody else starts or ends the fixture.
    pub(super) fn lock(&self) -> Result<File> {
        loop {
            // A keeper that ends removes the folder: who waited for the lock in it has waited for nothing.
            let file = match self.open("start") {
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                file => file?,
            };
            file.lock()?;
            if self.is_current(&file)? {
                return Ok(file);
            }
        }
    }

    /// The same, if it need not be waited for.
    pub(super) fn try_lock(&self) -> Option<File> {
        let file = self.open("start").ok()?;
        (file.try_lock().is_ok() && self.is_current(&file).ok()?).then_some(file)
    }

    fn is_current(&self, file: &File) -> Result<bool> {
        let inode = file.metadata()?.ino();
        Ok(fs::metadata(self.folder.join("start")).is_ok_and(|now| now.ino() == inode))
    }

    /// The lock of those who use the fixture.
    pub(super) fn usage(&self) -> Result<File> {
        self.open("use")
    }

    /// The keeper's log, to be written to.
    pub(super) fn open_log(&self) -> Result<File> {
        self.open("log")
    }

    fn open(&self, name: &str) -> Result<File> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        OpenOptions::new().append(true).create(true).mode(0o600).open(self.folder.join(name))
    }

    /// Makes this process the keeper; none, if another one is. It is so until the file is closed.
    pub(super) fn claim(&self) -> Result<Option<File>> {
        let file = self.open("keeper.json")?;
        if file.try_lock().is_err() {
            return Ok(None);
        }
        let keeper = Running::of("keeper", process::id()).ok_or(ErrorKind::NotFound)?;
        let text = serde_json::to_string(&Keeper { keeper, runner: self.runner().clone() })?;
        fs::write(self.folder.join("keeper.json"), text)?;
        Ok(Some(file))
    }

    /// Whether there is a keeper, and it lives.
    pub(super) fn keeper_lives(&self) -> Option<bool> {
        let text = fs::read(self.folder.join("keeper.json")).ok()?;
        // One that has not written its name yet lives.
        Some(serde_json::from_slice(&text).map_or(true, |keeper: Keeper| keeper.keeper.alive()))
    }

    /// The process ids of the run's keepers.
    pub(super) fn keepers(&self) -> Vec<u64> {
        let fixtures = fs::read_dir(&self.run.folder).into_iter().flatten().flatten();
        let text = fixtures.filter_map(|fixture| fs::read(fixture.path().join("keeper.json")).ok());
        text.filter_map(|text| serde_json::from_slice::<Value>(&text).ok()?["keeper"]["id"].as_u64())
            .collect()
    }

    /// Why there is no fixture and won't be one in this run.
    pub(super) fn failure(&self) -> Option<String> {
        fs::read_to_string(self.folder.join("failed")).ok()
    }

    /// Notes that; the first reason stays. The words are there as a whole or not at all.
    pub(super) fn fail(&self, words: &str) {
        let draft = self.folder.join(format!("failed.{}", process::id()));
        let _ = fs::write(&draft, words).and_then(|()| fs::hard_link(&draft, self.folder.join("failed")));
        let _ = fs::remove_file(draft);
    }

    /// Removes the fixture's folder, and the run's after the last one. With `kept` only what isn't for a look.
    pub(super) fn clear(&self, kept: bool) {
        if kept || self.failure().is_some() {
            for name in ["socket", "keeper.json"] {
                let _ = fs::remove_file(self.folder.join(name));
            }
            return;
        }
        let _ = fs::remove_dir_all(&self.folder);
        // Others are still there as long as this fails.
        let _ = fs::remove_dir(&self.run.folder);
    }
}
