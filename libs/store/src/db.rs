//! SlateDB for everybody: one set of settings, one block cache for the process, encrypted blocks.
//!
//! Blocks hold the rows. A file's first and last row *names* also stand in its footer and in the manifest, which
//! SlateDB does not encrypt: a row's name must never be personal data (use a keyed hash); values may be.
//!
//! Memory of an open database: at most [`Tuning::unflushed_bytes`] of writes, a bounded compaction, and its share of
//! the process's 24 MiB block cache. A database spawns tasks on the caller's tokio runtime and no threads.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use maily_crypto::DataKey;
use object_store::ObjectStore;
use object_store::path::Path;
use slatedb::config::{
    CompactionWorkerOptions, CompactorOptions, GarbageCollectorDirectoryOptions, GarbageCollectorOptions,
};
use slatedb::db_cache::DbCache;
use slatedb::db_cache::foyer::{FoyerCache, FoyerCacheOptions};
use slatedb::{CloseReason, Db, Settings, WriteBatch};

use crate::blocks::SealedBlocks;

/// What one database may use.
#[derive(Clone, Debug)]
pub struct Tuning {
    /// How long writes gather before they are made durable together.
    pub flush: Duration,
    /// Size at which the in-memory table is written out as a file.
    pub memtable_bytes: usize,
    /// Writers wait while more than this is in memory and not yet in such a file; above `memtable_bytes`.
    pub unflushed_bytes: usize,
    /// How often is looked whether files are to be merged.
    pub compaction: Duration,
    /// When files go that nothing needs any more.
    pub collection: Collection,
    /// Encrypts every block of every file (AES-256-GCM); the same key must open the database again.
    pub encryption: Option<DataKey>,
}

/// When the files of a database are deleted that nothing needs any more.
///
/// What protects a database from a process that was stopped for long, lost it to another, and goes on to write: manifests by a
/// mark in the store, below which none is written any more (SlateDB's boundary file, replaced by `If-Match`); the log by the
/// empty file that its successor put where it would write next. So only those empty files need an age that no such process
/// reaches.
#[derive(Clone, Copy, Debug)]
pub struct Collection {
    /// How often the log is looked through: each flush makes a file of it.
    pub log_every: Duration,
    /// How often all else is.
    pub every: Duration,
    /// How old a file of the log is at least.
    pub log_age: Duration,
    /// How old all else is at least.
    pub age: Duration,
    /// How old the empty files are at least that shut out an earlier process: one comes with each opening.
    pub fence_age: Duration,
    /// How long files that were merged stay for reads that began before.
    pub reads: Duration,
}

impl Default for Collection {
    fn default() -> Self {
        let minutes = |minutes| Duration::from_secs(60 * minutes);
        Self {
            log_every: minutes(1),
            every: minutes(5),
            log_age: minutes(1),
            age: minutes(5),
            fence_age: minutes(7 * 24 * 60),
            reads: minutes(15),
        }
    }
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            flush: Duration::from_millis(5),
            memtable_bytes: 4 << 20,
            unflushed_bytes: 16 << 20,
            compaction: Duration::from_secs(2),
            collection: Collection::default(),
            encryption: None,
        }
    }
}

impl Tuning {
    /// The default, encrypted under `key`.
    #[must_use]
    pub fn sealed(key: DataKey) -> Self {
        Self { encryption: Some(key), ..Self::default() }
    }
}

/// Opens the database at `path` of `store`, fencing off any other writer of it.
///
/// # Errors
/// The database's; a wrong `encryption` key shows as corrupt data.
pub async fn open(
    store: Arc<dyn ObjectStore>,
    path: impl Into<Path>,
    tuning: Tuning,
) -> Result<Db, slatedb::Error> {
    let mut builder = Db::builder(path.into(), store)
        .with_settings(settings(&tuning))
        .with_db_cache(shared_cache(), next_cache_id());
    if let Some(key) = &tuning.encryption {
        let blocks = SealedBlocks::new(key).map_err(|error| slatedb::Error::internal(error.to_string()))?;
        builder = builder.with_block_transformer(Arc::new(blocks));
    }
    builder.build().await
}

/// Writes `batch` as one and answers when it is durable. An empty batch is no error.
///
/// # Errors
/// The database's; whether the batch was written is then unknown.
pub async fn write_durable(db: &Db, batch: WriteBatch) -> Result<(), slatedb::Error> {
    if batch.is_empty() {
        return Ok(());
    }
    db.write(batch).await?.await_durable().await
}

/// Waits until a database is closed, by us or under us, and answers why.
pub async fn closed(db: Db) -> CloseReason {
    let mut status = db.subscribe();
    loop {
        if let Some(reason) = status.borrow_and_update().close_reason {
            return reason;
        }
        if status.changed().await.is_err() {
            return CloseReason::Clean;
        }
    }
}

fn settings(tuning: &Tuning) -> Settings {
    Settings {
        flush_interval: Some(tuning.flush),
        l0_sst_size_bytes: tuning.memtable_bytes,
        max_unflushed_bytes: tuning.unflushed_bytes,
        l0_max_ssts: 64,
        l0_max_ssts_per_key: 64,
        l0_flush_parallelism: 1,
        min_filter_keys: 100,
        compactor_options: Some(CompactorOptions {
            poll_interval: tuning.compaction,
            max_concurrent_compactions: 1,
            checkpoint_lifetime: tuning.collection.reads,
            worker: Some(CompactionWorkerOptions {
                max_concurrent_compactions: 1,
                compactions_poll_interval: tuning.compaction,
                max_sst_size: 32 << 20,
                max_fetch_tasks: 1,
                bytes_to_fetch: 512 << 10,
                max_subcompactions: 1,
                min_filter_keys: 100,
                ..CompactionWorkerOptions::default()
            }),
            ..CompactorOptions::default()
        }),
        garbage_collector_options: Some(collector(&tuning.collection)),
        ..Settings::default()
    }
}

fn collector(collection: &Collection) -> GarbageCollectorOptions {
    let each = |every, min_age| {
        Some(GarbageCollectorDirectoryOptions { interval: Some(every), min_age, dry_run: false })
    };
    let Collection { log_every, every, log_age, age, fence_age, reads: _ } = *collection;
    GarbageCollectorOptions {
        wal_options: each(log_every, log_age),
        wal_fence_options: each(every, fence_age),
        manifest_options: each(every, age),
        compacted_options: each(every, age),
        compactions_options: each(every, age),
        // No database of ours is a clone of another.
        detach_options: None,
        ..GarbageCollectorOptions::default()
    }
}

fn shared_cache() -> Arc<dyn DbCache> {
    static CACHE: OnceLock<Arc<dyn DbCache>> = OnceLock::new();
    let make = || {
        let options = FoyerCacheOptions { max_capacity: 24 << 20, shards: 4 };
        Arc::new(FoyerCache::new_with_opts(options)) as Arc<dyn DbCache>
    };
    Arc::clone(CACHE.get_or_init(make))
}

/// Keeps the databases of the process apart in the shared cache.
fn next_cache_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::folder;

    fn batch(n: u32) -> WriteBatch {
        let mut batch = WriteBatch::new();
        batch.put(n.to_be_bytes(), [7; 300]);
        batch
    }

    #[tokio::test]
    async fn blocks_on_the_disk_are_encrypted() {
        let dir = tempfile::tempdir().unwrap();
        let key = DataKey::generate().unwrap();
        let open_with = |key: &DataKey| open(folder(dir.path()).unwrap(), "db", Tuning::sealed(key.clone()));
        let db = open_with(&key).await.unwrap();
        let mut secret = WriteBatch::new();
        for name in [b"row 1", b"row 2", b"row 3"] {
            secret.put(name, b"a telling value");
        }
        write_durable(&db, secret).await.unwrap();
        db.close().await.unwrap();
        let mut files = vec![dir.path().to_owned()];
        while let Some(path) = files.pop() {
            if path.is_dir() {
                files.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            } else {
                let bytes = std::fs::read(&path).unwrap();
                assert!(!bytes.windows(9).any(|window| window == b"a telling"), "{}", path.display());
            }
        }
        assert_eq!(
            &open_with(&key).await.unwrap().get(b"row 2").await.unwrap().unwrap()[..],
            b"a telling value"
        );
        let other = open_with(&DataKey::generate().unwrap()).await;
        assert!(other.is_err() || other.unwrap().get(b"row 2").await.is_err());
    }

    #[tokio::test]
    async fn an_empty_batch_is_no_error() {
        let dir = tempfile::tempdir().unwrap();
        let db = open(folder(dir.path()).unwrap(), "db", Tuning::default()).await.unwrap();
        write_durable(&db, WriteBatch::new()).await.unwrap();
    }

    /// A service of five regions opens ten databases: cold, and after a kill that left a thousand flushes to replay.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn ten_databases_open_together() {
        let dir = tempfile::tempdir().unwrap();
        let key = DataKey::generate().unwrap();
        for round in ["new", "killed"] {
            let start = Instant::now();
            let opening = (0..10).map(|n| {
                let store = folder(&dir.path().join(n.to_string())).unwrap();
                open(store, "db", Tuning::sealed(key.clone()))
            });
            let dbs = futures::future::try_join_all(opening).await.unwrap();
            println!("ten databases, {round}: opened in {:?}", start.elapsed());
            for db in dbs.iter().filter(|_| round == "killed") {
                assert!(db.get(99_u32.to_be_bytes()).await.unwrap().is_some());
            }
            let writing = dbs.iter().map(async |db| {
                for n in 0..100 {
                    write_durable(db, batch(n)).await.unwrap();
                }
            });
            futures::future::join_all(writing).await;
        }
    }
}
