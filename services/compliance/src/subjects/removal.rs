//! Taking rows of an import away: those of an import that was taken back, and those whose time is over.
//!
//! The ledger says first that they go, then they go, a piece of a page at a time: their entries of the index, and the keys
//! of people of whom nothing else is held. What was begun is finished at the next start.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use aws_lc_rs::digest::{SHA256, digest};
use maily_keys::KeyId;
use maily_store::db::write_durable;
use prost::Message;
use slatedb::WriteBatch;

use crate::import::layout::{EXCLUDED, blocks_digest};
use crate::ledger::{Event, Removed};
use crate::pages::ALL_ROWS;
use crate::records::{Block, Campaign, Entry, RegionSum};
use crate::region::{PageReader, RegionState};
use crate::schema::Position;
use crate::secrets::AddressHash;
use crate::state::Inner;
use crate::{Error, ImportId, schema};

/// [`Campaign::removed`] where only those are left who may be written to.
pub(crate) const EXCLUDED_ROWS: &str = "excluded";

/// Keys looked at in one go.
const SWEPT: usize = 4_096;

/// Which rows of an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// Those that are not written to.
    Excluded,
    All,
}

impl Which {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Excluded => EXCLUDED_ROWS,
            Self::All => ALL_ROWS,
        }
    }
}

impl Inner {
    /// Removes rows of a finished import; answers how many. Repeating changes nothing.
    pub(crate) async fn remove(&self, campaign: &Campaign, which: Which, why: &str) -> Result<u64, Error> {
        let _alone = self.alone.removing.lock().await;
        let found =
            self.campaigns.find(&campaign.id).await?.ok_or(Error::Damaged("a campaign is missing"))?;
        let campaign = found.as_ref();
        let are_gone = campaign.removed == ALL_ROWS || campaign.removed == which.name();
        if are_gone && !campaign.removing {
            return Ok(0);
        }
        // What was begun and not ended is ended by what goes further.
        let which = if campaign.removed == ALL_ROWS { Which::All } else { which };
        // A report is asked for as long as anybody wants, and what is gone can't be counted.
        let left_out = match which {
            Which::All if campaign.removed != ALL_ROWS => {
                match self.left_out(&found).await {
                    // Another look won't tell it either.
                    Err(error) if error.is_damage() => {
                        tracing::warn!(%error, "messages that were left out can't be counted, and their rows go");
                        0
                    }
                    left_out => left_out?,
                }
            }
            _ => campaign.left_out,
        };
        // First: from now on nobody is answered half of them.
        let begin = |campaign: &mut Campaign| {
            campaign.removed = which.name().to_owned();
            campaign.removing = true;
            campaign.left_out = left_out;
        };
        self.campaigns.change(&campaign.id, begin).await?;
        let mut rows = 0;
        for (region, state) in self.regions.iter() {
            let kept = campaign.regions.iter().any(|sum| sum.region == region.name());
            if kept {
                rows += self.remove_from(state, region.name(), campaign, which, why).await?;
            }
        }
        self.campaigns.change(&campaign.id, |campaign| campaign.removing = false).await?;
        Ok(rows)
    }

    async fn remove_from(
        &self,
        state: &RegionState,
        region: &str,
        campaign: &Campaign,
        which: Which,
        why: &str,
    ) -> Result<u64, Error> {
        let import = campaign.import_id()?;
        let (left, rows) = state.left_without(region, &import, which).await?;
        if rows == 0 {
            return Ok(0);
        }
        let removed = Removed {
            campaign: campaign.id.clone(),
            import: campaign.import.clone(),
            left: Some(left),
            why: why.to_owned(),
            excluded_only: which == Which::Excluded,
        };
        let noted = (schema::removal(&import), removed.encode_to_vec());
        let writer = state.ledger.writer().await?;
        let event = Event::Removed(removed);
        writer.append_with(self.now(), event, vec![noted], Vec::new()).await?.await_durable().await?;
        self.finish_removal(state, &import, which).await?;
        Ok(rows)
    }

    /// Ends what the process before had put on record and not yet done.
    pub(crate) async fn finish_removals(&self, campaigns: &[Campaign]) -> Result<(), Error> {
        for state in self.regions.values() {
            for import in state.removals().await? {
                let noted = state.db.get(schema::removal(&import)).await?;
                let removed = noted.and_then(|noted| Removed::decode(noted).ok());
                let removed = removed.ok_or(Error::Damaged("a removal"))?;
                self.finish_removal(state, &import, Which::of(&removed)).await?;
            }
        }
        for campaign in campaigns.iter().filter(|campaign| campaign.removing) {
            let which = if campaign.removed == ALL_ROWS { Which::All } else { Which::Excluded };
            self.remove(campaign, which, "it was interrupted").await?;
        }
        Ok(())
    }

    async fn finish_removal(
        &self,
        state: &RegionState,
        import: &ImportId,
        which: Which,
    ) -> Result<(), Error> {
        let prefix = which.prefix(import);
        loop {
            let mut pieces = state.db.scan_prefix(&prefix, ..).await?;
            let Some(piece) = pieces.next().await? else { break };
            let entries = Block::decode(piece.value).map_err(|_| Error::Damaged("a page"))?.entries;
            // No import comes in between that takes somebody's last row for granted.
            let _alone = self.alone.taking_keys().await?;
            state.remove_entries(import, &entries, piece.key.to_vec()).await?;
        }
        let mut batch = WriteBatch::new();
        batch.delete(schema::removal(import));
        Ok(write_durable(&state.db, batch).await?)
    }
}

impl Which {
    /// Which rows a link says that it takes away.
    pub(crate) fn of(removed: &Removed) -> Self {
        if removed.excluded_only { Self::Excluded } else { Self::All }
    }

    /// What the keys of the rows begin with.
    pub(crate) fn prefix(self, import: &ImportId) -> Vec<u8> {
        match self {
            Self::Excluded => {
                let mut prefix = schema::blocks(import);
                prefix.extend(EXCLUDED.to_be_bytes());
                prefix
            }
            Self::All => schema::blocks(import),
        }
    }
}

impl RegionState {
    /// What is left of an import without some of its rows, and how many those are.
    async fn left_without(
        &self,
        region: &str,
        import: &ImportId,
        which: Which,
    ) -> Result<(RegionSum, u64), Error> {
        let (mut blocks, mut kept, mut gone) = (BTreeMap::new(), 0, 0);
        let prefix = which.prefix(import);
        let mut rows = self.db.scan_prefix(schema::blocks(import), ..).await?;
        while let Some(row) = rows.next().await? {
            let hash = digest(&SHA256, &row.value).as_ref().to_vec();
            let entries =
                Block::decode(row.value).map_err(|_| Error::Damaged("a page"))?.entries.len() as u64;
            if row.key.starts_with(&prefix) {
                gone += entries;
            } else {
                kept += entries;
                blocks.insert(row.key.to_vec(), hash);
            }
        }
        let left = RegionSum { region: region.to_owned(), rows: kept, digest: blocks_digest(&blocks) };
        Ok((left, gone))
    }

    /// Takes a piece of a page away.
    async fn remove_entries(
        &self,
        import: &ImportId,
        entries: &[Entry],
        piece: Vec<u8>,
    ) -> Result<(), Error> {
        let (mut batch, mut keys) = (WriteBatch::new(), Vec::new());
        let mut people: BTreeMap<AddressHash, (Vec<u64>, Vec<KeyId>)> = BTreeMap::new();
        for entry in entries {
            let address = entry.address_hash()?;
            let name = self.renamed(&address).await?.unwrap_or(address);
            let (lines, ids) = people.entry(name).or_default();
            lines.push(entry.line);
            ids.push(entry.person_id()?);
        }
        let has_formers = self.db.scan_prefix(schema::FORMER, ..).await?.next().await?.is_some();
        for (name, (lines, ids)) in people {
            let others = self.other_rows(&name, import, &lines).await?;
            // One person has one key, unless they were erased in between or were somebody else to revision 1.
            if others.is_empty() {
                keys.extend(ids);
            } else if has_formers || self.was_erased(&name) {
                let kept = self.persons_of(&others).await?;
                keys.extend(ids.into_iter().filter(|id| !kept.contains(id)));
            }
            lines.iter().for_each(|line| batch.delete(schema::indexed(&name, import, *line)));
        }
        self.keys.destroy(&keys).await?;
        batch.delete(piece);
        Ok(write_durable(&self.db, batch).await?)
    }

    /// Rows of a person besides these.
    async fn other_rows(
        &self,
        name: &AddressHash,
        import: &ImportId,
        lines: &[u64],
    ) -> Result<Vec<(ImportId, Position)>, Error> {
        let mut others = Vec::new();
        let mut rows = self.db.scan_prefix(schema::index(name), ..).await?;
        while let Some(row) = rows.next().await? {
            let (_, of, line) = schema::read_indexed(&row.key)?;
            if of != *import || !lines.contains(&line) {
                others.push((of, Position::decode(&row.value)?));
            }
        }
        Ok(others)
    }

    /// By what ids the people of these rows have their keys.
    async fn persons_of(&self, rows: &[(ImportId, Position)]) -> Result<BTreeSet<KeyId>, Error> {
        let (mut persons, mut pages) = (BTreeSet::new(), PageReader::new(self));
        for (import, position) in rows {
            let entry = pages.entry(import, *position).await?;
            persons.extend(entry.and_then(|entry| entry.person_id().ok()));
        }
        Ok(persons)
    }

    /// Destroys keys under which nothing is sealed: an import that did not finish has made them. Nobody may import
    /// meanwhile.
    pub(crate) async fn sweep_keys(&self) -> Result<(), Error> {
        let mut persons = HashSet::new();
        let mut rows = self.db.scan_prefix(schema::BLOCKS, ..).await?;
        while let Some(row) = rows.next().await? {
            let block = Block::decode(row.value).map_err(|_| Error::Damaged("a page"))?;
            persons.extend(block.entries.iter().filter_map(|entry| entry.person_id().ok()));
        }
        let mut after = None;
        loop {
            let ids = self.keys.ids(after.as_ref(), SWEPT).await?;
            let Some(last) = ids.last().copied() else { return Ok(()) };
            after = Some(last);
            let nobodys: Vec<KeyId> = ids.into_iter().filter(|id| !persons.contains(id)).collect();
            self.keys.destroy(&nobodys).await?;
        }
    }
}
