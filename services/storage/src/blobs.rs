//! Blobs: immutable, encrypted, randomly named objects in a region's store, and who is reading them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use maily_store::StoreFailure;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use crate::error::Error;
use crate::rows::BlobId;

/// A region's blobs.
#[derive(Clone)]
pub(crate) struct Blobs {
    pub(crate) store: Arc<dyn ObjectStore>,
    uses: Arc<Mutex<HashMap<BlobId, Use>>>,
}

enum Use {
    /// So many readers.
    Read(usize),
    /// Being deleted: it is too late to start reading.
    Dying,
}

impl Blobs {
    pub(crate) fn new(store: Arc<dyn ObjectStore>) -> Self {
        Self { store, uses: Arc::default() }
    }

    pub(crate) fn path(id: &BlobId) -> Path {
        let name = hex::encode(id);
        // Two hexadecimal digits; a name is longer.
        let (shelf, _) = name.split_at(2);
        Path::from_iter(["blobs", shelf, &name])
    }

    fn uses(&self) -> MutexGuard<'_, HashMap<BlobId, Use>> {
        self.uses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps blobs from being deleted while the answer lives; `None` if that comes too late for one of them.
    pub(crate) fn hold(&self, ids: Vec<BlobId>) -> Option<Held> {
        let mut uses = self.uses();
        if ids.iter().any(|id| matches!(uses.get(id), Some(Use::Dying))) {
            return None;
        }
        for id in &ids {
            match uses.entry(*id).or_insert(Use::Read(0)) {
                Use::Read(count) => *count += 1,
                Use::Dying => {}
            }
        }
        Some(Held { blobs: self.clone(), ids })
    }

    /// Deletes a blob that nobody reads; answers whether it is gone.
    pub(crate) async fn delete(&self, id: &BlobId) -> Result<bool, Error> {
        {
            let mut uses = self.uses();
            if uses.contains_key(id) {
                return Ok(false);
            }
            uses.insert(*id, Use::Dying);
        }
        let deleted = self.remove(id).await;
        self.uses().remove(id);
        deleted.map(|()| true)
    }

    async fn remove(&self, id: &BlobId) -> Result<(), Error> {
        match self.store.delete(&Self::path(id)).await {
            Err(error) if StoreFailure::of_objects(&error) != StoreFailure::Missing => Err(error.into()),
            _ => Ok(()),
        }
    }
}

/// Blobs being read.
pub(crate) struct Held {
    blobs: Blobs,
    ids: Vec<BlobId>,
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut uses = self.blobs.uses();
        for id in &self.ids {
            if let Some(Use::Read(count)) = uses.get_mut(id) {
                *count -= 1;
                if *count == 0 {
                    uses.remove(id);
                }
            }
        }
    }
}

/// Runs `work` where it may take its time: on a worker thread, unless it is small.
pub(crate) async fn compute<T: Send + 'static>(
    bytes: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    if bytes <= 32 << 10 {
        return Ok(work());
    }
    Ok(maily_chassis::blocking(work).await?)
}
