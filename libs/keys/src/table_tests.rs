//! Tests of the key table: durability, races, and turns cut off at every step.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Instant;

use async_trait::async_trait;
use maily_crypto::DataKey;
use maily_store::folder;

use crate::{Error, KeyId, KeyTable, LocalKeyring, RootKeys, Scope, WrappedKey};

fn scope() -> Scope {
    Scope::new("acme", "eu", "people").unwrap()
}

fn id(n: u32) -> KeyId {
    let mut id = [0; 32];
    id[..4].copy_from_slice(&n.to_be_bytes());
    id
}

fn ids(range: std::ops::Range<u32>) -> Vec<KeyId> {
    range.map(id).collect()
}

fn bytes(keys: &[DataKey]) -> Vec<[u8; 32]> {
    keys.iter().map(|key| *key.expose()).collect()
}

async fn open(dir: &Path) -> Result<KeyTable, Error> {
    open_with(dir, roots(dir)).await
}

fn roots(dir: &Path) -> Arc<dyn RootKeys> {
    Arc::new(LocalKeyring::open(dir.join("keyring.json")).unwrap())
}

async fn open_with(dir: &Path, roots: Arc<dyn RootKeys>) -> Result<KeyTable, Error> {
    KeyTable::open(folder(&dir.join("table")).unwrap(), "keys", roots, scope()).await
}

/// The table's files as they are now, with the same root keys.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else if let Err(error) = std::fs::copy(entry.path(), target) {
            // A file being staged may be gone by now.
            assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{error}");
        }
    }
}

#[tokio::test]
async fn keys_are_made_once_and_stay() {
    let dir = tempfile::tempdir().unwrap();
    let table = open(dir.path()).await.unwrap();
    let wanted = [ids(0..50), ids(0..10)].concat();
    let made = bytes(&table.get_or_create(&wanted).await.unwrap());
    assert_eq!(made[..10], made[50..], "an id named twice has one key");
    // No close: what was answered is durable.
    drop(table);
    let table = open(dir.path()).await.unwrap();
    assert_eq!(bytes(&table.get_or_create(&wanted).await.unwrap()), made);
    assert!(table.get(&[id(99)]).await.unwrap()[0].is_none());
}

#[tokio::test]
async fn ids_are_listed_in_their_order_and_in_parts() {
    let dir = tempfile::tempdir().unwrap();
    let table = open(dir.path()).await.unwrap();
    table.get_or_create(&ids(0..10)).await.unwrap();
    table.destroy(&[id(3)]).await.unwrap();
    let first = table.ids(None, 4).await.unwrap();
    assert_eq!(first, [id(0), id(1), id(2), id(4)]);
    assert_eq!(table.ids(first.last(), 100).await.unwrap(), ids(5..10));
    assert!(table.ids(Some(&id(9)), 4).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn racing_callers_get_the_same_keys() {
    let dir = tempfile::tempdir().unwrap();
    let table = open(dir.path()).await.unwrap();
    let callers = (0..8).map(|_| {
        let table = table.clone();
        tokio::spawn(async move { bytes(&table.get_or_create(&ids(0..500)).await.unwrap()) })
    });
    let answers = futures::future::try_join_all(callers).await.unwrap();
    assert!(answers.iter().all(|answer| *answer == answers[0]));
}

#[tokio::test]
async fn a_destroyed_key_is_gone_and_comes_back_different() {
    let dir = tempfile::tempdir().unwrap();
    let table = open(dir.path()).await.unwrap();
    let before = bytes(&table.get_or_create(&ids(0..2)).await.unwrap());
    table.destroy(&[id(0)]).await.unwrap();
    let left = table.get(&ids(0..2)).await.unwrap();
    assert!(left[0].is_none());
    assert_eq!(left[1].as_ref().unwrap().expose(), &before[1]);
    assert_ne!(bytes(&table.get_or_create(&[id(0)]).await.unwrap())[0], before[0]);
}

#[tokio::test]
async fn after_a_turn_no_old_copy_can_be_opened() {
    let dir = tempfile::tempdir().unwrap();
    let old = tempfile::tempdir().unwrap();
    let table = open(dir.path()).await.unwrap();
    let keys = bytes(&table.get_or_create(&ids(0..5000)).await.unwrap());
    let object = DataKey::generate().unwrap();
    let wrapped = table.wrap(&object, b"bucket/object").unwrap();
    copy(&dir.path().join("table"), &old.path().join("table"));
    table.destroy(&[id(7)]).await.unwrap();

    table.begin_turn().await.unwrap();
    let rewrapped = table.rewrap(&wrapped, b"bucket/object").unwrap().unwrap();
    assert!(table.rewrap(&rewrapped, b"bucket/object").unwrap().is_none());
    assert_eq!(table.finish_turn().await.unwrap(), 4999);

    let copied = open_with(old.path(), roots(dir.path())).await.unwrap_err();
    assert!(matches!(copied, Error::RootVersionGone { .. }), "{copied}");
    assert!(matches!(table.unwrap(&wrapped, b"bucket/object"), Err(Error::EpochEnded(1))));
    assert_eq!(table.unwrap(&rewrapped, b"bucket/object").unwrap().expose(), object.expose());
    assert!(table.unwrap(&rewrapped, b"bucket/other").is_err());
    drop(table);
    let table = open(dir.path()).await.unwrap();
    assert!(table.get(&[id(7)]).await.unwrap()[0].is_none());
    assert_eq!(table.get(&[id(8)]).await.unwrap()[0].as_ref().unwrap().expose(), &keys[8]);
}

#[tokio::test]
async fn other_root_keys_do_not_open_the_table() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).await.unwrap().get_or_create(&ids(0..3)).await.unwrap();
    std::fs::remove_file(dir.path().join("keyring.json")).unwrap();
    assert!(open(dir.path()).await.is_err());
}

/// Root keys that die before or after one of their calls.
struct Dying {
    roots: Arc<dyn RootKeys>,
    calls_left: AtomicU8,
    /// Whether the last call still takes effect.
    takes_effect: bool,
}

impl Dying {
    fn dead(&self) -> bool {
        self.calls_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_err()
    }

    async fn call<T>(&self, call: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        if !self.dead() {
            return call.await;
        }
        if self.takes_effect {
            call.await?;
        }
        Err(Error::RootsUnavailable("dead".into()))
    }
}

#[async_trait]
impl RootKeys for Dying {
    async fn wrap(&self, scope: &Scope, key: &DataKey) -> Result<WrappedKey, Error> {
        self.call(self.roots.wrap(scope, key)).await
    }
    async fn unwrap(&self, scope: &Scope, wrapped: &WrappedKey) -> Result<DataKey, Error> {
        self.roots.unwrap(scope, wrapped).await
    }
    async fn rotate(&self, scope: &Scope) -> Result<u32, Error> {
        self.call(self.roots.rotate(scope)).await
    }
    async fn destroy_below(&self, scope: &Scope, version: u32) -> Result<(), Error> {
        self.call(self.roots.destroy_below(scope, version)).await
    }
    async fn mac(&self, scope: &Scope, purpose: &str) -> Result<DataKey, Error> {
        self.roots.mac(scope, purpose).await
    }
}

async fn check_whole(dir: &Path, keys: &[[u8; 32]]) {
    let table = open(dir).await.unwrap();
    let wanted = ids(0..keys.len() as u32);
    assert_eq!(bytes(&table.get_or_create(&wanted).await.unwrap()), keys);
    table.turn_epoch().await.unwrap();
    drop(table);
    let table = open(dir).await.unwrap();
    assert_eq!(bytes(&table.get_or_create(&wanted).await.unwrap()), keys, "after the turn was finished");
    assert!(table.inner.epochs().old().is_empty());
    assert!(table.inner.db.get(crate::table::TRIM).await.unwrap().is_none());
}

#[tokio::test]
async fn a_turn_may_end_at_any_call_to_the_root() {
    for calls_left in 0..3 {
        for takes_effect in [false, true] {
            let dir = tempfile::tempdir().unwrap();
            let keys = bytes(&open(dir.path()).await.unwrap().get_or_create(&ids(0..100)).await.unwrap());
            let dying = Dying { roots: roots(dir.path()), calls_left: calls_left.into(), takes_effect };
            let table = open_with(dir.path(), Arc::new(dying)).await.unwrap();
            table.turn_epoch().await.unwrap_err();
            drop(table);
            check_whole(dir.path(), &keys).await;
        }
    }
}

#[tokio::test]
async fn a_turn_may_end_between_batches() {
    let dir = tempfile::tempdir().unwrap();
    let table = open(dir.path()).await.unwrap();
    let keys = bytes(&table.get_or_create(&ids(0..5000)).await.unwrap());
    table.begin_turn().await.unwrap();
    assert_eq!(table.rewrap_rows(1).await.unwrap(), 2048);
    drop(table);
    check_whole(dir.path(), &keys).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_made_and_destroyed_while_the_epoch_turns() {
    let dir = tempfile::tempdir().unwrap();
    let table = open(dir.path()).await.unwrap();
    let keys = bytes(&table.get_or_create(&ids(0..6000)).await.unwrap());
    let turning = tokio::spawn({
        let table = table.clone();
        async move { table.turn_epoch().await.unwrap() }
    });
    let mut made = Vec::new();
    for n in 0..40 {
        made.extend(bytes(&table.get_or_create(&[id(10_000 + n)]).await.unwrap()));
        table.destroy(&[id(n)]).await.unwrap();
        assert_eq!(bytes(&table.get_or_create(&[id(100 + n)]).await.unwrap())[0], keys[100 + n as usize]);
    }
    turning.await.unwrap();
    drop(table);
    let table = open(dir.path()).await.unwrap();
    assert!(table.get(&ids(0..40)).await.unwrap().iter().all(Option::is_none));
    assert_eq!(bytes(&table.get_or_create(&ids(10_000..10_040)).await.unwrap()), made);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_keys_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let table = open(dir.path()).await.unwrap();
    let start = Instant::now();
    for batch in 0..100 {
        table.get_or_create(&ids(batch * 1000..(batch + 1) * 1000)).await.unwrap();
    }
    let made = start.elapsed();
    drop(table);
    let start = Instant::now();
    let table = open(dir.path()).await.unwrap();
    let opened = start.elapsed();
    let start = Instant::now();
    assert!(table.get(&ids(0..100_000)).await.unwrap().iter().all(Option::is_some));
    println!("100,000 keys: made in {made:?}, opened in {opened:?}, read in {:?}", start.elapsed());
}
