//! Bringing what the revision before wrote to this one.
//!
//! Revision 1 hashed addresses as they were spelled, revisions 2 and 3 with the local part in lower case, which now is
//! case-folded: `straße@` and `STRASSE@` were two. Where the evidence of a row can still be opened, the hash of then is
//! mapped to the person's, once, so that an opt-out or a link of then holds for every spelling, and one of now for a row of
//! then. Where it can't, because the person was erased, the hash stays in force for the spelling that it was made of: whoever
//! is imported is asked by that, too ([`crate::suppression`]).
//!
//! What was lifted goes with what it lifts, unless there is more on record for the person that it did not lift. What nobody
//! lifted doesn't come to stand under what was lifted of the person by another hash: it is put on record behind that.
//!
//! Revision 2 had no index of people: it is made of the evidence, and made anew where people have another hash now.
//!
//! Revision 1 did not keep when an import was made, only the `as_of` that its caller gave, which could be any moment. The
//! ledger knows, so that rows are as old as they are, and nothing that is lifted has to wait for a day to come
//! ([`date_imports`]).
//!
//! Each step may be interrupted and repeated; only the last says that all is done.

use std::collections::BTreeMap;

use jiff::Timestamp;
use maily_keys::Clock;
use maily_law::{EmailAddress, Moment, Region, column};
use maily_store::db::write_durable;
use prost::Message;
use slatedb::WriteBatch;

use crate::campaigns::Campaigns;
use crate::ledger::{Event, Lifted, ListObjection, Objected, OptedOut};
use crate::pages::details;
use crate::records::{Block, Campaign, Entry};
use crate::region::{RegionState, delete_prefix};
use crate::schema::{self, Channel, Lift, Position, REVISION, Reason};
use crate::secrets::{AddressHash, Secrets, SenderHash};
use crate::{Error, ImportId};

/// Rows rewritten in one write.
const ROWS: usize = 1_000;
const ARTICLE: &str = "an objection of a revision before, for every spelling of the address";

/// Whether there is something older to migrate; refuses what is newer, before anything is written.
pub(crate) async fn is_older(campaigns: &Campaigns) -> Result<bool, Error> {
    match campaigns.revision().await? {
        Some(REVISION) => Ok(false),
        // An empty one: opt-outs without a campaign are not to be had, but a region may be ahead after a kill.
        Some(1..REVISION) | None => Ok(true),
        Some(_) => Err(Error::Config("the data was written by a later revision of Maily")),
    }
}

/// Migrates what is older.
pub(crate) async fn bring_up(
    campaigns: &Campaigns,
    regions: &BTreeMap<Region, RegionState>,
    secrets: &Secrets,
    clock: &Clock,
) -> Result<(), Error> {
    let finished = campaigns.all().await?;
    for region in regions.values() {
        region.renew_suppressions().await?;
        for campaign in &finished {
            region.map_former(campaign, secrets).await?;
        }
        region.shorten_formers().await?;
        region.rename_pending().await?;
        // By what it was made before, nobody would find it.
        delete_prefix(&region.db, schema::INDEX).await?;
        for campaign in &finished {
            region.index_people(campaign).await?;
        }
    }
    for region in regions.values() {
        region.carry_objections(regions, clock).await?;
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

/// Notes with imports that have no moment when they were put on record. Every start looks, behind what brings every import
/// that exists into the ledgers.
pub(crate) async fn date_imports(
    campaigns: &Campaigns,
    regions: &BTreeMap<Region, RegionState>,
    clock: &Clock,
) -> Result<(), Error> {
    for campaign in campaigns.all().await? {
        if !campaign.imported_at.is_empty() {
            continue;
        }
        let mut first: Option<Timestamp> = None;
        for region in regions.values() {
            if let Some(link) = region.link_at(&schema::imported(&campaign.import)).await? {
                let at: Timestamp = link.at.parse().map_err(|_| Error::Damaged("a link's moment"))?;
                first = Some(first.map_or(at, |first| first.min(at)));
            }
        }
        let at = match first {
            Some(at) => at,
            // A list without a row is in no ledger: any moment that is past will do.
            None => {
                let as_of =
                    Moment::parse(&campaign.as_of).map_err(|_| Error::Damaged("a campaign's moment"))?;
                as_of.instant().min(clock())
            }
        };
        campaigns.change(&campaign.id, |campaign| campaign.imported_at = at.to_string()).await?;
    }
    Ok(())
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
        if campaign.revision >= REVISION {
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
                let renamed = self.renamed(&address).await?;
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
            // Who was erased can't be mapped, and is not to be; of others nothing was kept.
            let Some(key) = key.filter(|_| !entry.sealed.is_empty()) else { continue };
            // Whoever came again has another key.
            let Ok(details) = details(import, entry, &key) else { continue };
            let email = details.fields.get(column::EMAIL).map(String::as_str).unwrap_or_default();
            // What is no address by today's rules is written to no more.
            let Ok(address) = EmailAddress::parse(email) else { continue };
            let hash = secrets.address_hash(&address);
            if entry.address == hash.as_slice() {
                continue;
            }
            let former = entry.address_hash()?;
            // An upgrade before may have mapped it to what is a former hash now itself.
            let between = self.renamed(&former).await?.filter(|between| *between != hash);
            for name in std::iter::once(former).chain(between) {
                batch.put(schema::former(&name), hash);
            }
        }
        if batch.is_empty() { Ok(()) } else { Ok(write_durable(&self.db, batch).await?) }
    }

    /// What an upgrade before mapped to a hash that is mapped itself now is mapped to where that leads.
    async fn shorten_formers(&self) -> Result<(), Error> {
        let mut batch = WriteBatch::new();
        for (former, address) in self.formers().await? {
            if let Some(person) = self.renamed(&address).await?.filter(|person| *person != former) {
                batch.put(schema::former(&former), person);
            }
        }
        if batch.is_empty() { Ok(()) } else { Ok(write_durable(&self.db, batch).await?) }
    }

    /// Objections of a list that are not yet on record will be for the person, too.
    async fn rename_pending(&self) -> Result<(), Error> {
        let mut rows = self.db.scan_prefix(schema::PENDING, ..).await?;
        while let Some(row) = rows.next().await? {
            let damaged = |_| Error::Damaged("objections of a list");
            let mut objected = Objected::decode(row.value).map_err(damaged)?;
            let mut renamed = Vec::new();
            for objection in &objected.objections {
                let address = objection.address.as_slice().try_into();
                let address = address.map_err(|_| Error::Damaged("an objection"))?;
                if let Some(person) = self.renamed(&address).await? {
                    renamed.push(ListObjection { address: person.to_vec(), ..objection.clone() });
                }
            }
            renamed.retain(|objection| !objected.objections.contains(objection));
            if renamed.is_empty() {
                continue;
            }
            objected.objections.append(&mut renamed);
            let mut batch = WriteBatch::new();
            batch.put(row.key, objected.encode_to_vec());
            write_durable(&self.db, batch).await?;
        }
        Ok(())
    }

    /// Hashes of before, each with its person's.
    pub(crate) async fn formers(&self) -> Result<Vec<(AddressHash, AddressHash)>, Error> {
        let mut formers = Vec::new();
        let mut rows = self.db.scan_prefix(schema::FORMER, ..).await?;
        while let Some(row) = rows.next().await? {
            let damaged = || Error::Damaged("a former address");
            let former = row.key.get(1..).and_then(|key| key.try_into().ok()).ok_or_else(damaged)?;
            formers.push((former, row.value.as_ref().try_into().map_err(|_| damaged())?));
        }
        Ok(formers)
    }

    /// Puts on record for the person what stands, in any region, for a hash that was mapped to them here, and what was lifted
    /// of it.
    async fn carry_objections(&self, regions: &BTreeMap<Region, Self>, clock: &Clock) -> Result<(), Error> {
        for (former, address) in self.formers().await? {
            let (mut standing, mut own) = (Vec::new(), Vec::new());
            for region in regions.values() {
                standing.extend(region.standing(&former).await?);
                own.extend(region.standing(&address).await?);
            }
            if standing.is_empty() {
                continue;
            }
            // Before the objections: an upgrade that is interrupted begins here anew.
            if own.is_empty() {
                self.carry_lifts(regions, &former, &address, clock).await?;
            }
            let (mut lifts, mut own_lifts) = (Vec::new(), Vec::new());
            for region in regions.values() {
                lifts.extend(region.lifts_of(&former).await?.into_iter().map(|(_, lift)| lift));
                own_lifts.extend(region.lifts_of(&address).await?.into_iter().map(|(_, lift)| lift));
            }
            // The latest first: what came before it changes nothing.
            standing.sort_by_key(|reason| std::cmp::Reverse((reason.at, reason.until())));
            for reason in standing {
                let reason = unlifted(reason, &lifts, &own_lifts);
                let is_more = |own: &Reason| own.at >= reason.at && own.until() >= reason.until();
                if own.iter().any(is_more) {
                    continue;
                }
                let event = OptedOut {
                    address: address.to_vec(),
                    article: ARTICLE.to_owned(),
                    row: reason.encode(),
                    ..OptedOut::default()
                };
                let writer = self.ledger.writer().await?;
                let row = (schema::suppression(&address, writer.number()), reason.encode());
                let (now, event) = (clock(), Event::OptedOut(event));
                writer.append_with(now, event, vec![row], Vec::new()).await?.await_durable().await?;
                own.push(reason);
            }
        }
        Ok(())
    }

    async fn carry_lifts(
        &self,
        regions: &BTreeMap<Region, Self>,
        former: &AddressHash,
        address: &AddressHash,
        clock: &Clock,
    ) -> Result<(), Error> {
        let (mut lifts, mut own) = (Vec::new(), Vec::new());
        for region in regions.values() {
            lifts.extend(region.lifts_of(former).await?.into_iter().map(|(link, lift)| (region, link, lift)));
            own.extend(region.lifts_of(address).await?.into_iter().map(|(_, lift)| lift));
        }
        for (region, link, lift) in lifts {
            if own.contains(&lift) {
                continue;
            }
            let Some(Event::Lifted(lifted)) = region.ledger.link(link).await?.event else {
                return Err(Error::Damaged("a lifting"));
            };
            // As whoever lifted it said.
            let event = Lifted { addresses: vec![address.to_vec()], moments: vec![lift.at], ..lifted };
            let writer = self.ledger.writer().await?;
            let row = (schema::lift(address, writer.number()), lift.encode());
            let (now, event) = (clock(), Event::Lifted(event));
            writer.append_with(now, event, vec![row], Vec::new()).await?.await_durable().await?;
        }
        Ok(())
    }

    /// What was not taken back with its import.
    async fn standing(&self, address: &AddressHash) -> Result<Vec<Reason>, Error> {
        let reasons = self.reasons(address).await?.into_iter().map(|(_, reason)| reason);
        Ok(reasons.filter(|reason| reason.undone.is_none()).collect())
    }

    async fn lifts_of(&self, address: &AddressHash) -> Result<Vec<(u64, Lift)>, Error> {
        let mut lifts = Vec::new();
        let mut rows = self.db.scan_prefix(schema::lifts(address), ..).await?;
        while let Some(row) = rows.next().await? {
            let (_, link) = schema::read_linked(&row.key)?;
            lifts.push((link.ok_or(Error::Damaged("a lifting"))?, Lift::decode(&row.value)?));
        }
        Ok(lifts)
    }
}

/// An objection of a hash of before as it is for the person: behind whatever was lifted of theirs for somebody for whom it
/// was not, and so never lifted by that.
fn unlifted(reason: Reason, lifts: &[Lift], own_lifts: &[Lift]) -> Reason {
    let is_lifted =
        |sender: SenderHash| lifts.iter().any(|lift| lift.sender == sender && lift.at > reason.at);
    let others = own_lifts.iter().filter(|own| own.at > reason.at && !is_lifted(own.sender));
    let behind = others.map(|own| own.at.saturating_add(1)).max();
    Reason { at: behind.unwrap_or(reason.at), ..reason }
}

#[cfg(test)]
mod tests;
