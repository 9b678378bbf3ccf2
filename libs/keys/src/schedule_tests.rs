//! What the scheduler does when a rotation fails, when its time comes, and what it makes of a date it can't read. That it
//! rotates by date is asked of every kind of epoch there is (`maily_contracts::epoch`).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use maily_store::db::{self, Tuning};
use maily_store::folder;
use slatedb::Db;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{Clock, Error, KeyTable, LocalKeyring, Looked, RotationSchedule, Scope};

const START: &str = "2026-03-01T12:00:00Z";
const ROW: &[u8] = b"began";

/// A table with nothing wrapped elsewhere, whose rotations fail while they are told to.
struct Epoch {
    _dir: tempfile::TempDir,
    keys: KeyTable,
    db: Db,
    fails: AtomicBool,
    finished: Notify,
}

impl crate::EpochRotation for Epoch {
    type Error = Error;

    fn keys(&self) -> &KeyTable {
        &self.keys
    }

    fn began(&self) -> (&Db, &'static [u8]) {
        (&self.db, ROW)
    }

    async fn finish(&self) -> Result<u64, Error> {
        if self.fails.load(Ordering::SeqCst) {
            return Err(Error::RootsUnavailable("told to".into()));
        }
        let count = self.keys.finish_turn().await?;
        self.finished.notify_one();
        Ok(count)
    }
}

impl Epoch {
    async fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = folder(dir.path()).unwrap();
        let roots = Arc::new(LocalKeyring::open(dir.path().join("keyring.json")).unwrap());
        let scope = Scope::new("acme", "eu", "people").unwrap();
        let keys = KeyTable::open(Arc::clone(&store), "keys", roots, scope).await.unwrap();
        keys.get_or_create(&[[7; 32]]).await.unwrap();
        let db = db::open(store, "records", Tuning::default()).await.unwrap();
        Self { _dir: dir, keys, db, fails: AtomicBool::new(false), finished: Notify::new() }
    }

    async fn dated(self, date: Timestamp) -> Self {
        self.db.put(ROW, date.as_millisecond().to_be_bytes()).await.unwrap();
        self
    }
}

fn start() -> Timestamp {
    START.parse().unwrap()
}

fn at(now: Timestamp) -> Clock {
    Arc::new(move || now)
}

fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

/// A clock that goes on from `from` by itself.
fn running(from: Timestamp) -> Clock {
    let began = Instant::now();
    Arc::new(move || from + began.elapsed())
}

#[tokio::test]
async fn what_failed_is_tried_again_and_stays_as_old_as_its_beginning() {
    let epoch = Epoch::open().await.dated(start()).await;
    epoch.fails.store(true, Ordering::SeqCst);
    let due = start() + hours(24);
    let schedule = |now| RotationSchedule::new(24, at(now));
    for _ in 0..2 {
        schedule(due).look(&epoch).await.unwrap_err();
        assert!(epoch.keys.is_turning());
    }
    epoch.fails.store(false, Ordering::SeqCst);
    // An hour later it ends; the next is due a day after it began.
    let ended = schedule(due + hours(1)).look(&epoch).await.unwrap();
    assert_eq!(ended.rotated, Some(1));
    assert!(!epoch.keys.is_turning());
    let before = schedule(due + hours(24) - SignedDuration::from_millis(1)).look(&epoch).await.unwrap();
    assert_eq!(before, Looked { rotated: None, wait: SignedDuration::from_millis(1) });
    assert_eq!(schedule(due + hours(24)).look(&epoch).await.unwrap().rotated, Some(1));
}

/// Killed between the two writes of its beginning, a rotation has the date of the one before: one too many is the safe side.
#[tokio::test]
async fn a_rotation_that_was_begun_and_not_dated_is_followed_by_another() {
    let epoch = Epoch::open().await.dated(start()).await;
    epoch.keys.begin_turn().await.unwrap();
    let schedule = RotationSchedule::new(24, at(start() + hours(24)));
    for rotated in [Some(1), Some(1), None] {
        assert_eq!(schedule.look(&epoch).await.unwrap().rotated, rotated);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_epoch_is_rotated_when_its_time_comes_and_not_at_some_later_look() {
    let epoch = Arc::new(Epoch::open().await.dated(start()).await);
    // Long enough for the first look to find it young, and far less than the wait between two looks.
    let left = Duration::from_millis(300);
    let schedule = RotationSchedule::new(24, running(start() + hours(24) - left));
    let shutdown = CancellationToken::new();
    let keeping = tokio::spawn({
        let (epoch, shutdown) = (Arc::clone(&epoch), shutdown.clone());
        async move { schedule.keep(epoch.as_ref(), shutdown).await }
    });
    tokio::time::timeout(Duration::from_secs(60), epoch.finished.notified()).await.unwrap();
    shutdown.cancel();
    keeping.await.unwrap();
}

#[tokio::test]
async fn nothing_turns_in_circles() {
    let epoch = Epoch::open().await.dated(start()).await;
    let schedule = RotationSchedule::new(0, at(start()));
    let looked = schedule.look(&epoch).await.unwrap();
    assert_eq!(looked, Looked { rotated: Some(1), wait: RotationSchedule::LOOK });
    // Nor does a date behind the end of time overflow.
    let schedule = RotationSchedule::new(u32::MAX, at(start()));
    assert_eq!(schedule.look(&epoch).await.unwrap().rotated, None);
}

#[tokio::test]
async fn a_date_that_cant_be_read_rotates_nothing() {
    let epoch = Epoch::open().await;
    epoch.db.put(ROW, b"yesterday").await.unwrap();
    let schedule = RotationSchedule::new(24, at(start()));
    assert_eq!(schedule.look(&epoch).await.unwrap_err().to_string(), "the epoch's date is damaged");
    assert!(schedule.done_by(&epoch).await.is_err());
}
