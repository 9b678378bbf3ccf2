//! One residency region: its ledger and blocks in one database, its persons' keys in another.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use bytes::{Bytes, BytesMut};
use maily_keys::db::{self, Tuning};
use maily_keys::{DataKey, KeyId, KeyTable, RootKeys, Scope, mac};
use maily_law::{EmailAddress, Region};
use object_store::ObjectStore;
use prost::Message;
use slatedb::config::{DurabilityLevel, ScanOptions};
use slatedb::{Db, WriteBatch};

use crate::layout::{ImportId, Piece, blocks_digest};
use crate::ledger::Ledger;
use crate::records::{Block, Event, Imported, ListObjection, OptedOut};
use crate::secrets::AddressHash;
use crate::{Error, schema};

/// Rows deleted in one write.
const DELETIONS: usize = 1_000;

/// An open region.
pub(crate) struct RegionState {
    pub(crate) db: Db,
    pub(crate) keys: KeyTable,
    pub(crate) ledger: Ledger,
    persons: DataKey,
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
        Ok(Self { ledger: Ledger::new(db.clone()), db, keys, persons })
    }

    /// Who an address belongs to, in this region.
    pub(crate) fn person(&self, address: &EmailAddress) -> KeyId {
        mac(&self.persons, &[address.comparison().as_bytes()])
    }

    /// Writes blocks; they are durable after a [`Db::flush`].
    pub(crate) async fn put(&self, pieces: Vec<Piece>) -> Result<(), Error> {
        for piece in pieces {
            self.db.put_bytes(piece.key.into(), piece.value.into()).await?;
        }
        Ok(())
    }

    /// A page, or `None` where there is none.
    pub(crate) async fn page(
        &self,
        import: &ImportId,
        cohort: u32,
        page: u32,
    ) -> Result<Option<Block>, Error> {
        let mut pieces = self.db.scan_prefix(schema::page(import, cohort, page), ..).await?;
        let mut whole = BytesMut::new();
        while let Some(piece) = pieces.next().await? {
            whole.extend_from_slice(&piece.value);
        }
        if whole.is_empty() {
            return Ok(None);
        }
        Block::decode(whole.freeze()).map(Some).map_err(|_| Error::Damaged("a page"))
    }

    /// Puts an import on record, once.
    pub(crate) async fn record_import(&self, imported: Imported) -> Result<(), Error> {
        let key = schema::imported(&imported.import);
        let writer = self.ledger.writer().await?;
        if self.db.get(&key).await?.is_none() {
            writer.append(Event::Imported(imported), &key).await?.await_durable().await?;
        }
        Ok(())
    }

    /// Whether an objection of a person is on record here, durably.
    pub(crate) async fn has_objected(&self, address: &AddressHash) -> Result<bool, Error> {
        let durable = ScanOptions::default().with_durability_filter(DurabilityLevel::Remote);
        let prefix = schema::suppressions(address);
        Ok(self.db.scan_prefix_with_options(prefix, .., &durable).await?.next().await?.is_some())
    }

    /// Deletes the blocks of an import that did not finish.
    pub(crate) async fn discard(&self, import: &ImportId) -> Result<(), Error> {
        delete_prefix(&self.db, &schema::pending(import)).await?;
        delete_prefix(&self.db, &schema::blocks(import)).await
    }

    /// Checks the whole ledger, the keys into it, the suppression list, the blocks that it commits to, and that there are
    /// no others but of imports under way; answers the number of links.
    pub(crate) async fn verify(&self, under_way: &[ImportId]) -> Result<u64, Error> {
        let mut objections = BTreeSet::new();
        let links = self
            .ledger
            .walk(async |link| self.verify_event(link.seq, link.event, &mut objections).await)
            .await?;
        self.verify_suppressions(&objections).await?;
        let mut from = schema::BLOCKS.to_vec();
        while let Some(row) = self.db.scan_prefix(schema::BLOCKS, from[1..].to_vec()..).await?.next().await? {
            let import: ImportId =
                row.key[1..].first_chunk().copied().ok_or(Error::Damaged("a block's key"))?;
            let recorded = self.db.get(schema::imported(&import)).await?.is_some();
            if !recorded && !under_way.contains(&import) {
                return Err(Error::Damaged("there is evidence of an import that did not finish"));
            }
            from = schema::page(&import, u32::MAX, u32::MAX);
            from.extend([0xff; 5]);
        }
        Ok(links)
    }

    async fn verify_event(
        &self,
        seq: u64,
        event: Option<Event>,
        objections: &mut BTreeSet<Vec<u8>>,
    ) -> Result<(), Error> {
        let key = match event {
            Some(Event::Imported(imported)) => {
                self.verify_blocks(&imported).await?;
                schema::imported(&imported.import)
            }
            Some(Event::HandedOff(page)) => schema::handed_off(&page),
            Some(Event::OptedOut(OptedOut { address, .. })) => {
                objections.insert(schema::suppression(&address, seq));
                return Ok(());
            }
            Some(Event::Objected(objected)) => {
                let key = |objection: ListObjection| schema::suppression(&objection.address, seq);
                objections.extend(objected.objections.into_iter().map(key));
                return Ok(());
            }
            None => return Err(Error::Damaged("a link without an event")),
        };
        let found = self.db.get(key).await?;
        let right = found.as_deref() == Some(&seq.to_be_bytes());
        right.then_some(()).ok_or(Error::Damaged("a link is not found by its key"))
    }

    /// The suppression list is what the ledger says, no more and no less.
    async fn verify_suppressions(&self, objections: &BTreeSet<Vec<u8>>) -> Result<(), Error> {
        let mut found = 0;
        let mut rows = self.db.scan_prefix(schema::SUPPRESSIONS, ..).await?;
        while let Some(row) = rows.next().await? {
            if !objections.contains(row.key.as_ref()) {
                return Err(Error::Damaged("a suppression is not in the ledger"));
            }
            found += 1;
        }
        let right = found == objections.len();
        right.then_some(()).ok_or(Error::Damaged("a link is not found by its key"))
    }

    async fn verify_blocks(&self, imported: &Imported) -> Result<(), Error> {
        let mut blocks = BTreeMap::new();
        let mut rows = self.db.scan_prefix(schema::blocks(&imported.import), ..).await?;
        while let Some(row) = rows.next().await? {
            blocks.insert(row.key.to_vec(), digest(&SHA256, &row.value).as_ref().to_vec());
        }
        let wanted = imported.sum.as_ref().map(|sum| &sum.digest);
        let right = wanted == Some(&blocks_digest(&blocks));
        right.then_some(()).ok_or(Error::Damaged("the evidence of an import was changed"))
    }
}

/// Deletes everything under a prefix, durably.
pub(crate) async fn delete_prefix(db: &Db, prefix: &[u8]) -> Result<(), Error> {
    let mut rows = db.scan_prefix(prefix, ..).await?;
    let mut keys: Vec<Bytes> = Vec::new();
    loop {
        let row = rows.next().await?;
        let end = row.is_none();
        keys.extend(row.map(|row| row.key));
        if keys.len() == DELETIONS || end {
            let mut batch = WriteBatch::new();
            keys.drain(..).for_each(|key| batch.delete(key));
            db::write_durable(db, batch).await?;
        }
        if end {
            return Ok(());
        }
    }
}

#[cfg(test)]
#[path = "region_tests.rs"]
mod tests;
