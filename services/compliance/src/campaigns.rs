//! The database of campaigns: what was imported, in counts and names of cohorts; nothing in it is personal.
//!
//! Its rows are in [`crate::schema`].

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use maily_law::KnownClock;
use maily_store::db::write_durable;
use prost::Message;
use slatedb::{Db, WriteBatch};

use crate::ImportId;
use crate::records::{Campaign, Invalid};
use crate::region::delete_prefix;
use crate::{Error, schema};

/// Campaigns remembered.
const CACHED: usize = 64;

/// The open database.
pub(crate) struct Campaigns {
    pub(crate) db: Db,
    cache: Mutex<Cache>,
    changing: tokio::sync::Mutex<()>,
    /// Campaigns whose imports this process made exist, and has not put into every ledger.
    unrecorded: Mutex<HashSet<String>>,
}

#[derive(Default)]
struct Cache {
    campaigns: HashMap<String, Arc<Campaign>>,
    /// Counts updates: what was read before one is not remembered after it.
    updates: u64,
}

impl Campaigns {
    pub(crate) fn new(db: Db) -> Self {
        Self {
            db,
            cache: Mutex::default(),
            changing: tokio::sync::Mutex::default(),
            unrecorded: Mutex::default(),
        }
    }

    /// A finished import.
    pub(crate) async fn find(&self, campaign: &str) -> Result<Option<Arc<Campaign>>, Error> {
        let updates = {
            let cache = self.cache();
            if let Some(found) = cache.campaigns.get(campaign) {
                return Ok(Some(Arc::clone(found)));
            }
            cache.updates
        };
        let Some(value) = self.db.get(schema::campaign(campaign)).await? else { return Ok(None) };
        let found = Arc::new(Campaign::decode(value).map_err(|_| Error::Damaged("a campaign"))?);
        let mut cache = self.cache();
        if cache.updates == updates {
            if cache.campaigns.len() >= CACHED {
                cache.campaigns.clear();
            }
            cache.campaigns.insert(campaign.to_owned(), Arc::clone(&found));
        }
        Ok(Some(found))
    }

    fn cache(&self) -> std::sync::MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that an import begins, so that what it leaves behind is found.
    pub(crate) async fn begin(&self, import: &ImportId) -> Result<(), Error> {
        let mut batch = WriteBatch::new();
        batch.put(schema::under_way(import), []);
        Ok(write_durable(&self.db, batch).await?)
    }

    /// Makes an import exist.
    pub(crate) async fn commit(&self, import: &ImportId, campaign: &Campaign) -> Result<(), Error> {
        let mut batch = WriteBatch::new();
        batch.delete(schema::under_way(import));
        batch.put(schema::unrecorded(import), campaign.id.as_bytes());
        batch.put(schema::campaign(&campaign.id), campaign.encode_to_vec());
        if !campaign.refused.is_empty() {
            batch.put(schema::refused(&campaign.digest, &campaign.refused), campaign.id.as_bytes());
        }
        // Whoever forgets an older list of the same bytes sees which one is found by them.
        let _alone = self.changing.lock().await;
        // Before: what fails may still be written.
        self.not_recorded().insert(campaign.id.clone());
        Ok(write_durable(&self.db, batch).await?)
    }

    fn not_recorded(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.unrecorded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this process made the import exist and could not put it into every ledger.
    pub(crate) fn is_unrecorded(&self, campaign: &str) -> bool {
        self.not_recorded().contains(campaign)
    }

    /// Changes the record of a finished import, durably; whoever asks from now on gets the new one.
    pub(crate) async fn change(
        &self,
        campaign: &str,
        change: impl FnOnce(&mut Campaign) + Send,
    ) -> Result<Arc<Campaign>, Error> {
        let _alone = self.changing.lock().await;
        let found = self.find(campaign).await?.ok_or(Error::Damaged("a campaign is missing"))?;
        let mut campaign = Campaign::clone(&found);
        change(&mut campaign);
        let mut batch = WriteBatch::new();
        batch.put(schema::campaign(&campaign.id), campaign.encode_to_vec());
        write_durable(&self.db, batch).await?;
        let mut cache = self.cache();
        cache.updates += 1;
        cache.campaigns.remove(&campaign.id);
        Ok(Arc::new(campaign))
    }

    /// The list of these bytes that was refused last for a campaign, if its objections were kept.
    pub(crate) async fn refused(
        &self,
        campaign: &str,
        digest: &[u8],
    ) -> Result<Option<Arc<Campaign>>, Error> {
        let Some(id) = self.db.get(schema::refused(digest, campaign)).await? else { return Ok(None) };
        let id = str::from_utf8(&id).map_err(|_| Error::Damaged("a refused list's name"))?;
        self.find(id).await
    }

    /// Forgets a refused list, whose objections stay.
    pub(crate) async fn forget_refused(&self, campaign: &Campaign) -> Result<(), Error> {
        let _alone = self.changing.lock().await;
        let found_by = schema::refused(&campaign.digest, &campaign.refused);
        let mut batch = WriteBatch::new();
        // The same list may have been refused again since: what finds that one stays.
        if self.db.get(&found_by).await?.is_some_and(|id| id == campaign.id.as_bytes()) {
            batch.delete(found_by);
        }
        batch.delete(schema::campaign(&campaign.id));
        write_durable(&self.db, batch).await?;
        let mut cache = self.cache();
        cache.updates += 1;
        cache.campaigns.remove(&campaign.id);
        Ok(())
    }

    /// Forgets which rows could not be read.
    pub(crate) async fn forget_invalid(&self, campaign: &Campaign) -> Result<(), Error> {
        delete_prefix(&self.db, &schema::invalid_rows(&campaign.import)).await?;
        self.change(&campaign.id, |campaign| campaign.invalid_removed = true).await.map(drop)
    }

    /// The import is in every ledger.
    pub(crate) async fn recorded(&self, campaign: &Campaign) -> Result<(), Error> {
        let mut batch = WriteBatch::new();
        batch.delete(schema::unrecorded(&campaign.import));
        write_durable(&self.db, batch).await?;
        self.not_recorded().remove(&campaign.id);
        Ok(())
    }

    /// Forgets an import that did not finish; its blocks are to be deleted before.
    pub(crate) async fn discard(&self, import: &ImportId) -> Result<(), Error> {
        delete_prefix(&self.db, &schema::invalid_rows(import)).await?;
        let mut batch = WriteBatch::new();
        batch.delete(schema::under_way(import));
        Ok(write_durable(&self.db, batch).await?)
    }

    /// Imports that were under way when the process before ended.
    pub(crate) async fn unfinished(&self) -> Result<Vec<ImportId>, Error> {
        let rows = self.rows(schema::UNDER_WAY).await?;
        let import =
            |(import, _): (Vec<u8>, _)| import.try_into().map_err(|_| Error::Damaged("an import's name"));
        rows.into_iter().map(import).collect()
    }

    /// Whether an import is under way, or finished and not yet in every ledger.
    pub(crate) async fn is_under_way(&self, import: &ImportId) -> Result<bool, Error> {
        let begun = self.db.get(schema::under_way(import)).await?.is_some();
        Ok(begun || self.db.get(schema::unrecorded(import)).await?.is_some())
    }

    /// Campaigns whose imports may be missing in a ledger.
    pub(crate) async fn unrecorded(&self) -> Result<Vec<String>, Error> {
        let rows = self.rows(schema::UNRECORDED).await?;
        let campaign = |(_, value)| String::from_utf8(value).map_err(|_| Error::Damaged("a campaign's name"));
        rows.into_iter().map(campaign).collect()
    }

    /// Every finished import.
    pub(crate) async fn all(&self) -> Result<Vec<Campaign>, Error> {
        let rows = self.rows(schema::CAMPAIGNS).await?;
        let campaign = |(_, value): (_, Vec<u8>)| {
            Campaign::decode(value.as_slice()).map_err(|_| Error::Damaged("a campaign"))
        };
        rows.into_iter().map(campaign).collect()
    }

    /// The revision of what is kept; `None` where there is nothing yet.
    pub(crate) async fn revision(&self) -> Result<Option<u32>, Error> {
        match self.db.get(schema::REVISION_KEY).await? {
            Some(value) => value
                .as_ref()
                .try_into()
                .map(|value| Some(u32::from_be_bytes(value)))
                .map_err(|_| Error::Damaged("the revision")),
            // Revision 1 did not say so.
            None => Ok(self.db.scan(..).await?.next().await?.map(|_| 1)),
        }
    }

    /// What is kept is of this program's revision from now on.
    pub(crate) async fn note_revision(&self) -> Result<(), Error> {
        let mut batch = WriteBatch::new();
        batch.put(schema::REVISION_KEY, schema::REVISION.to_be_bytes());
        Ok(write_durable(&self.db, batch).await?)
    }

    /// What is known of the clock by which it is looked at what is old.
    pub(crate) async fn clock(&self) -> Result<KnownClock, Error> {
        let Some(value) = self.db.get(schema::LOOKED).await? else { return Ok(KnownClock::default()) };
        schema::read_clock(&value)
    }

    pub(crate) async fn note_clock(&self, clock: &KnownClock) -> Result<(), Error> {
        let mut batch = WriteBatch::new();
        batch.put(schema::LOOKED, schema::clock(clock));
        Ok(write_durable(&self.db, batch).await?)
    }

    async fn rows(&self, prefix: &[u8; 1]) -> Result<Vec<(Vec<u8>, Vec<u8>)>, Error> {
        let mut found = Vec::new();
        let mut rows = self.db.scan_prefix(prefix, ..).await?;
        while let Some(row) = rows.next().await? {
            let name = row.key.get(prefix.len()..).ok_or(Error::Damaged("a row's key"))?;
            found.push((name.to_vec(), row.value.to_vec()));
        }
        Ok(found)
    }

    /// Keeps rows that could not be read; durable with the next durable write.
    pub(crate) async fn put_invalid(
        &self,
        import: &ImportId,
        rows: Vec<(u64, Invalid)>,
    ) -> Result<(), Error> {
        let mut batch = WriteBatch::new();
        for (line, row) in rows {
            batch.put(schema::invalid(import, line), row.encode_to_vec());
        }
        if !batch.is_empty() {
            self.db.write(batch).await?;
        }
        Ok(())
    }

    /// Up to `limit` rows that could not be read, behind a line.
    pub(crate) async fn invalid(
        &self,
        import: &[u8],
        after: u64,
        limit: usize,
    ) -> Result<Vec<(u64, Invalid)>, Error> {
        let mut found = Vec::new();
        let Some(from) = after.checked_add(1) else { return Ok(found) };
        let mut rows =
            self.db.scan(schema::invalid(import, from)..=schema::invalid(import, u64::MAX)).await?;
        while found.len() < limit
            && let Some(row) = rows.next().await?
        {
            let line = row.key.last_chunk().map(|line| u64::from_be_bytes(*line));
            let invalid = Invalid::decode(row.value).map_err(|_| Error::Damaged("an invalid row"))?;
            found.push((line.unwrap_or_default(), invalid));
        }
        Ok(found)
    }
}
