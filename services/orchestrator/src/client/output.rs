//! The `--out` folder: written beside its place, moved there when it is whole.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use maily_client::{Failure, IO, USAGE};

/// A folder that is being written; removed again unless it is finished.
pub(crate) struct Output {
    target: PathBuf,
    partial: PathBuf,
}

impl Output {
    /// Prepares the folder beside its place.
    pub(crate) fn begin(target: &Path) -> Result<Self, Failure> {
        let name = target.file_name().ok_or_else(|| Failure::new(USAGE, "--out has no name"))?;
        if !is_ours(target).map_err(|error| io_failure(target, &error))? {
            let sentence =
                format!("{}: holds other files than a campaign's; name another folder", target.display());
            return Err(Failure::new(USAGE, sentence));
        }
        let partial = target.with_file_name(format!(".{}.partial", name.to_string_lossy()));
        let begin = || {
            // What a killed run left.
            remove(&partial)?;
            fs::create_dir_all(partial.join("mail"))
        };
        begin().map_err(|error| io_failure(&partial, &error))?;
        Ok(Self { target: target.to_owned(), partial })
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.partial.join(name)
    }

    /// Puts the folder in its place, in one step.
    pub(crate) fn finish(&self) -> Result<(), Failure> {
        let finish = || {
            fs::File::open(self.partial.join("mail"))?.sync_all()?;
            fs::File::open(&self.partial)?.sync_all()?;
            match self.target.exists() {
                // The old folder takes the new one's place and is removed when `self` is.
                true => nix::fcntl::renameat2(
                    nix::fcntl::AT_FDCWD,
                    &self.partial,
                    nix::fcntl::AT_FDCWD,
                    &self.target,
                    nix::fcntl::RenameFlags::RENAME_EXCHANGE,
                )
                .map_err(io::Error::from),
                false => fs::rename(&self.partial, &self.target),
            }
        };
        finish().map_err(|error| io_failure(&self.target, &error))
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        // Nothing can be done about a failure here; the next run tries again.
        let _ = remove(&self.partial);
    }
}

fn io_failure(path: &Path, error: &io::Error) -> Failure {
    Failure::new(IO, format_args!("{}: {error}", path.display()))
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Whether the folder is absent, empty, or one that an earlier run wrote: then it may be replaced.
fn is_ours(target: &Path) -> io::Result<bool> {
    let entries = match fs::read_dir(target) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        entries => entries?,
    };
    for entry in entries {
        if !matches!(entry?.file_name().to_str(), Some("report.json" | "mail")) {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_appears_whole_and_replaces_only_its_like() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        for text in ["first", "second"] {
            let output = Output::begin(&out).unwrap();
            fs::write(output.file("report.json"), text).unwrap();
            output.finish().unwrap();
            drop(output);
            assert_eq!(fs::read_to_string(out.join("report.json")).unwrap(), text);
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        }
        drop(Output::begin(&out).unwrap());
        assert_eq!(fs::read_to_string(out.join("report.json")).unwrap(), "second");
        fs::write(out.join("thesis.tex"), "").unwrap();
        assert_eq!(Output::begin(&out).err().unwrap().code, USAGE);
    }
}
