//! Bringing what the revision before wrote to this one.
//!
//! Revision 1 hashed addresses as they were spelled. Where the evidence of a row can still be opened, the hash of then is
//! mapped to the person's, once, so that an opt-out or a link of then holds for every spelling. Where it can't, because
//! the person was erased, the hash stays in force for the spelling that it was made of: whoever is imported is asked by
//! that, too ([`crate::suppression`]).
//!
//! Revision 2 had no index of people: it is made of the evidence.
//!
//! Each step may be interrupted and repeated; only the last says that all is done.

use std::collections::BTreeMap;

use jiff::Timestamp;
use maily_keys::db::write_durable;
use maily_law::{EmailAddress, Region, column};
use prost::Message;
use slatedb::WriteBatch;

use crate::campaigns::Campaigns;
use crate::ledger::{Event, OptedOut};
use crate::pages::details;
use crate::records::{Block, Campaign, Entry};
use crate::region::RegionState;
use crate::schema::{self, Channel, Position, REVISION, Reason};
use crate::secrets::{AddressHash, Secrets};
use crate::{Error, ImportId};

/// Rows rewritten in one write.
const ROWS: usize = 1_000;
const ARTICLE: &str = "an objection of revision 1, for every spelling of the address";

/// Migrates what is older, and refuses what is newer.
pub(crate) async fn bring_up(
    campaigns: &Campaigns,
    regions: &BTreeMap<Region, RegionState>,
    secrets: &Secrets,
) -> Result<(), Error> {
    match campaigns.revision().await? {
        Some(REVISION) => return Ok(()),
        Some(1 | 2) => {}
        // An empty one: opt-outs without a campaign are not to be had, but a region may be ahead after a kill.
        None => {}
        Some(_) => return Err(Error::Config("the data was written by a later revision of Maily")),
    }
    let finished = campaigns.all().await?;
    for region in regions.values() {
        region.renew_suppressions().await?;
        for campaign in &finished {
            region.map_former(campaign, secrets).await?;
            region.index_people(campaign).await?;
        }
    }
    for region in regions.values() {
        region.carry_objections(regions).await?;
    }
    if !finished.is_empty() {
        tracing::info!(
            campaigns = finished.len(),
            revision = REVISION,
            "the data was brought to this revision"
        );
    }
    campaigns.note_revision().await
}

impl RegionState {
    /// `s ‖ address` → link becomes `s ‖ address ‖ link` → reason.
    async fn renew_suppressions(&self) -> Result<(), Error> {
        let mut batch = WriteBatch::new();
        let mut count = 0;
        let mut rows = self.db.scan_prefix(schema::SUPPRESSIONS, ..).await?;
        while let Some(row) = rows.next().await? {
            // One that an interrupted upgrade renewed has its link in the key.
            let (address, None) = schema::read_linked(&row.key)? else { continue };
            let link = row.value.as_ref().try_into().map_err(|_| Error::Damaged("a suppression"))?;
            let link = self.ledger.link(u64::from_be_bytes(link)).await?;
            let at = link.at.parse::<jiff::Timestamp>().map_err(|_| Error::Damaged("a link's moment"))?;
            let reason = Reason::new(Channel::Link, at.as_millisecond());
            batch.put(schema::suppression(&address, link.seq), reason.encode());
            batch.delete(row.key);
            count += 1;
            if count % ROWS == 0 {
                write_durable(&self.db, std::mem::replace(&mut batch, WriteBatch::new())).await?;
            }
        }
        if batch.is_empty() { Ok(()) } else { Ok(write_durable(&self.db, batch).await?) }
    }

    /// Maps the hashes of an import's rows to those of their persons, where they differ.
    async fn map_former(&self, campaign: &Campaign, secrets: &Secrets) -> Result<(), Error> {
        if campaign.revision >= 2 {
            return Ok(());
        }
        let import = campaign.import_id()?;
        let mut rows = self.db.scan_prefix(schema::blocks(&import), ..).await?;
        while let Some(row) = rows.next().await? {
            let block = Block::decode(row.value).map_err(|_| Error::Damaged("a page"))?;
            for entries in block.entries.chunks(ROWS) {
                self.map_entries(&import, entries, secrets).await?;
            }
        }
        Ok(())
    }

    /// Makes the index of an import's rows, by the hashes of today where they are known.
    async fn index_people(&self, campaign: &Campaign) -> Result<(), Error> {
        let import = campaign.import_id()?;
        let mut rows = self.db.scan_prefix(schema::blocks(&import), ..).await?;
        let mut next = Position { cohort: 0, page: 0, at: 0 };
        while let Some(row) = rows.next().await? {
            let (cohort, page) = schema::read_page(&row.key)?;
            if (cohort, page) != (next.cohort, next.page) {
                next = Position { cohort, page, at: 0 };
            }
            let mut batch = WriteBatch::new();
            for entry in Block::decode(row.value).map_err(|_| Error::Damaged("a page"))?.entries {
                let address = entry.address_hash()?;
                let renamed = if campaign.revision < 2 { self.renamed(&address).await? } else { None };
                let key = schema::indexed(&renamed.unwrap_or(address), &import, entry.line);
                batch.put(key, next.encode());
                next.at += 1;
            }
            write_durable(&self.db, batch).await?;
        }
        Ok(())
    }

    async fn map_entries(
        &self,
        import: &ImportId,
        entries: &[Entry],
        secrets: &Secrets,
    ) -> Result<(), Error> {
        let ids = entries.iter().map(Entry::person_id).collect::<Result<Vec<_>, _>>()?;
        let mut batch = WriteBatch::new();
        for (entry, key) in entries.iter().zip(self.keys.get(&ids).await?) {
            // Who was erased can't be mapped, and is not to be.
            let Some(key) = key else { continue };
            let details = details(import, entry, &key)?;
            let email = details.fields.get(column::EMAIL).map(String::as_str).unwrap_or_default();
            // What is no address by today's rules is written to no more.
            let Ok(address) = EmailAddress::parse(email) else { continue };
            let hash = secrets.address_hash(&address);
            if entry.address != hash.as_slice() {
                batch.put(schema::former(&entry.address_hash()?), hash);
            }
        }
        if batch.is_empty() { Ok(()) } else { Ok(write_durable(&self.db, batch).await?) }
    }

    /// Puts on record for the person what is in force, in any region, for a hash that was mapped to them here.
    async fn carry_objections(&self, regions: &BTreeMap<Region, Self>) -> Result<(), Error> {
        let mut rows = self.db.scan_prefix(schema::FORMER, ..).await?;
        while let Some(row) = rows.next().await? {
            let damaged = || Error::Damaged("a former address");
            let former: AddressHash =
                row.key.get(1..).and_then(|key| key.try_into().ok()).ok_or_else(damaged)?;
            let address: AddressHash = row.value.as_ref().try_into().map_err(|_| damaged())?;
            for region in regions.values() {
                if let Some(reason) = region.first_reason(&former).await?
                    && self.first_reason(&address).await?.is_none()
                {
                    // It stands for the person, whatever became of the import that brought it for the spelling.
                    let reason = Reason { undone: None, ..reason };
                    let event = OptedOut {
                        address: address.to_vec(),
                        article: ARTICLE.to_owned(),
                        row: reason.encode(),
                        ..OptedOut::default()
                    };
                    let writer = self.ledger.writer().await?;
                    let row = (schema::suppression(&address, writer.number()), reason.encode());
                    let (now, event) = (Timestamp::now(), Event::OptedOut(event));
                    writer.append_with(now, event, vec![row], Vec::new()).await?.await_durable().await?;
                }
            }
        }
        Ok(())
    }

    async fn first_reason(&self, address: &AddressHash) -> Result<Option<Reason>, Error> {
        let mut rows = self.db.scan_prefix(schema::suppressions(address), ..).await?;
        rows.next().await?.map(|row| Reason::decode(&row.value)).transpose()
    }
}
