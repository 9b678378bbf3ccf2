//! Deletes blobs that nothing names: overwritten, deleted, aborted, or left behind by a kill.
//!
//! What is to be deleted stands in the journal; at run time it also comes by a queue, so that the journal is read only
//! at the start.

use std::sync::{Arc, Weak};
use std::time::Duration;

use slatedb::WriteBatch;
use tokio::sync::mpsc;

use crate::error::Error;
use crate::region::Region;
use crate::rows::{self, BlobId};

/// How often blobs that were being read are tried again.
const AGAIN: Duration = Duration::from_secs(5);

/// Queues what the journal names, and starts the region's sweeper, which ends with the region.
pub(crate) async fn start(region: &Arc<Region>, queue: mpsc::UnboundedReceiver<BlobId>) -> Result<(), Error> {
    let mut left = region.scan(b"j/".to_vec()..b"j0".to_vec()).await?;
    let mut count = 0;
    while let Some(row) = left.next().await? {
        let id = row.key.get(2..).and_then(|id| id.try_into().ok()).ok_or(Error::Row)?;
        let _ = region.garbage.send(id);
        count += 1;
    }
    if count > 0 {
        tracing::info!(region = region.name, count, "deleting blobs that were left behind");
    }
    tokio::spawn(sweep(Arc::downgrade(region), queue));
    Ok(())
}

async fn sweep(region: Weak<Region>, mut queue: mpsc::UnboundedReceiver<BlobId>) {
    let mut tick = tokio::time::interval(AGAIN);
    let mut waiting: Vec<BlobId> = Vec::new();
    loop {
        let ids = tokio::select! {
            _ = tick.tick() => std::mem::take(&mut waiting),
            id = queue.recv() => match id {
                Some(id) => vec![id],
                None => return,
            },
        };
        let Some(region) = region.upgrade() else { return };
        for id in ids {
            match region.discard(&id).await {
                Ok(true) => {}
                Ok(false) => waiting.push(id),
                Err(error) if error.is_closed() => return,
                Err(error) => {
                    tracing::warn!(region = region.name, %error, "a blob could not be deleted; trying again");
                    waiting.push(id);
                }
            }
        }
    }
}

impl Region {
    /// Deletes a blob that nothing names, then its place in the journal; `false` if it is being read.
    async fn discard(&self, id: &BlobId) -> Result<bool, Error> {
        if !self.blobs.delete(id).await? {
            return Ok(false);
        }
        let mut batch = WriteBatch::new();
        batch.delete(rows::journal(id));
        // Not waited for: forgotten, it would be deleted once more.
        self.index.write(batch).await?;
        Ok(true)
    }

    /// Puts blobs that `batch` leaves without a name into the journal; hand them to [`Self::retire`] once it is durable.
    pub(crate) fn unname(batch: &mut WriteBatch, blobs: &[rows::Blob]) -> Result<Vec<BlobId>, Error> {
        let ids: Vec<BlobId> = blobs.iter().map(rows::Blob::id).collect::<Result<_, _>>()?;
        ids.iter().for_each(|id| batch.put(rows::journal(id), b""));
        Ok(ids)
    }

    /// Has blobs deleted that nothing durable names any more.
    pub(crate) fn retire(&self, ids: Vec<BlobId>) {
        for id in ids {
            let _ = self.garbage.send(id);
        }
    }
}
