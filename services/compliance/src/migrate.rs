//! Bringing what the revision before wrote to this one.
//!
//! Revision 1 hashed addresses as they were spelled. Where the evidence of a row can still be opened, the hash of then is
//! mapped to the person's, once, so that an opt-out or a link of then holds for every spelling. Where it can't, because
//! the person was erased, the hash stays in force for the spelling that it was made of: whoever is imported is asked by
//! that, too ([`crate::suppression`]).
//!
//! Revision 2 had no index of people: it is made of the evidence.
//!
//! Revision 1 did not keep when an import was made, only the `as_of` that its caller gave, which could be any moment. The
//! ledger knows, so that rows are as old as they are, and nothing that is lifted has to wait for a day to come
//! ([`date_imports`]).
//!
//! Each step may be interrupted and repeated; only the last says that all is done.

use std::collections::BTreeMap;

use jiff::Timestamp;
use maily_keys::Clock;
use maily_keys::db::write_durable;
use maily_law::{EmailAddress, Moment, Region, column};
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

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use bytes::Bytes;
    use maily_keys::LocalKeyring;

    use super::*;
    use crate::{Config, Sender, State};

    const LIST: &str = "\
id,email,first_name,country,locale,segment,birth_year,consent,consent_at,consent_source,suppressed
1,a@b.us,Ada,US,en-US,vip,1980,express,2025-01-01T00:00:00Z,form,false
";

    async fn open(folder: &Path) -> State {
        let config = Config { keyring: folder.join("keyring.json"), ..Config::default() };
        let roots = Arc::new(LocalKeyring::open(&config.keyring).unwrap());
        State::open(&config, &folder.join("data"), roots).await.unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_import_of_revision_1_was_made_when_the_ledger_says() {
        for (as_of, list) in [
            ("2033-01-01T00:00:00Z", LIST),
            ("2020-01-01T00:00:00Z", LIST),
            ("2033-01-01T00:00:00Z", LIST.split_inclusive('\n').next().unwrap()),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let state = open(folder.path()).await;
            let began = Timestamp::now();
            let sender = Sender { country: "US", address: "news@brand.example" };
            let list = futures::stream::iter([Ok(Bytes::from(list))]);
            state.import("c", "", sender, list).await.unwrap();
            let as_revision_1 = |campaign: &mut Campaign| {
                campaign.as_of = as_of.to_owned();
                (campaign.revision, campaign.imported_at, campaign.planned) =
                    (0, String::new(), String::new());
            };
            state.0.campaigns.change("c", as_revision_1).await.unwrap();
            state.close().await;
            let state = open(folder.path()).await;
            let campaign = state.0.campaigns.find("c").await.unwrap().unwrap();
            let now = Timestamp::now();
            let imported = campaign.when().unwrap().import();
            assert!((began..=now).contains(&imported), "{as_of}: {imported}");
            let behind = state.0.imports.behind(now);
            assert!(behind <= now.as_millisecond() + 1, "{as_of}: what is lifted now counts now");
            assert_eq!(state.retire().await.unwrap(), 0, "{as_of}: it is young");
            state.close().await;
        }
    }
}
