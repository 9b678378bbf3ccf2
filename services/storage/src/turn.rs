//! The daily turn of a region's epoch: every object key in the index is wrapped anew, and the old epoch's key is
//! destroyed at the root, so that no old copy of the index opens a deleted object.

use std::sync::Arc;
use std::time::Duration;

use prost::Message;
use slatedb::WriteBatch;
use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::region::Region;
use crate::rows::{self, Blob, Object, Part};

/// Rows wrapped anew in one write, during which nothing is committed.
const BATCH: usize = 256;
/// When the epoch last turned, in milliseconds.
const TURNED: &[u8] = b"m/turned";
/// Parts before objects: completing an upload moves a part's key into an object's row, as it is. So a key that is moved
/// while the turn runs is either wrapped anew already or moved to where the second pass finds it.
const PASSES: [u8; 2] = *b"po";
/// How often a region looks whether it is time.
const LOOK: Duration = Duration::from_secs(600);

/// Turns the region's epoch every `hours`, and first ends a turn that was interrupted.
pub(crate) async fn keep_turning(region: Arc<Region>, hours: u32, shutdown: CancellationToken) {
    let mut tick = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = tick.tick() => {}
        }
        match region.turn_if_due(hours).await {
            Ok(None) => {}
            Ok(Some(count)) => tracing::info!(region = region.name, count, "the epoch turned"),
            Err(error) => {
                tracing::error!(region = region.name, %error, "the epoch could not turn; trying again")
            }
        }
    }
}

impl Region {
    async fn turn_if_due(&self, hours: u32) -> Result<Option<u64>, Error> {
        let last = match self.index.get(TURNED).await? {
            Some(row) => i64::from_be_bytes(row.as_ref().try_into().map_err(|_| Error::Row)?),
            None => {
                // A new region's epoch begins now.
                self.note_turn().await?;
                return Ok(None);
            }
        };
        let due = last.saturating_add(i64::from(hours) * 3_600_000) <= rows::now_ms();
        if !due && !self.keys.is_turning() {
            return Ok(None);
        }
        self.turn().await.map(Some)
    }

    /// Turns the epoch; answers how many keys were wrapped anew.
    pub(crate) async fn turn(&self) -> Result<u64, Error> {
        self.keys.begin_turn().await?;
        let mut count = 0;
        for prefix in PASSES {
            count += self.rewrap_all(prefix).await?;
        }
        self.index.flush().await?;
        self.keys.finish_turn().await?;
        self.note_turn().await?;
        Ok(count)
    }

    async fn note_turn(&self) -> Result<(), Error> {
        let mut batch = WriteBatch::new();
        batch.put(TURNED, rows::now_ms().to_be_bytes());
        Ok(maily_keys::db::write_durable(&self.index, batch).await?)
    }

    async fn rewrap_all(&self, prefix: u8) -> Result<u64, Error> {
        let (mut from, mut count) = (vec![prefix, b'/'], 0);
        loop {
            let (next, rewrapped) = self.rewrap_batch(&from, prefix).await?;
            count += rewrapped;
            let Some(next) = next else { return Ok(count) };
            from = next;
        }
    }

    /// Wraps anew the keys of some rows from `from` on; answers where to go on, unless there are no more.
    async fn rewrap_batch(&self, from: &[u8], prefix: u8) -> Result<(Option<Vec<u8>>, u64), Error> {
        let commit = self.commit.lock().await;
        let mut found = self.index.scan(from.to_vec()..vec![prefix, b'0']).await?;
        let (mut batch, mut next, mut count) = (WriteBatch::new(), None, 0);
        for _ in 0..BATCH {
            let Some(row) = found.next().await? else {
                next = None;
                break;
            };
            if let Some((value, keys)) = self.rewrap_row(prefix, &row.value)? {
                batch.put(&row.key, value);
                count += keys;
            }
            next = Some([row.key.as_ref(), &[0]].concat());
        }
        if !batch.is_empty() {
            self.write(batch, &commit).await?;
        }
        Ok((next, count))
    }

    fn rewrap_row(&self, prefix: u8, row: &[u8]) -> Result<Option<(Vec<u8>, u64)>, Error> {
        if prefix == b'o' {
            let mut object: Object = rows::decode(row)?;
            let count = self.rewrap_blobs(&mut object.blobs)?;
            return Ok((count > 0).then(|| (object.encode_to_vec(), count)));
        }
        let mut part: Part = rows::decode(row)?;
        let count = self.rewrap_blobs(std::slice::from_mut(&mut part.blob))?;
        Ok((count > 0).then(|| (part.encode_to_vec(), count)))
    }

    fn rewrap_blobs(&self, blobs: &mut [Blob]) -> Result<u64, Error> {
        let mut count = 0;
        for blob in blobs {
            if let Some(wrapped) = self.keys.rewrap(&blob.wrapped, &blob.id()?)? {
                blob.wrapped = wrapped;
                count += 1;
            }
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use bytes::Bytes;
    use futures::StreamExt;
    use maily_keys::LocalKeyring;

    use super::*;
    use crate::commit::{Named, Place};
    use crate::conditions::WriteIf;
    use crate::rows::{Sums, Upload};
    use crate::sums::Claimed;

    const BYTES: &[u8] = b"uploaded before the turn";

    async fn open(dir: &Path) -> Arc<Region> {
        let roots = Arc::new(LocalKeyring::open(dir.join("keyring.json")).unwrap());
        Region::open("eu", dir, roots, "acme").await.unwrap()
    }

    async fn upload(region: &Region, place: &Place, id: &str) {
        region.create_bucket(&place.bucket).await.unwrap();
        region.create_upload(place, id, &Upload::default()).await.unwrap();
        let blob = region.new_blob().await.unwrap();
        let hasher = Claimed::new(&http::HeaderMap::new(), None, None).hasher();
        let body = futures::stream::iter([Ok(Bytes::from_static(BYTES))]).boxed();
        let sealed = region.blobs.seal(&blob, body, hasher, 1 << 20).await.unwrap();
        let (blob, written) = sealed.publish(blob).await.unwrap();
        region.put_part(place, id, 1, blob, written).await.unwrap();
    }

    /// Completes an upload between the two passes of a turn; what can be read of it after the turn.
    async fn completed_between(passes: [u8; 2]) -> Result<Bytes, Error> {
        let dir = tempfile::tempdir().unwrap();
        let region = open(dir.path()).await;
        let place = Place { bucket: "things".into(), key: "a".into() };
        upload(&region, &place, "one").await;
        region.keys.begin_turn().await.unwrap();
        region.rewrap_all(passes[0]).await.unwrap();
        let named = [Named { number: 1, etag: None, sums: Sums::default() }];
        let claimed = (Sums::default(), WriteIf::default());
        region.complete_upload(&place, "one", &named, &claimed.0, &claimed.1, 1 << 20).await.unwrap();
        region.rewrap_all(passes[1]).await.unwrap();
        region.index.flush().await.unwrap();
        region.keys.finish_turn().await.unwrap();
        let object = region.object("things", "a").await.unwrap();
        let mut reader = match region.read("things", "a", &object, 0..object.size).await? {
            Some(reader) => reader,
            None => return Err(Error::Row),
        };
        Ok(reader.next().await?.unwrap_or_default())
    }

    #[tokio::test]
    async fn an_upload_completed_during_a_turn_outlives_it() {
        assert_eq!(completed_between(PASSES).await.unwrap(), BYTES);
    }

    /// Why the order matters: the other way round, the object's key stays in the epoch that ends.
    #[tokio::test]
    async fn objects_before_parts_would_lose_it() {
        assert!(completed_between(*b"op").await.is_err());
    }
}
