//! Files that are read anew while the service runs.
//!
//! They are looked at, not watched: a folder of Kubernetes changes by a symbolic link, and a network's file system tells
//! nobody.

use std::{
    fmt::Display,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio_util::sync::CancellationToken;

/// How often files are looked at; what is taken out of one counts no longer by then.
const EVERY: Duration = Duration::from_secs(3);

/// What changes with a file, also by a rename, and by another target of a link on the way to it.
type Stamp = [i64; 6];

fn stamp(path: &Path) -> Option<Stamp> {
    let meta = std::fs::metadata(path).ok()?;
    Some([
        meta.ino().cast_signed(),
        meta.size().cast_signed(),
        meta.mtime(),
        meta.mtime_nsec(),
        meta.ctime(),
        meta.ctime_nsec(),
    ])
}

/// Files, and what is done again when one of them has changed.
pub struct Follow {
    paths: Vec<PathBuf>,
    again: Box<dyn FnMut() -> Result<(), String> + Send>,
    seen: Option<Vec<Option<Stamp>>>,
    fault: Option<String>,
}

impl Follow {
    /// `again` reads the files and puts what is in them to use, or answers in one sentence, without a secret, why it
    /// can't; then what was read before stays in use.
    #[must_use]
    pub fn new<E: Display>(
        paths: Vec<PathBuf>,
        mut again: impl FnMut() -> Result<(), E> + Send + 'static,
    ) -> Self {
        let again = Box::new(move || again().map_err(|error| error.to_string()));
        Self { paths, again, seen: None, fault: None }
    }

    /// Looks at the files every few seconds, until `stop`.
    pub async fn keep(mut self, stop: CancellationToken) {
        let mut every = tokio::time::interval(EVERY);
        while stop.run_until_cancelled(every.tick()).await.is_some() {
            self.look();
        }
    }

    /// Reads anew if anything has changed. What failed is tried again each time, and told once.
    fn look(&mut self) {
        // Before reading: what changes meanwhile is found the next time.
        let now: Vec<_> = self.paths.iter().map(|path| stamp(path)).collect();
        if self.fault.is_none() && self.seen.as_ref() == Some(&now) {
            return;
        }
        // The first time it is what the service has just started with.
        let first = self.seen.replace(now).is_none();
        match (self.again)() {
            Ok(()) if first && self.fault.is_none() => {}
            Ok(()) => {
                self.fault = None;
                let file = self.paths.first().map(|path| path.display().to_string());
                tracing::info!(file, "read anew");
            }
            Err(fault) if self.fault.as_ref() == Some(&fault) => {}
            Err(fault) => {
                tracing::error!(fault, "a file can't be read anew; what was read before stays in use");
                self.fault = Some(fault);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    type Read = Arc<Mutex<Vec<String>>>;

    /// Follows a file of a word; `bad` is none.
    fn follow(path: &Path) -> (Follow, Read) {
        let read = Read::default();
        let (taken, file) = (Arc::clone(&read), path.to_owned());
        let again = move || match std::fs::read_to_string(&file) {
            Ok(text) if text != "bad" => {
                taken.lock().unwrap().push(text);
                Ok(())
            }
            Ok(_) => Err("bad".to_owned()),
            Err(error) => Err(error.to_string()),
        };
        (Follow::new(vec![path.to_owned()], again), read)
    }

    #[test]
    fn what_has_changed_is_read_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys");
        std::fs::write(&path, "one").unwrap();
        let (mut follow, read) = follow(&path);
        for _ in 0..3 {
            follow.look();
        }
        assert_eq!(*read.lock().unwrap(), ["one"]);
        std::fs::write(&path, "three").unwrap();
        follow.look();
        follow.look();
        assert_eq!(*read.lock().unwrap(), ["one", "three"]);
    }

    #[test]
    fn a_bad_file_changes_nothing_and_a_good_one_mends_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys");
        std::fs::write(&path, "one").unwrap();
        let (mut follow, read) = follow(&path);
        follow.look();
        std::fs::write(&path, "bad").unwrap();
        follow.look();
        assert_eq!(follow.fault.as_deref(), Some("bad"));
        std::fs::remove_file(&path).unwrap();
        follow.look();
        assert!(follow.fault.as_ref().is_some_and(|fault| fault != "bad"));
        assert_eq!(*read.lock().unwrap(), ["one"]);
        std::fs::write(&path, "two").unwrap();
        follow.look();
        assert_eq!(follow.fault, None);
        assert_eq!(*read.lock().unwrap(), ["one", "two"]);
    }

    #[test]
    fn a_link_that_is_turned_is_a_change_as_kubernetes_does_it() {
        use std::os::unix::fs::symlink;
        let dir = tempfile::tempdir().unwrap();
        for (folder, word) in [("1", "one"), ("2", "two")] {
            std::fs::create_dir(dir.path().join(folder)).unwrap();
            std::fs::write(dir.path().join(folder).join("keys"), word).unwrap();
        }
        symlink("1", dir.path().join("..data")).unwrap();
        symlink("..data/keys", dir.path().join("keys")).unwrap();
        let (mut follow, read) = follow(&dir.path().join("keys"));
        follow.look();
        symlink("2", dir.path().join("..new")).unwrap();
        std::fs::rename(dir.path().join("..new"), dir.path().join("..data")).unwrap();
        follow.look();
        assert_eq!(*read.lock().unwrap(), ["one", "two"]);
    }
}
