//! The turn of an epoch: live keys move under a new epoch key, and the old one is destroyed at the root.
//!
//! Every step can be the last before a crash. Until the old epoch's row is deleted both epochs are kept and a turn goes
//! on where it stopped; the same write that deletes it notes what the root has still to destroy, and
//! [`KeyTable::open`] sees to that before it answers.

use maily_crypto::Error as CryptoError;
use maily_store::db;
use slatedb::WriteBatch;

use crate::table::{TRIM, epoch_row, inside};
use crate::{Error, KeyTable};

/// Rows re-wrapped in one write, during which no key is made or destroyed.
const BATCH: usize = 2048;

impl KeyTable {
    /// Turns the epoch of a table that has no keys wrapped elsewhere ([`Self::wrap`]): afterwards no earlier copy of
    /// its files can be opened. Answers the number of keys re-wrapped.
    ///
    /// # Errors
    /// Any; the turn is then unfinished and calling again goes on with it.
    pub async fn turn_epoch(&self) -> Result<u64, Error> {
        self.begin_turn().await?;
        self.finish_turn().await
    }

    /// Whether a turn was begun and not finished.
    #[must_use]
    pub fn is_turning(&self) -> bool {
        !self.inner.epochs().old().is_empty()
    }

    /// Starts a new epoch, or goes on with an unfinished turn: [`Self::wrap`] uses the new epoch from now on, and
    /// [`Self::rewrap`] is to be called on every key wrapped elsewhere before [`Self::finish_turn`].
    ///
    /// # Errors
    /// Any; calling again is right.
    pub async fn begin_turn(&self) -> Result<(), Error> {
        let _alone = self.inner.turning.lock().await;
        let (current, unfinished) = {
            let epochs = self.inner.epochs();
            epochs.check()?;
            (epochs.current().ok_or(CryptoError::Failed)?.0, !epochs.old().is_empty())
        };
        if unfinished {
            return Ok(());
        }
        self.inner.roots.rotate(&self.inner.scope).await?;
        self.add_epoch(current + 1).await
    }

    /// Re-wraps the table's own keys and destroys the epochs before the current one: what was wrapped in them and not
    /// re-wrapped is lost for good. Answers the number of keys re-wrapped.
    ///
    /// # Errors
    /// Any; calling again is right.
    pub async fn finish_turn(&self) -> Result<u64, Error> {
        let _alone = self.inner.turning.lock().await;
        let old = {
            let epochs = self.inner.epochs();
            epochs.check()?;
            epochs.old()
        };
        if old.is_empty() {
            self.trim().await?;
            return Ok(0);
        }
        let count = self.rewrap_rows(usize::MAX).await?;
        let version = {
            let epochs = self.inner.epochs();
            epochs.check()?;
            epochs.current().ok_or(CryptoError::Failed)?.1
        };
        let mut batch = WriteBatch::new();
        old.iter().for_each(|epoch| batch.delete(epoch_row(*epoch)));
        batch.put(TRIM, version.to_be_bytes());
        db::write_durable(&self.inner.db, batch).await?;
        self.inner.epochs_mut().end(&old);
        self.trim().await?;
        Ok(count)
    }

    /// Re-wraps the rows of old epochs, in at most `batches` writes, which are durable when this answers.
    pub(crate) async fn rewrap_rows(&self, batches: usize) -> Result<u64, Error> {
        let (mut from, mut count) = (b"k".to_vec(), 0);
        for _ in 0..batches {
            let (last, rewrapped) = self.rewrap_batch(&from).await?;
            count += rewrapped;
            let Some(last) = last else { break };
            from = [last.as_slice(), &[0]].concat();
        }
        self.inner.db.flush().await?;
        Ok(count)
    }

    /// Re-wraps some rows from `from` on; answers the last of them, unless there are no more, and how many.
    async fn rewrap_batch(&self, from: &[u8]) -> Result<(Option<Vec<u8>>, u64), Error> {
        let _alone = self.inner.writer.lock().await;
        let mut rows = self.inner.db.scan(from.to_vec()..b"l".to_vec()).await?;
        let (mut batch, mut last, mut count) = (WriteBatch::new(), None, 0);
        for _ in 0..BATCH {
            let Some(row) = rows.next().await? else {
                last = None;
                break;
            };
            let id = row.key.get(1..).and_then(|id| id.try_into().ok());
            let id = id.ok_or_else(|| Error::Invalid("the key table has a broken row".into()))?;
            if let Some(wrapped) = self.inner.epochs().rewrap(&row.value, &inside(&id))? {
                batch.put(&row.key, wrapped);
                count += 1;
            }
            last = Some(row.key.to_vec());
        }
        if !batch.is_empty() {
            self.inner.db.write(batch).await?;
        }
        Ok((last, count))
    }

    /// Destroys at the root what a finished turn noted.
    pub(crate) async fn trim(&self) -> Result<(), Error> {
        let Some(noted) = self.inner.db.get(TRIM).await? else { return Ok(()) };
        let version = noted.as_ref().try_into().map(u32::from_be_bytes);
        let version = version.map_err(|_| Error::Invalid("the key table has a broken note".into()))?;
        self.inner.roots.destroy_below(&self.inner.scope, version).await?;
        let mut batch = WriteBatch::new();
        batch.delete(TRIM);
        Ok(db::write_durable(&self.inner.db, batch).await?)
    }
}
