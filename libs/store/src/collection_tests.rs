//! What a database's collector leaves in a folder.

use std::path::Path;
use std::time::Duration;

use slatedb::WriteBatch;
use slatedb::config::{FlushOptions, FlushType};
use tokio::time::{Instant, interval};

use crate::db::{Collection, Tuning, open, write_durable};
use crate::folder;

const ROUNDS: u32 = 12;
const FLUSHES: u32 = 8;
/// Of the log, manifests, compactions; the newest of each is in use, and of the log what was not yet written out.
const FEW: usize = 8;
/// Of files of rows: what is not merged yet, and what was merged.
const SOME: usize = 40;

/// As a day passes in a second.
fn tuning() -> Tuning {
    let (often, at_once) = (Duration::from_millis(20), Duration::ZERO);
    let collection = Collection {
        log_every: often,
        every: often,
        log_age: at_once,
        age: at_once,
        fence_age: at_once,
        reads: Duration::from_millis(100),
    };
    Tuning { compaction: Duration::from_millis(10), collection, ..Tuning::default() }
}

fn files(database: &Path, folder: &str) -> usize {
    std::fs::read_dir(database.join(folder)).map_or(0, Iterator::count)
}

async fn fill(dir: &Path, round: u32, tuning: Tuning) {
    let db = open(folder(dir).unwrap(), "db", tuning).await.unwrap();
    for flush in 0..FLUSHES {
        let mut batch = WriteBatch::new();
        for row in 0..20_u32 {
            batch.put(row.to_be_bytes(), [u8::try_from(round * FLUSHES + flush).unwrap(); 300]);
        }
        write_durable(&db, batch).await.unwrap();
        db.flush_with_options(FlushOptions { flush_type: FlushType::MemTable }).await.unwrap();
    }
    db.close().await.unwrap();
}

/// A folder's database could not be collected before: SlateDB marks in the store, by `If-Match`, what nobody writes any more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_stay_few_whatever_was_flushed_and_reopened() {
    let dir = tempfile::tempdir().unwrap();
    for round in 0..ROUNDS {
        fill(dir.path(), round, tuning()).await;
    }
    let database = dir.path().join("db");
    let db = open(folder(dir.path()).unwrap(), "db", tuning()).await.unwrap();
    let count = || {
        let [wal, manifests, compactions, rows] =
            ["wal", "manifest", "compactions", "compacted"].map(|folder| files(&database, folder));
        (wal <= FEW && manifests <= FEW && compactions <= FEW && rows <= SOME).then_some(()).ok_or(format!(
            "{wal} of the log, {manifests} manifests, {compactions} compactions, {rows} of rows"
        ))
    };
    // The collector tells nobody when it is done; nothing is written meanwhile.
    let (end, mut tick) = (Instant::now() + Duration::from_secs(60), interval(Duration::from_millis(20)));
    while let Err(left) = count() {
        assert!(Instant::now() < end, "still there: {left}");
        tick.tick().await;
    }
    assert!(database.join("gc/manifest.boundary").exists(), "manifests are collected behind a mark");
    for row in 0..20_u32 {
        assert!(db.get(row.to_be_bytes()).await.unwrap().is_some(), "{row}");
    }
    db.close().await.unwrap();
}

/// What makes the one above worth something: without collecting there are more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_collector_they_are_many() {
    let dir = tempfile::tempdir().unwrap();
    for round in 0..ROUNDS {
        fill(dir.path(), round, Tuning::default()).await;
    }
    let database = dir.path().join("db");
    for (folder, most) in [("wal", FEW), ("manifest", FEW), ("compacted", SOME)] {
        let count = files(&database, folder);
        assert!(count > 2 * most, "{folder}: {count}");
    }
}
