//! The daily turn of a region's epoch: every object key in the index is wrapped anew, and the old epoch's key is
//! destroyed at the root, so that no old copy of the index opens a deleted object.

use maily_keys::{EpochRotation, KeyTable};
use prost::Message;
use slatedb::{Db, WriteBatch};

use crate::error::Error;
use crate::region::Region;
use crate::rows::{self, Blob, Object, Part};

/// Rows wrapped anew in one write, during which nothing is committed.
const BATCH: usize = 256;
/// When the last rotation of the epoch began.
const TURNED: &[u8] = b"m/turned";
/// Parts before objects: completing an upload moves a part's key into an object's row, as it is. So a key that is moved
/// while the turn runs is either wrapped anew already or moved to where the second pass finds it.
const PASSES: [u8; 2] = *b"po";

impl EpochRotation for Region {
    type Error = Error;

    fn keys(&self) -> &KeyTable {
        &self.keys
    }

    fn began(&self) -> (&Db, &'static [u8]) {
        (&self.index, TURNED)
    }

    /// Answers how many keys of objects and parts were wrapped anew.
    async fn finish(&self) -> Result<u64, Error> {
        let mut count = 0;
        for prefix in PASSES {
            count += self.rewrap_all(prefix).await?;
        }
        self.index.flush().await?;
        self.keys.finish_turn().await?;
        Ok(count)
    }
}

impl Region {
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
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use bytes::Bytes;
    use futures::StreamExt;
    use jiff::Timestamp;
    use maily_contracts::epoch::{Epoch, HOURS, KEYS};
    use maily_keys::{LocalKeyring, RotationSchedule};

    use super::*;
    use crate::commit::{Named, Place, Whole};
    use crate::conditions::WriteIf;
    use crate::rows::{Sums, Upload};
    use crate::sums::Claimed;

    const BYTES: &[u8] = b"uploaded before the turn";

    async fn open(dir: &Path) -> Arc<Region> {
        let roots = Arc::new(LocalKeyring::open(dir.join("keyring.json")).unwrap());
        let store = maily_store::folder(&dir.join("eu")).unwrap();
        Region::open("eu", store, roots, "acme").await.unwrap()
    }

    async fn upload(region: &Region, place: &Place, id: &str) {
        region.create_bucket(&place.bucket).await.unwrap();
        region.create_upload(place, id, &Upload::default()).await.unwrap();
        let blob = region.new_blob().await.unwrap();
        let hasher = Claimed::new(&http::HeaderMap::new(), None, None).hasher();
        let body = futures::stream::iter([Ok(Bytes::from_static(BYTES))]).boxed();
        let body = crate::write::Begun::receive(body, 1 << 20).await.unwrap();
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
        let whole = Whole { limit: 1 << 20, ..Whole::default() };
        region.complete_upload(&place, "one", &named, &whole, &WriteIf::default()).await.unwrap();
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
    /// A region with a part of each of some uploads, and the clock of a check.
    struct Checked {
        _dir: tempfile::TempDir,
        region: Arc<Region>,
        clock: Arc<AtomicI64>,
    }

    impl Checked {
        async fn start() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let region = open(dir.path()).await;
            for upload in 0..KEYS {
                let place = Place { bucket: format!("things-{upload}"), key: "a".into() };
                self::upload(&region, &place, &upload.to_string()).await;
            }
            Self { _dir: dir, region, clock: Arc::default() }
        }

        fn schedule(&self) -> RotationSchedule {
            let clock = Arc::clone(&self.clock);
            let now = move || Timestamp::from_millisecond(clock.load(Ordering::SeqCst)).unwrap();
            RotationSchedule::new(HOURS, Arc::new(now))
        }
    }

    impl Epoch for Checked {
        fn set_clock(&self, at: i64) {
            self.clock.store(at, Ordering::SeqCst);
        }

        async fn look(&self) -> (Option<u64>, i64) {
            let looked = self.schedule().look(self.region.as_ref()).await.unwrap();
            (looked.rotated, i64::try_from(looked.wait.as_millis()).unwrap())
        }

        async fn interrupt(&self) {
            self.region.keys.begin_turn().await.unwrap();
        }

        async fn done_by(&self) -> i64 {
            self.schedule().done_by(self.region.as_ref()).await.unwrap().as_millisecond()
        }
    }

    maily_contracts::epoch_suite!(Checked::start);
}
