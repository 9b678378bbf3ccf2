//! Importing a list: read and staged row by row, then judged, sealed and laid out, then made visible at once.
//!
//! Two passes, because rules 3 and 4 look at every row of an address. Memory holds one entry per distinct
//! address, one block of rows and the unfinished pages, however long the list. Nothing is written to a database
//! before the whole list was read; what the second pass writes is invisible until the campaign's record is, and
//! discarded where that does not come to be.

mod judge;
mod read;

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use bytes::Bytes;
use futures::{Stream, StreamExt};
use maily_law::AsOf;
use tokio::time::timeout;

use crate::Error;
use crate::import::judge::Judging;
use crate::import::read::Reading;
use crate::records::Campaign;
use crate::state::{Importing, Inner, State};

/// How long the next chunk of a list may take.
const STALLED: Duration = Duration::from_secs(30);
/// Longest chunk.
const MAX_CHUNK: usize = 256 << 10;
/// Longest name of a campaign, in bytes.
const MAX_CAMPAIGN: usize = 256;

impl State {
    /// Imports the list of a campaign, judged at `as_of` (RFC 3339), and answers its number of rows.
    ///
    /// # Errors
    /// [`Error::List`] and [`Error::Request`] for a bad list or request, [`Error::OtherList`] for a second list;
    /// nothing is left behind then.
    pub async fn import(
        &self,
        campaign: &str,
        as_of: &str,
        mut chunks: impl Stream<Item = Result<Bytes, Error>> + Unpin,
    ) -> Result<u64, Error> {
        let judged_at = check(campaign, as_of)?;
        // Without a place: while a list is compared, its campaign goes on, and others are imported.
        if let Some(first) = self.0.finished(campaign).await? {
            return self.0.compare(&first, as_of, &mut chunks).await;
        }
        let importing = self.0.start_import(campaign)?;
        // Another call may have finished since we looked.
        if let Some(first) = self.0.campaigns.find(campaign).await? {
            drop(importing);
            return self.0.compare(&first, as_of, &mut chunks).await;
        }
        let mut reading = Reading::new(&self.0, as_of, judged_at)?;
        while let Some(chunk) = next(&mut chunks).await? {
            reading = blocking(move || reading.push(&chunk).map(|()| reading)).await?;
        }
        let read = blocking(move || reading.finish()).await?;
        let judging = Judging::new(&self.0, campaign.to_owned(), as_of.to_owned(), judged_at, read);
        // To its end also when the caller gives up: a later repetition then finds it done.
        tokio::spawn(finish(Arc::clone(&self.0), judging, importing)).await.map_err(|_| Error::Interrupted)?
    }
}

fn check(campaign: &str, as_of: &str) -> Result<AsOf, Error> {
    if campaign.is_empty() || campaign.len() > MAX_CAMPAIGN || campaign.contains(char::is_control) {
        return Err(Error::Request("campaign_id is empty, longer than 256 bytes, or has control characters"));
    }
    AsOf::parse(as_of).map_err(|_| Error::Request("as_of is not RFC 3339 with an offset"))
}

async fn finish(inner: Arc<Inner>, judging: Judging, importing: Importing) -> Result<u64, Error> {
    let import = judging.import();
    let campaign = match judging.run(&inner).await {
        Ok(campaign) => campaign,
        Err(error) => {
            // Where this fails too, the next start does it.
            if inner.discard(&import).await.is_err() {
                tracing::warn!("an import that failed is discarded at the next start");
            }
            return Err(error);
        }
    };
    // Nothing is discarded from here on: a commit that failed may still have been written, and the next start knows.
    inner.campaigns.commit(&import, &campaign).await?;
    inner.record(&campaign).await?;
    drop(importing);
    inner.count(&campaign);
    Ok(campaign.rows)
}

/// The next chunk of a list, in time and within its size.
async fn next(
    chunks: &mut (impl Stream<Item = Result<Bytes, Error>> + Unpin),
) -> Result<Option<Bytes>, Error> {
    let chunk = timeout(STALLED, chunks.next()).await.map_err(|_| Error::Stalled)?.transpose()?;
    match chunk {
        Some(chunk) if chunk.len() > MAX_CHUNK => Err(Error::Request("a chunk is longer than 256 KiB")),
        chunk => Ok(chunk),
    }
}

/// Runs work that computes or writes files on a thread that is meant for it.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Error::Interrupted)?
}

impl Inner {
    /// Answers a repeated import: the same list as the first, or not.
    async fn compare(
        &self,
        first: &Campaign,
        as_of: &str,
        chunks: &mut (impl Stream<Item = Result<Bytes, Error>> + Unpin),
    ) -> Result<u64, Error> {
        let mut digest = self.secrets.list_digest(as_of);
        let mut bytes = 0;
        while let Some(chunk) = next(chunks).await? {
            bytes += chunk.len() as u64;
            if bytes > self.config.max_bytes {
                return Err(Error::OtherList);
            }
            digest.update(&chunk);
        }
        let same = verify_slices_are_equal(digest.sign().as_ref(), &first.digest).is_ok();
        same.then_some(first.rows).ok_or(Error::OtherList)
    }

    fn count(&self, campaign: &Campaign) {
        let eligible = campaign.rows - campaign.excluded.values().sum::<u64>();
        self.metrics.rows("eligible", eligible);
        for (code, rows) in &campaign.excluded {
            self.metrics.rows(code, *rows);
        }
    }
}
