//! One residency region: its ledger and blocks in one database, its persons' keys in another.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use bytes::{Bytes, BytesMut};
use jiff::Timestamp;
use maily_keys::db::{self, Tuning};
use maily_keys::{DataKey, KeyId, KeyTable, RootKeys, Scope, mac};
use maily_law::{EmailAddress, Region};
use object_store::ObjectStore;
use prost::Message;
use slatedb::{Db, WriteBatch};

use crate::import::layout::{ImportId, Piece};
use crate::ledger::{Event, Imported, Ledger};
use crate::records::{EncodedBlock, Entry};
use crate::schema::Position;
use crate::secrets::AddressHash;
use crate::{Error, schema};

/// Rows written or deleted in one write.
const ROWS: usize = 1_000;
/// Bytes at which a write is full.
const WRITTEN: usize = 1 << 20;

/// An open region.
pub(crate) struct RegionState {
    pub(crate) db: Db,
    pub(crate) keys: KeyTable,
    pub(crate) ledger: Ledger,
    persons: DataKey,
    /// How often each was erased: whoever comes again is another person, whose key opens nothing of before.
    erased: RwLock<HashMap<AddressHash, u32>>,
}

impl RegionState {
    pub(crate) async fn open(
        store: Arc<dyn ObjectStore>,
        roots: Arc<dyn RootKeys>,
        tenant: &str,
        region: Region,
    ) -> Result<Self, Error> {
        let name = region.name();
        let scope = Scope::new(tenant, name, "ledger")?;
        let persons = roots.mac(&scope, "person id").await?;
        let blocks = roots.mac(&scope, "ledger blocks").await?;
        let db = db::open(Arc::clone(&store), format!("{name}/ledger"), Tuning::sealed(blocks)).await?;
        let scope = Scope::new(tenant, name, "persons")?;
        let keys = KeyTable::open(store, format!("{name}/persons"), roots, scope).await?;
        let mut erased: HashMap<AddressHash, u32> = HashMap::new();
        let mut rows = db.scan_prefix(schema::ERASURES, ..).await?;
        while let Some(row) = rows.next().await? {
            let (address, _) = schema::read_linked(&row.key)?;
            *erased.entry(address).or_default() += 1;
        }
        let ledger = Ledger::new(db.clone());
        Ok(Self { ledger, db, keys, persons, erased: RwLock::new(erased) })
    }

    /// Who an address belongs to, in this region; `hash` is the suppression list's.
    pub(crate) fn person(&self, address: &EmailAddress, hash: &AddressHash) -> KeyId {
        let address = address.comparison().as_bytes();
        match self.erased.read().unwrap_or_else(PoisonError::into_inner).get(hash) {
            None => mac(&self.persons, &[address]),
            Some(times) => mac(&self.persons, &[address, b" erased ", &times.to_be_bytes()]),
        }
    }

    /// Whether a person was erased here before.
    pub(crate) fn was_erased(&self, hash: &AddressHash) -> bool {
        self.erased.read().unwrap_or_else(PoisonError::into_inner).contains_key(hash)
    }

    /// From now on whoever has this address is another person.
    pub(crate) fn note_erasure(&self, hash: AddressHash) {
        *self.erased.write().unwrap_or_else(PoisonError::into_inner).entry(hash).or_default() += 1;
    }

    /// Writes blocks and their index; they are durable after a [`Db::flush`].
    pub(crate) async fn put(&self, pieces: Vec<Piece>) -> Result<(), Error> {
        let mut pieces = pieces.into_iter().peekable();
        while pieces.peek().is_some() {
            let (mut batch, mut bytes, mut rows) = (WriteBatch::new(), 0, 0);
            while bytes < WRITTEN
                && rows < ROWS
                && let Some(piece) = pieces.next()
            {
                (bytes, rows) = (bytes + piece.value.len(), rows + 1);
                batch.put_bytes(piece.key.into(), piece.value.into());
            }
            self.db.write(batch).await?;
        }
        Ok(())
    }

    /// A page as `Block` or [`EncodedBlock`], or `None` where there is none.
    pub(crate) async fn page<T: Message + Default>(
        &self,
        import: &ImportId,
        cohort: u32,
        page: u32,
    ) -> Result<Option<T>, Error> {
        let mut pieces = self.db.scan_prefix(schema::page(import, cohort, page), ..).await?;
        let mut whole = BytesMut::new();
        while let Some(piece) = pieces.next().await? {
            whole.extend_from_slice(&piece.value);
        }
        if whole.is_empty() {
            return Ok(None);
        }
        T::decode(whole.freeze()).map(Some).map_err(|_| Error::Damaged("a page"))
    }

    /// Puts an import on record, once.
    pub(crate) async fn record_import(&self, now: Timestamp, imported: Imported) -> Result<(), Error> {
        let key = schema::imported(&imported.import);
        let writer = self.ledger.writer().await?;
        if self.db.get(&key).await?.is_none() {
            writer.append(now, Event::Imported(imported), &key).await?.await_durable().await?;
        }
        Ok(())
    }

    /// Whether an import is in the ledger.
    pub(crate) async fn has_recorded(&self, import: &ImportId) -> Result<bool, Error> {
        Ok(self.db.get(schema::imported(import)).await?.is_some())
    }

    /// Deletes the blocks of an import that did not finish, and their index: it may be ahead of them, so all is looked at.
    pub(crate) async fn discard(&self, import: &ImportId) -> Result<(), Error> {
        delete_prefix(&self.db, &schema::pending(import)).await?;
        delete_prefix(&self.db, &schema::blocks(import)).await?;
        let ours = |key: &[u8]| schema::read_indexed(key).is_ok_and(|(_, of, _)| of == *import);
        delete_where(&self.db, schema::INDEX, ours).await
    }

    /// Imports whose rows are on their way out.
    pub(crate) async fn removals(&self) -> Result<Vec<ImportId>, Error> {
        let mut found = Vec::new();
        let mut rows = self.db.scan_prefix(schema::REMOVALS, ..).await?;
        while let Some(row) = rows.next().await? {
            let import = row.key.get(1..).and_then(|key| key.try_into().ok());
            found.push(import.ok_or(Error::Damaged("a removal"))?);
        }
        Ok(found)
    }
}

/// Reads entries at their positions. Rows of one list stand on few pages: each is read once where they come in their order.
pub(crate) struct PageReader<'a> {
    region: &'a RegionState,
    at: Option<(ImportId, u32, u32)>,
    entries: Vec<Bytes>,
}

impl<'a> PageReader<'a> {
    pub(crate) fn new(region: &'a RegionState) -> Self {
        Self { region, at: None, entries: Vec::new() }
    }

    /// The entry at a position, if it is there.
    pub(crate) async fn entry(
        &mut self,
        import: &ImportId,
        position: Position,
    ) -> Result<Option<Entry>, Error> {
        let at = (*import, position.cohort, position.page);
        if self.at != Some(at) {
            let page: Option<EncodedBlock> = self.region.page(import, position.cohort, position.page).await?;
            self.entries = page.map(|page| page.entries).unwrap_or_default();
            self.at = Some(at);
        }
        let entry = usize::try_from(position.at).ok().and_then(|at| self.entries.get(at));
        // From a slice: decoded from `Bytes`, it would keep all of its page in memory.
        entry.map(|entry| Entry::decode(entry.as_ref())).transpose().map_err(|_| Error::Damaged("a page"))
    }
}

/// Deletes everything under a prefix, durably.
pub(crate) async fn delete_prefix(db: &Db, prefix: &[u8]) -> Result<(), Error> {
    delete_where(db, prefix, |_| true).await
}

async fn delete_where(db: &Db, prefix: &[u8], chosen: impl Fn(&[u8]) -> bool) -> Result<(), Error> {
    let mut rows = db.scan_prefix(prefix, ..).await?;
    let mut keys: Vec<Bytes> = Vec::new();
    loop {
        let row = rows.next().await?;
        let end = row.is_none();
        keys.extend(row.map(|row| row.key).filter(|key| chosen(key)));
        if keys.len() == ROWS || end {
            let mut batch = WriteBatch::new();
            keys.drain(..).for_each(|key| batch.delete(key));
            db::write_durable(db, batch).await?;
        }
        if end {
            return Ok(());
        }
    }
}
