//! SlateDB on a store: durable, encrypted, owned by one process at a time.

use std::sync::Arc;

use maily_crypto::DataKey;
use maily_store::StoreFailure;
use maily_store::db::{Tuning, open, write_durable};
use object_store::ObjectStore;
use slatedb::WriteBatch;

type Store = Arc<dyn ObjectStore>;

pub(crate) async fn all(store: &Store) {
    is_fenced_and_loses_nothing(store).await;
    opens_with_its_key_only(store).await;
}

fn row(name: &str, value: &str) -> WriteBatch {
    let mut batch = WriteBatch::new();
    batch.put(name, value);
    batch
}

async fn is_fenced_and_loses_nothing(store: &Store) {
    let tuning = Tuning::sealed(DataKey::generate().unwrap());
    let opened = || open(Arc::clone(store), "database/fenced", tuning.clone());
    let mut owner = opened().await.unwrap();
    for turn in 0..3 {
        let name = format!("row {turn}");
        write_durable(&owner, row(&name, "a value")).await.unwrap();
        // Taken over without a word, as where a pod hangs.
        let next = opened().await.unwrap();
        for turn in 0..=turn {
            assert!(
                next.get(format!("row {turn}")).await.unwrap().is_some(),
                "what was acknowledged is there"
            );
        }
        let late = write_durable(&owner, row("late", "of who lost it")).await.unwrap_err();
        assert_eq!(StoreFailure::of_database(&late), StoreFailure::Closed, "{late}");
        assert!(next.get("late").await.unwrap().is_none());
        owner = next;
    }
    owner.close().await.unwrap();
}

async fn opens_with_its_key_only(store: &Store) {
    let sealed = || Tuning::sealed(DataKey::generate().unwrap());
    let db = open(Arc::clone(store), "database/sealed", sealed()).await.unwrap();
    write_durable(&db, row("a", "b")).await.unwrap();
    db.close().await.unwrap();
    let failed = match open(Arc::clone(store), "database/sealed", sealed()).await {
        Err(error) => error,
        Ok(db) => db.get("a").await.unwrap_err(),
    };
    assert_eq!(StoreFailure::of_database(&failed), StoreFailure::Damaged, "{failed}");
}
