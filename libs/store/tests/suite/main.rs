//! What Maily relies on of an object store, asked of each that there is: a folder, S3 (versitygw), Azure Blob Storage (Azurite);
//! and what the real ones say when they refuse us, or are away.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod checks;
mod database;
mod failures;

use std::sync::Arc;

use maily_store::{StoreSettings, folder, open};
use maily_testkit::ObjectServer;
use object_store::ObjectStore;
use object_store::memory::InMemory;

/// A store by the table of its settings.
fn store(settings: &str) -> Arc<dyn ObjectStore> {
    let settings: StoreSettings = toml::from_str(settings).unwrap();
    open(&settings).unwrap()
}

/// All of it.
async fn keeps(store: Arc<dyn ObjectStore>) {
    checks::all(&store).await;
    database::all(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder() {
    let dir = tempfile::tempdir().unwrap();
    keeps(folder(dir.path()).unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_by_its_url() {
    let dir = tempfile::tempdir().unwrap();
    keeps(store(&format!("url = 'file://{}/below'", dir.path().display()))).await;
    assert!(dir.path().join("below").is_dir());
}

/// What unit tests take for a store.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory() {
    keeps(Arc::new(InMemory::new())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s3() {
    let dir = tempfile::tempdir().unwrap();
    let server = ObjectServer::s3(dir.path()).unwrap();
    keeps(store(&server.settings("eu/storage"))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn azure() {
    let dir = tempfile::tempdir().unwrap();
    let server = ObjectServer::azure(dir.path()).unwrap();
    keeps(store(&server.settings("eu/storage"))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prefixes_of_a_bucket_are_stores_of_their_own() {
    let dir = tempfile::tempdir().unwrap();
    let server = ObjectServer::s3(dir.path()).unwrap();
    checks::apart(&store(&server.settings("eu")), &store(&server.settings("eu-2"))).await;
}
