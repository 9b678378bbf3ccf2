//! The key table: millions of random keys, each wrapped under the epoch key, in a SlateDB of its own.
//!
//! Rows: `k ‖ id` holds a wrapped key, `e ‖ epoch` an epoch key wrapped under the root key, `t` the root version below
//! which everything is still to be destroyed.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, PoisonError, RwLock};

use futures::future::try_join_all;
use maily_crypto::{DataKey, Error as CryptoError};
use maily_store::db::{self, Tuning};
use object_store::ObjectStore;
use object_store::path::Path;
use slatedb::config::{DurabilityLevel, ReadOptions};
use slatedb::{CloseReason, Db, WriteBatch};
use tokio::sync::Mutex;

use crate::cache::KeyCache;
use crate::epochs::Epochs;
use crate::standing;
use crate::{Error, RootKeys, Scope, WrappedKey};

/// What a key is for, as the caller knows it: a keyed hash or random bytes, never personal data.
pub type KeyId = [u8; 32];

pub(crate) const TRIM: &[u8] = b"t";
/// Unwrapped keys remembered: 64 Ki entries of about 150 bytes.
const CACHED: NonZeroUsize = NonZeroUsize::MIN.saturating_add(65_535);
/// Reads under way at once for one call.
const READS: usize = 32;

/// A table of keys under one root key. Clones share it.
#[derive(Clone)]
pub struct KeyTable {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) db: Db,
    pub(crate) roots: Arc<dyn RootKeys>,
    pub(crate) scope: Scope,
    pub(crate) epochs: RwLock<Epochs>,
    /// Held while rows are read and written as one: creation, destruction, re-wrapping.
    pub(crate) writer: Mutex<()>,
    /// Held while an epoch turns.
    pub(crate) turning: Mutex<()>,
    cache: KeyCache,
}

impl std::fmt::Debug for KeyTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyTable").field("scope", &self.inner.scope).finish_non_exhaustive()
    }
}

impl KeyTable {
    /// Opens the table at `path` of `store`, making it if there is none, and ends what an interrupted turn had still
    /// to destroy.
    ///
    /// # Errors
    /// [`Error::RootVersionGone`] for a copy from before the last turn; [`Error::Store`], also when the root keys are
    /// not those that made the table.
    pub async fn open(
        store: Arc<dyn ObjectStore>,
        path: impl Into<Path>,
        roots: Arc<dyn RootKeys>,
        scope: Scope,
    ) -> Result<Self, Error> {
        let blocks = roots.mac(&scope, "key table blocks").await?;
        let db = db::open(store, path, Tuning::sealed(blocks)).await?;
        let inner = Inner {
            db,
            roots,
            scope,
            epochs: RwLock::default(),
            writer: Mutex::default(),
            turning: Mutex::default(),
            cache: KeyCache::new(CACHED),
        };
        let table = Self { inner: Arc::new(inner) };
        table.reload().await?;
        if table.inner.epochs().current().is_none() {
            table.add_epoch(1).await?;
        }
        table.trim().await?;
        if let Some(standing) = table.inner.roots.standing() {
            standing::follow(&table, standing);
        }
        Ok(table)
    }

    /// Unwraps the epoch keys of the table's rows and puts them in the place of those in memory.
    pub(crate) async fn reload(&self) -> Result<(), Error> {
        // A turn changes these rows.
        let _alone = self.inner.turning.lock().await;
        let mut rows = self.inner.db.scan_prefix(b"e", ..).await?;
        let mut epochs = Epochs::default();
        while let Some(row) = rows.next().await? {
            let (epoch, wrapped) = read_epoch(&row.key, &row.value)?;
            let key = self.inner.roots.unwrap(&self.inner.scope, &wrapped).await?;
            epochs.insert(epoch, &key, wrapped.version)?;
        }
        self.inner.epochs_mut().restore(epochs);
        Ok(())
    }

    /// Makes an epoch key, under the root key's newest version, and keeps it.
    pub(crate) async fn add_epoch(&self, epoch: u64) -> Result<(), Error> {
        let key = DataKey::generate()?;
        let wrapped = self.inner.roots.wrap(&self.inner.scope, &key).await?;
        let mut batch = WriteBatch::new();
        batch.put(epoch_row(epoch), [wrapped.version.to_be_bytes().as_slice(), &wrapped.bytes].concat());
        db::write_durable(&self.inner.db, batch).await?;
        self.inner.epochs_mut().insert(epoch, &key, wrapped.version)
    }

    /// The keys of `ids`, in their order; those that did not exist are made, and durable when this answers.
    ///
    /// # Errors
    /// [`Error::Store`] or [`Error::Crypto`].
    pub async fn get_or_create(&self, ids: &[KeyId]) -> Result<Vec<DataKey>, Error> {
        let found = self.get(ids).await?;
        let missing: Vec<KeyId> =
            ids.iter().zip(&found).filter(|(_, key)| key.is_none()).map(|(id, _)| *id).collect();
        let made = if missing.is_empty() { HashMap::new() } else { self.create(&missing).await? };
        let pick = |(id, key): (&KeyId, Option<DataKey>)| key.or_else(|| made.get(id).cloned());
        ids.iter().zip(found).map(pick).collect::<Option<_>>().ok_or(Error::Crypto(CryptoError::Failed))
    }

    /// Makes the keys of `ids`, except those that somebody else made since they were found missing.
    async fn create(&self, ids: &[KeyId]) -> Result<HashMap<KeyId, DataKey>, Error> {
        let (_, removals) = self.inner.cache.get(&[]);
        let mut keys = HashMap::with_capacity(ids.len());
        {
            let _alone = self.inner.writer.lock().await;
            let there = self.inner.read(ids, DurabilityLevel::Memory).await?;
            let mut batch = WriteBatch::new();
            for (id, key) in ids.iter().zip(there) {
                let key = match key {
                    Some(key) => key,
                    None if keys.contains_key(id) => continue,
                    None => self.inner.add_row(&mut batch, id)?,
                };
                keys.insert(*id, key);
            }
            if !batch.is_empty() {
                self.inner.db.write(batch).await?;
            }
        }
        // Also waits for what another caller wrote and this one only found.
        self.inner.db.flush().await?;
        self.inner.cache.remember(removals, keys.iter());
        Ok(keys)
    }

    /// The keys of `ids`, in their order; `None` where there is none (yet, or any more).
    ///
    /// # Errors
    /// [`Error::Store`] or [`Error::Crypto`].
    pub async fn get(&self, ids: &[KeyId]) -> Result<Vec<Option<DataKey>>, Error> {
        let (mut found, removals) = self.inner.cache.get(ids);
        let missing = ids.iter().zip(&found).filter(|(_, key)| key.is_none());
        let wanted: Vec<KeyId> = missing.map(|(id, _)| *id).collect();
        let read = self.inner.read(&wanted, DurabilityLevel::Remote).await?;
        let known = wanted.iter().zip(&read).filter_map(|(id, key)| Some((id, key.as_ref()?)));
        self.inner.cache.remember(removals, known);
        for (place, key) in found.iter_mut().filter(|key| key.is_none()).zip(read) {
            *place = key;
        }
        Ok(found)
    }

    /// Deletes the keys of `ids`: from now on nobody gets them, and after the next turn of the epoch no copy can be
    /// opened either.
    ///
    /// # Errors
    /// [`Error::Store`]; whether they are deleted is then unknown, and calling again is right.
    pub async fn destroy(&self, ids: &[KeyId]) -> Result<(), Error> {
        let mut batch = WriteBatch::new();
        ids.iter().for_each(|id| batch.delete(row(id)));
        if batch.is_empty() {
            return Ok(());
        }
        let written = {
            let _alone = self.inner.writer.lock().await;
            self.inner.cache.forget(ids);
            self.inner.db.write(batch).await?
        };
        written.await_durable().await?;
        self.inner.cache.forget(ids);
        Ok(())
    }

    /// Up to `limit` of the ids that have keys, in their order, behind `after`.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn ids(&self, after: Option<&KeyId>, limit: usize) -> Result<Vec<KeyId>, Error> {
        let from = after.map_or_else(|| b"k".to_vec(), |after| [row(after).as_slice(), &[0]].concat());
        let mut rows = self.inner.db.scan(from..b"l".to_vec()).await?;
        let mut ids = Vec::new();
        while ids.len() < limit
            && let Some(row) = rows.next().await?
        {
            let id = row.key.get(1..).and_then(|id| id.try_into().ok());
            ids.push(id.ok_or_else(|| Error::Invalid("the key table has a broken row".into()))?);
        }
        Ok(ids)
    }

    /// Wraps a key that is kept elsewhere under the epoch key, with the epoch's number; `context` is bound to it.
    ///
    /// Wrap and store under a lock that the re-wrapping of a turn takes too, or a key stored late is lost: see
    /// [`Self::begin_turn`].
    ///
    /// # Errors
    /// [`Error::Crypto`] when the system's generator fails.
    pub fn wrap(&self, key: &DataKey, context: &[u8]) -> Result<Vec<u8>, Error> {
        self.inner.epochs().wrap(key, &outside(context))
    }

    /// Unwraps what [`Self::wrap`] made with the same `context`.
    ///
    /// # Errors
    /// [`Error::EpochEnded`], or [`Error::Crypto`] for anything else that this table did not wrap.
    pub fn unwrap(&self, wrapped: &[u8], context: &[u8]) -> Result<DataKey, Error> {
        self.inner.epochs().unwrap(wrapped, &outside(context))
    }

    /// The same key wrapped in the current epoch; `None` where it already is.
    ///
    /// # Errors
    /// As [`Self::unwrap`].
    pub fn rewrap(&self, wrapped: &[u8], context: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.inner.epochs().rewrap(wrapped, &outside(context))
    }

    /// Waits until the table's database is closed, by us or under us, and answers why.
    pub async fn closed(&self) -> CloseReason {
        db::closed(self.inner.db.clone()).await
    }

    /// Closes the database; every acknowledged write is durable without it.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn close(&self) -> Result<(), Error> {
        Ok(self.inner.db.close().await?)
    }
}

impl Inner {
    pub(crate) fn epochs(&self) -> std::sync::RwLockReadGuard<'_, Epochs> {
        self.epochs.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn epochs_mut(&self) -> std::sync::RwLockWriteGuard<'_, Epochs> {
        self.epochs.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets every unwrapped key, until [`KeyTable::reload`].
    pub(crate) fn withdraw(&self, why: &str) {
        self.epochs_mut().withdraw(why);
        self.cache.clear();
    }

    pub(crate) fn is_withdrawn(&self) -> bool {
        self.epochs().is_withdrawn()
    }

    fn add_row(&self, batch: &mut WriteBatch, id: &KeyId) -> Result<DataKey, Error> {
        let key = DataKey::generate()?;
        batch.put(row(id), self.epochs().wrap(&key, &inside(id))?);
        Ok(key)
    }

    async fn read(&self, ids: &[KeyId], level: DurabilityLevel) -> Result<Vec<Option<DataKey>>, Error> {
        let mut keys = Vec::with_capacity(ids.len());
        for ids in ids.chunks(READS) {
            // Collected first: a lazy iterator of futures would make this future unfit for spawning.
            let reads: Vec<_> = ids.iter().map(|id| self.read_one(*id, level)).collect();
            keys.extend(try_join_all(reads).await?);
        }
        Ok(keys)
    }

    async fn read_one(&self, id: KeyId, level: DurabilityLevel) -> Result<Option<DataKey>, Error> {
        let options = ReadOptions::default().with_durability_filter(level);
        // A turn may end between reading a row and unwrapping it; the row is then there anew.
        for _ in 0..3 {
            let Some(wrapped) = self.db.get_with_options(row(&id), &options).await? else { return Ok(None) };
            match self.epochs().unwrap(&wrapped, &inside(&id)) {
                Err(Error::EpochEnded(_)) => {}
                key => return key.map(Some),
            }
        }
        Err(CryptoError::Authentication.into())
    }
}

/// The row of a key.
pub(crate) fn row(id: &KeyId) -> Vec<u8> {
    [b"k", id.as_slice()].concat()
}

/// The row of an epoch key.
pub(crate) fn epoch_row(epoch: u64) -> Vec<u8> {
    [b"e", epoch.to_be_bytes().as_slice()].concat()
}

/// What a row's key is bound to.
pub(crate) fn inside(id: &KeyId) -> Vec<u8> {
    [b"row ", id.as_slice()].concat()
}

fn outside(context: &[u8]) -> Vec<u8> {
    [b"out ", context].concat()
}

fn read_epoch(key: &[u8], value: &[u8]) -> Result<(u64, WrappedKey), Error> {
    let broken = || Error::Invalid("the key table has a broken epoch row".into());
    let number = key.get(1..).and_then(|bytes| bytes.try_into().ok()).ok_or_else(broken)?;
    let (version, bytes) = value.split_first_chunk::<4>().ok_or_else(broken)?;
    let wrapped = WrappedKey { version: u32::from_be_bytes(*version), bytes: bytes.to_vec() };
    Ok((u64::from_be_bytes(number), wrapped))
}
