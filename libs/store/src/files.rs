//! A folder as a store that can do what the clouds can.
//!
//! object_store's own backend lacks two things. It can't replace a file only where it still is what it was (`If-Match`), so that
//! SlateDB would collect no manifest: here processes take turns by a lock, look at the file, and replace it. And what a
//! write that was cut off has left (`NAME#1`) stays for good, hidden from its listings: here it goes with the file.

use std::fmt;
use std::fs::{DirBuilder, File, TryLockError};
use std::io;
use std::ops::Range;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path as FsPath, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use maily_chassis::blocking;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result,
    UpdateVersion,
};
use tokio::time::{Instant, sleep};

use crate::StoreError;

/// The lock's file, which object_store hides as it hides what is staged, and never names so itself: it counts from 1.
const LOCK: &str = "lock#0";
/// How long a replacement may wait for those of other processes.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often it looks whether they are done: the system tells nobody.
const AGAIN: Duration = Duration::from_millis(5);
/// Files deleted at once.
const DELETIONS: usize = 10;

/// The folder at `root` as a store that syncs to the disk what it acknowledges; it is made if missing (0700).
///
/// # Errors
/// The folder can't be made or used.
pub fn folder(root: &FsPath) -> Result<Arc<dyn ObjectStore>, StoreError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(root);
    made.map_err(|source| StoreError::file(root, source))?;
    let files = LocalFileSystem::new_with_prefix(root)?.with_fsync(true);
    Ok(Arc::new(Folder { files, lock: root.join(LOCK) }))
}

#[derive(Clone, Debug)]
struct Folder {
    files: LocalFileSystem,
    lock: PathBuf,
}

impl fmt::Display for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.files, f)
    }
}

impl Folder {
    /// Replaces a file that still is `version`.
    async fn update(
        &self,
        location: &Path,
        payload: PutPayload,
        opts: PutOptions,
        version: UpdateVersion,
    ) -> Result<PutResult> {
        // SlateDB leaves them out when it is told so; a file has no place for them.
        if !opts.attributes.is_empty() {
            let operation = "an update with attributes".to_owned();
            return Err(Error::NotImplemented { operation, implementer: self.to_string() });
        }
        let wanted = version
            .e_tag
            .ok_or_else(|| Error::NotSupported { source: "an update of a file names its ETag".into() })?;
        let lock = self.alone().await?;
        let found = match self.files.head(location).await {
            Ok(found) => found.e_tag,
            Err(Error::NotFound { .. }) => None,
            Err(error) => return Err(error),
        };
        if found.as_ref() != Some(&wanted) {
            let source = format!("the file's ETag is {found:?}, and not {wanted:?}").into();
            return Err(Error::Precondition { path: location.to_string(), source });
        }
        let opts = PutOptions { mode: PutMode::Overwrite, ..opts };
        let replaced = self.files.put_opts(location, payload, opts).await;
        drop(lock);
        replaced
    }

    /// Waits until nobody else replaces a file here; nobody does while the answer lives.
    async fn alone(&self) -> Result<File> {
        let mut options = tokio::fs::OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(&self.lock).await.map_err(failed)?.into_std().await;
        let end = Instant::now() + PATIENCE;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) if Instant::now() < end => sleep(AGAIN).await,
                Err(error) => return Err(failed(error.into())),
            }
        }
    }

    /// Deletes a file, and what a cut-off write of it has left.
    async fn remove(&self, location: Path) -> Result<Path> {
        let deleted = self.files.delete(&location).await;
        let path = self.files.path_to_filesystem(&location)?;
        let removed = blocking(move || remove_staged(&path)).await;
        removed.map_err(|error| failed(io::Error::other(error)))?.map_err(failed)?;
        deleted.map(|()| location)
    }
}

/// Removes `NAME#1`, `NAME#2` and so on.
fn remove_staged(path: &FsPath) -> io::Result<()> {
    for number in 1_u32.. {
        let mut staged = path.as_os_str().to_owned();
        staged.push(format!("#{number}"));
        match std::fs::remove_file(staged) {
            // The first may be gone where two were written at once.
            Err(error) if error.kind() == io::ErrorKind::NotFound && number > 1 => break,
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn failed(source: io::Error) -> Error {
    Error::Generic { store: "folder", source: Box::new(source) }
}

#[async_trait]
impl ObjectStore for Folder {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        match opts.mode.clone() {
            PutMode::Update(version) => self.update(location, payload, opts, version).await,
            PutMode::Create | PutMode::Overwrite => self.files.put_opts(location, payload, opts).await,
        }
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.files.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.files.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.files.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let folder = self.clone();
        let deleted = locations.map(move |location| {
            let folder = folder.clone();
            async move { folder.remove(location?).await }
        });
        deleted.buffered(DELETIONS).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.files.list(prefix)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.files.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.files.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.files.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.files.rename_opts(from, to, options).await
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use futures::TryStreamExt;

    use super::*;

    fn named(dir: &FsPath) -> Vec<String> {
        let entries = std::fs::read_dir(dir).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[tokio::test]
    async fn what_a_cut_off_write_left_goes_with_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let store = folder(dir.path()).unwrap();
        store.put(&Path::from("a"), "a".into()).await.unwrap();
        for left in ["a#1", "a#2", "b#2", "other#1"] {
            std::fs::write(dir.path().join(left), "half").unwrap();
        }
        store.delete(&Path::from("a")).await.unwrap();
        // Of what was never finished there is nothing but what is left.
        let missing = store.delete(&Path::from("b")).await;
        assert!(matches!(missing, Err(Error::NotFound { .. })), "{missing:?}");
        assert_eq!(named(dir.path()), ["other#1"]);
    }

    #[tokio::test]
    async fn the_folder_is_ours_and_its_lock_is_no_object() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("below/this");
        let store = folder(&root).unwrap();
        assert_eq!(std::fs::metadata(&root).unwrap().permissions().mode() & 0o777, 0o700);
        let path = Path::from("a");
        let made = store.put(&path, "1".into()).await.unwrap();
        let update = PutOptions::from(PutMode::Update(made.into()));
        store.put_opts(&path, "2".into(), update).await.unwrap();
        assert_eq!(named(&root), ["a", LOCK]);
        let listed: Vec<ObjectMeta> = store.list(None).try_collect().await.unwrap();
        assert_eq!(listed.len(), 1);
    }

    /// Each reads, counts one more, and tries again where somebody was first.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn of_updates_at_once_one_wins() {
        let dir = tempfile::tempdir().unwrap();
        let path = Path::from("count");
        folder(dir.path()).unwrap().put(&path, "0".into()).await.unwrap();
        let counting = (0..4).map(|_| {
            // As many processes have their own.
            let (store, path) = (folder(dir.path()).unwrap(), path.clone());
            tokio::spawn(async move {
                for _ in 0..10 {
                    loop {
                        let found = store.get(&path).await.unwrap();
                        let version = UpdateVersion { e_tag: found.meta.e_tag.clone(), version: None };
                        let count: u32 = String::from_utf8(found.bytes().await.unwrap().to_vec())
                            .unwrap()
                            .parse()
                            .unwrap();
                        let more = (count + 1).to_string();
                        let update = PutOptions::from(PutMode::Update(version));
                        match store.put_opts(&path, more.into(), update).await {
                            Ok(_) => break,
                            Err(Error::Precondition { .. }) => {}
                            Err(error) => panic!("{error}"),
                        }
                    }
                }
            })
        });
        futures::future::try_join_all(counting).await.unwrap();
        let counted = folder(dir.path()).unwrap().get(&path).await.unwrap().bytes().await.unwrap();
        assert_eq!(counted, "40");
    }
}
