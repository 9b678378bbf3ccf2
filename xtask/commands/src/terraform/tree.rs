//! Where modules and environments are.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::shell::{Result, root};

/// The clouds, in the order in which they are shown.
pub(crate) const CLOUDS: [&str; 3] = ["azure", "aws", "gcp"];

/// Which of an environment's roots.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    /// One of [`CLOUDS`].
    pub(crate) cloud: &'a str,
    /// The root that makes where the state is kept, instead of the environment's own.
    pub(crate) state: bool,
}

impl std::fmt::Display for Place<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let what = if self.state { " (where the state is kept)" } else { "" };
        write!(out, "{}{what}", self.cloud)
    }
}

/// A `terraform` folder.
pub(crate) struct Tree {
    dir: PathBuf,
}

impl Tree {
    /// The folder given, or the repository's own.
    pub(crate) fn open(dir: Option<&Path>) -> Result<Self> {
        let dir = dir.map_or_else(|| root().join("terraform"), Path::to_owned);
        let dir = dir.canonicalize().map_err(|error| format!("{}: {error}", dir.display()))?;
        Ok(Self { dir })
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn modules_dir(&self) -> PathBuf {
        self.dir.join("modules")
    }

    /// A path as people write it: from the folder on.
    pub(crate) fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.dir).unwrap_or(path).display().to_string()
    }

    /// Every module, sorted.
    pub(crate) fn modules(&self) -> Result<Vec<PathBuf>> {
        configurations(&self.modules_dir())
    }

    /// Every environment's root configurations, sorted.
    pub(crate) fn roots(&self) -> Result<Vec<PathBuf>> {
        configurations(&self.dir.join("environments"))
    }

    /// The names of the environments.
    pub(crate) fn environments(&self) -> Result<Vec<String>> {
        let dir = self.dir.join("environments");
        let entries = fs::read_dir(&dir).map_err(|error| format!("{}: {error}", dir.display()))?;
        let folders = entries.filter_map(std::result::Result::ok).filter(|entry| entry.path().is_dir());
        let mut names: Vec<_> = folders.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        Ok(names)
    }

    /// The root of an environment in a cloud: Azure's is the folder itself.
    pub(crate) fn root(&self, environment: &str, place: Place<'_>) -> Result<PathBuf> {
        let environments = self.environments()?;
        if !environments.iter().any(|name| name == environment) {
            return Err(format!(
                "there is no environment {environment}; there are {}",
                environments.join(", ")
            ));
        }
        let mut dir = self.dir.join("environments").join(environment);
        if place.state {
            dir.push("state");
        }
        if place.cloud != CLOUDS[0] {
            dir.push(place.cloud);
        }
        match has(&dir, ".tf") {
            true => Ok(dir),
            false => Err(format!("{} has no configuration for {}", self.shown(&dir), place.cloud)),
        }
    }
}

/// The folders below `dir` that hold a configuration; tests and working folders are none.
fn configurations(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        for path in entries.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if path.is_dir() && !name.starts_with('.') && name != "tests" {
                folders.push(path);
            }
        }
        if has(&folder, ".tf") {
            found.push(folder);
        }
    }
    found.sort();
    Ok(found)
}

/// Whether the folder holds a file whose name ends so.
pub(crate) fn has(dir: &Path, ending: &str) -> bool {
    let entries = fs::read_dir(dir).into_iter().flatten();
    entries
        .filter_map(std::result::Result::ok)
        .any(|entry| entry.file_name().to_string_lossy().ends_with(ending))
}
