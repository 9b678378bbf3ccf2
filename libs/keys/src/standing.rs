//! Whether a keeper of root keys still lets its unwrapped keys serve.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use crate::KeyTable;
use crate::table::Inner;

/// `None` while unwrapped keys may serve; else why they may not, in words for operators. A keeper that is gone, which
/// the channel's end tells, lets nothing serve.
pub type Standing = watch::Receiver<Option<String>>;

/// What is said when the keeper's task has ended.
pub(crate) const GONE: &str = "the keeper of the root keys has ended";

/// Forgets a table's keys whenever the keeper withdraws them, and unwraps them again when it may.
pub(crate) fn follow(table: &KeyTable, mut standing: Standing) {
    let table = Arc::downgrade(&table.inner);
    tokio::spawn(async move {
        loop {
            let withdrawn = standing.borrow_and_update().clone();
            match withdrawn {
                Some(why) => withdraw(&table, &why),
                None => restore(&table, &standing).await,
            }
            if standing.changed().await.is_err() {
                return withdraw(&table, GONE);
            }
        }
    });
}

fn withdraw(table: &Weak<Inner>, why: &str) {
    if let Some(inner) = table.upgrade() {
        inner.withdraw(why);
    }
}

/// Until it works, until the keys are withdrawn again, or until the table is gone.
async fn restore(table: &Weak<Inner>, standing: &Standing) {
    const LONGEST: Duration = Duration::from_secs(10);
    let mut pause = Duration::from_millis(500);
    while standing.borrow().is_none() {
        let Some(inner) = table.upgrade().filter(|inner| inner.is_withdrawn()) else { return };
        let Err(error) = KeyTable { inner }.reload().await else { return };
        tracing::warn!(error = %error, "the epoch keys could not be unwrapped again yet");
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST);
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use maily_crypto::DataKey;
    use maily_store::folder;
    use tempfile::TempDir;
    use tokio::time::timeout;

    use super::*;
    use crate::{Error, LocalKeyring, RootKeys, Scope, WrappedKey};

    /// Roots that can be withdrawn.
    struct Withdrawable(LocalKeyring, Standing);

    #[async_trait]
    impl RootKeys for Withdrawable {
        async fn wrap(&self, scope: &Scope, key: &DataKey) -> Result<WrappedKey, Error> {
            self.0.wrap(scope, key).await
        }
        async fn unwrap(&self, scope: &Scope, wrapped: &WrappedKey) -> Result<DataKey, Error> {
            self.0.unwrap(scope, wrapped).await
        }
        async fn rotate(&self, scope: &Scope) -> Result<u32, Error> {
            self.0.rotate(scope).await
        }
        async fn destroy_below(&self, scope: &Scope, version: u32) -> Result<(), Error> {
            self.0.destroy_below(scope, version).await
        }
        async fn mac(&self, scope: &Scope, purpose: &str) -> Result<DataKey, Error> {
            self.0.mac(scope, purpose).await
        }
        fn standing(&self) -> Option<Standing> {
            Some(self.1.clone())
        }
    }

    async fn table() -> (TempDir, KeyTable, watch::Sender<Option<String>>) {
        let dir = tempfile::tempdir().unwrap();
        let (sender, standing) = watch::channel(None);
        let roots = Withdrawable(LocalKeyring::open(dir.path().join("keyring.json")).unwrap(), standing);
        let store = folder(&dir.path().join("table")).unwrap();
        let scope = Scope::new("acme", "eu", "people").unwrap();
        let table = KeyTable::open(store, "keys", Arc::new(roots), scope).await.unwrap();
        (dir, table, sender)
    }

    async fn until(table: &KeyTable, withdrawn: bool) {
        let look = async {
            while table.inner.is_withdrawn() != withdrawn {
                sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(Duration::from_secs(20), look).await.unwrap();
    }

    async fn why(table: &KeyTable) -> String {
        table.get_or_create(&[[1; 32]]).await.unwrap_err().to_string()
    }

    #[tokio::test]
    async fn a_table_follows_and_a_keeper_that_is_gone_lets_nothing_serve() {
        let (_dir, table, sender) = table().await;
        let key = table.get_or_create(&[[1; 32]]).await.unwrap().remove(0);
        sender.send_replace(Some("no".into()));
        until(&table, true).await;
        assert!(why(&table).await.ends_with("not available: no"));
        sender.send_replace(None);
        until(&table, false).await;
        assert_eq!(table.get(&[[1; 32]]).await.unwrap()[0].as_ref().unwrap().expose(), key.expose());
        drop(sender);
        until(&table, true).await;
        assert!(why(&table).await.ends_with(GONE));
    }
}
