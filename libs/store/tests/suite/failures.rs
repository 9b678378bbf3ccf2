//! What the real stores say when they refuse us, have no such bucket, or are away.

use std::time::{Duration, Instant};

use maily_store::StoreFailure;
use maily_testkit::{ObjectServer, write_private};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};

use crate::store;

/// What reading, writing and listing come to.
async fn failures(settings: &str) -> [StoreFailure; 3] {
    let (store, path) = (store(settings), Path::from("a"));
    let got = store.get(&path).await.map(drop);
    let put = store.put(&path, PutPayload::from_static(b"x")).await.map(drop);
    let listed = store.list_with_delimiter(None).await.map(drop);
    [got, put, listed].map(|result| StoreFailure::of_objects(&result.unwrap_err()))
}

async fn says_who_can_mend_it(mut server: ObjectServer, other_keys: &str) {
    let (good, other) = (server.settings("eu"), server.settings_of("another-bucket", "eu"));
    store(&good).put(&Path::from("a"), "kept".into()).await.unwrap();
    assert_eq!(failures(&other).await, [StoreFailure::Refused; 3], "there is no such bucket");

    let keys = std::fs::read(server.credentials()).unwrap();
    write_private(&server.credentials(), other_keys.as_bytes()).unwrap();
    assert_eq!(failures(&good).await, [StoreFailure::Refused; 3], "the keys are others");
    write_private(&server.credentials(), &keys).unwrap();

    let open = store(&good);
    server.kill();
    let begun = Instant::now();
    assert_eq!(failures(&good).await, [StoreFailure::Away; 3], "it was killed");
    assert!(begun.elapsed() < Duration::from_secs(120), "each fails by its deadline");
    server.restart().unwrap();
    let found = open.get(&Path::from("a")).await.unwrap().bytes().await.unwrap();
    assert_eq!(found, "kept", "it comes back by itself");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s3_says_who_can_mend_it() {
    let dir = tempfile::tempdir().unwrap();
    let other = "access_key_id = 'maily'\nsecret_access_key = 'another secret, which is wrong'\n";
    says_who_can_mend_it(ObjectServer::s3(dir.path()).unwrap(), other).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn azure_says_who_can_mend_it() {
    let dir = tempfile::tempdir().unwrap();
    says_who_can_mend_it(ObjectServer::azure(dir.path()).unwrap(), "account_key = 'YW5vdGhlciBrZXk='\n")
        .await;
}
