//! A copy of `terraform/` to work in, so that a test leaves nothing behind and may change what it likes.

use std::{
    fs,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use crate::repository;

/// The copy; it goes when this is dropped.
pub struct Copy {
    folder: TempDir,
}

impl Default for Copy {
    fn default() -> Self {
        Self::new()
    }
}

impl Copy {
    /// Copies every file that belongs to the configuration.
    ///
    /// # Panics
    /// A file can't be copied.
    #[must_use]
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy(&repository().join("terraform"), &folder.path().join("terraform"));
        Self { folder }
    }

    /// The copied `terraform` folder.
    #[must_use]
    pub fn tree(&self) -> PathBuf {
        self.folder.path().join("terraform")
    }

    /// A place beside it, for what else the test keeps.
    #[must_use]
    pub fn beside(&self) -> &Path {
        self.folder.path()
    }

    /// An environment's root for a cloud.
    #[must_use]
    pub fn root(&self, environment: &str, cloud: &str) -> PathBuf {
        let root = self.tree().join("environments").join(environment);
        if cloud == "azure" { root } else { root.join(cloud) }
    }

    /// The same root, its state in a local file: there is no remote one here.
    ///
    /// # Panics
    /// The file can't be written.
    #[must_use]
    pub fn local_root(&self, environment: &str, cloud: &str) -> PathBuf {
        let root = self.root(environment, cloud);
        let file = root.join("backend_override.tf");
        fs::write(file, "terraform {\n  backend \"local\" {}\n}\n").unwrap();
        root
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let working = [".terraform", ".terraform.lock.hcl"].contains(&name.as_str())
            || name.contains(".tfstate")
            || name.ends_with(".tfplan");
        match path.is_dir() {
            _ if working => {}
            true => copy(&path, &to.join(name)),
            false => drop(fs::copy(&path, to.join(name)).unwrap()),
        }
    }
}
