//! One residency region: its index, its keys and its blobs, in a store of its own.
//!
//! Every change of the index happens under one lock, which makes conditional writes exact and lets a turn of the epoch
//! see every key. Reads see only what is durable.

use std::ops::Range;
use std::sync::Arc;

use maily_crypto::DataKey;
use maily_keys::{KeyTable, RootKeys, Scope};
use maily_store::db::{self, Tuning};
use object_store::ObjectStore;
use s3s::S3ErrorCode;
use slatedb::config::{DurabilityLevel, ReadOptions, ScanOptions};
use slatedb::{Db, DbIterator, WriteBatch, WriteHandle};
use tokio::sync::{Mutex, mpsc};

use crate::blobs::Blobs;
use crate::error::Error;
use crate::read::Reader;
use crate::rows::{self, BlobId, Bucket, Object};
use crate::sweep;

/// The key of the index's own blocks in the key table.
const INDEX_KEY: [u8; 32] = *b"maily storage index block key v1";

/// An open region.
pub(crate) struct Region {
    pub(crate) name: &'static str,
    pub(crate) index: Db,
    pub(crate) keys: KeyTable,
    pub(crate) blobs: Blobs,
    /// Held while the index is read and written as one.
    pub(crate) commit: Mutex<()>,
    /// Blobs to be deleted. Without a length, because it is told by drops and by acknowledged writes, which can't wait;
    /// each takes 16 bytes, and has a row in the journal.
    pub(crate) garbage: mpsc::UnboundedSender<BlobId>,
}

impl Region {
    /// Opens the region in `store` and starts deleting what was left behind when it was last open.
    pub(crate) async fn open(
        name: &'static str,
        store: Arc<dyn ObjectStore>,
        roots: Arc<dyn RootKeys>,
        tenant: &str,
    ) -> Result<Arc<Self>, Error> {
        let scope = Scope::new(tenant, name, "storage")?;
        let keys = KeyTable::open(Arc::clone(&store), "keys", roots, scope).await?;
        let sealing = keys.get_or_create(&[INDEX_KEY]).await?.pop().ok_or(Error::Row)?;
        let index = db::open(Arc::clone(&store), "index", Tuning::sealed(sealing)).await?;
        let blobs = Blobs::new(store);
        let (garbage, queue) = mpsc::unbounded_channel();
        let region = Arc::new(Self { name, index, keys, blobs, commit: Mutex::default(), garbage });
        sweep::start(&region, queue).await?;
        Ok(region)
    }

    /// A durable row.
    pub(crate) async fn row<T: prost::Message + Default>(&self, name: Vec<u8>) -> Result<Option<T>, Error> {
        let durable = ReadOptions::default().with_durability_filter(DurabilityLevel::Remote);
        let row = self.index.get_with_options(name, &durable).await?;
        row.map(|row| rows::decode(&row)).transpose()
    }

    /// The newest row, to be called under [`Self::commit`].
    pub(crate) async fn newest<T: prost::Message + Default>(
        &self,
        name: Vec<u8>,
    ) -> Result<Option<T>, Error> {
        self.index.get(name).await?.map(|row| rows::decode(&row)).transpose()
    }

    /// Durable rows in a range of names.
    pub(crate) async fn scan(&self, names: Range<Vec<u8>>) -> Result<DbIterator, Error> {
        let durable = ScanOptions::default().with_durability_filter(DurabilityLevel::Remote);
        Ok(self.index.scan_with_options(names, &durable).await?)
    }

    pub(crate) async fn has_bucket(&self, name: &str) -> Result<bool, Error> {
        Ok(self.row::<Bucket>(rows::bucket(name)).await?.is_some())
    }

    /// The object, or `NoSuchKey`.
    pub(crate) async fn object(&self, bucket: &str, key: &str) -> Result<Object, Error> {
        self.row(rows::object(bucket, key)).await?.ok_or_else(|| S3ErrorCode::NoSuchKey.into())
    }

    /// Reads a range of `object`, unless it was replaced since it was looked up: then `None`.
    pub(crate) async fn read(
        &self,
        bucket: &str,
        key: &str,
        object: &Object,
        range: Range<u64>,
    ) -> Result<Option<Reader>, Error> {
        let ids = object.blobs.iter().map(rows::Blob::id).collect::<Result<_, _>>()?;
        let Some(held) = self.blobs.hold(ids) else { return Ok(None) };
        // Held from here on: if the object still is the same, its blobs are there and stay.
        if self.object(bucket, key).await? != *object {
            return Ok(None);
        }
        match Reader::new(&self.blobs, &self.keys, object.blobs.clone(), range, held) {
            // The epoch turned just now; the object's row has its keys wrapped anew.
            Err(Error::Keys(maily_keys::Error::EpochEnded(_))) => Ok(None),
            reader => reader.map(Some),
        }
    }

    /// Announces a new blob in the journal.
    pub(crate) async fn new_blob(&self) -> Result<NewBlob, Error> {
        let id = *uuid::Uuid::new_v4().as_bytes();
        let mut batch = WriteBatch::new();
        batch.put(rows::journal(&id), b"");
        let journaled = self.index.write(batch).await?;
        Ok(NewBlob { id, key: DataKey::generate()?, journaled, garbage: Some(self.garbage.clone()) })
    }

    /// Writes under the lock `_commit`, and answers the handle that tells when it is durable.
    pub(crate) async fn write(
        &self,
        batch: WriteBatch,
        _commit: &tokio::sync::MutexGuard<'_, ()>,
    ) -> Result<WriteHandle, Error> {
        Ok(self.index.write(batch).await?)
    }

    /// Refuses, when what the refusal rests on is durable.
    pub(crate) async fn refuse<T>(&self, why: impl Into<Error>) -> Result<T, Error> {
        self.index.flush().await?;
        Err(why.into())
    }

    /// Waits until one of the region's databases is closed.
    pub(crate) async fn lost(&self) -> Error {
        tokio::select! {
            _ = db::closed(self.index.clone()) => {}
            _ = self.keys.closed() => {}
        }
        Error::Lost(self.name)
    }

    /// Closes the region's databases.
    pub(crate) async fn close(&self) -> Result<(), Error> {
        self.index.close().await?;
        Ok(self.keys.close().await?)
    }
}

/// A blob that no object names yet: dropped, it is garbage.
pub(crate) struct NewBlob {
    pub(crate) id: BlobId,
    pub(crate) key: DataKey,
    journaled: WriteHandle,
    garbage: Option<mpsc::UnboundedSender<BlobId>>,
}

impl NewBlob {
    /// Waits until a crash could not make the blob be forgotten.
    pub(crate) async fn journaled(&self) -> Result<(), Error> {
        Ok(self.journaled.await_durable().await?)
    }

    /// The blob's row, its key wrapped in the current epoch, and its place in the journal given up; to be called under
    /// the region's commit lock. From now on the blob's fate is that of `batch`.
    pub(crate) fn settle(
        mut self,
        keys: &KeyTable,
        size: u64,
        batch: &mut WriteBatch,
    ) -> Result<rows::Blob, Error> {
        let wrapped = keys.wrap(&self.key, &self.id)?;
        batch.delete(rows::journal(&self.id));
        self.garbage = None;
        Ok(rows::Blob::new(self.id, wrapped, size))
    }
}

impl Drop for NewBlob {
    fn drop(&mut self) {
        if let Some(garbage) = self.garbage.take() {
            // The sweeper ends with the region, and the next start reads the journal.
            let _ = garbage.send(self.id);
        }
    }
}
