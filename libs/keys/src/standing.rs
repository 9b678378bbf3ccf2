//! Whether a keeper of root keys still lets its unwrapped keys serve.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::watch;

use crate::KeyTable;

/// `None` while unwrapped keys may serve; else why they may not, in words for operators.
pub type Standing = watch::Receiver<Option<String>>;

/// Forgets a table's keys whenever the keeper withdraws them, and unwraps them again when it may.
pub(crate) fn follow(table: &KeyTable, mut standing: Standing) {
    let table = Arc::downgrade(&table.inner);
    tokio::spawn(async move {
        loop {
            let withdrawn = standing.borrow_and_update().clone();
            {
                let Some(inner) = Weak::upgrade(&table) else { return };
                match withdrawn {
                    Some(why) => inner.withdraw(&why),
                    None => restore(&KeyTable { inner }, &standing).await,
                }
            }
            if standing.changed().await.is_err() {
                return;
            }
        }
    });
}

/// Until it works, or until the keys are withdrawn again.
async fn restore(table: &KeyTable, standing: &Standing) {
    const AGAIN: Duration = Duration::from_millis(500);
    while table.inner.is_withdrawn() && standing.borrow().is_none() {
        if let Err(error) = table.reload().await {
            tracing::warn!(error = %error, "the epoch keys could not be unwrapped again yet");
            tokio::time::sleep(AGAIN).await;
        }
    }
}
