//! The service's state: the campaigns' database, a pair of databases for each region, and what is derived of them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::{join_all, select_all};
use jiff::Timestamp;
use maily_chassis::WorkError;
pub use maily_keys::Clock;
use maily_keys::RootKeys;
use maily_law::{EmailAddress, KnownClock, Region};
use maily_store::db::{self, Tuning};
use slatedb::{CloseReason, Db};
use tokio::sync::{Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};
use tokio::time::timeout;

use crate::Error;
use crate::ImportId;
use crate::campaigns::Campaigns;
use crate::config::Config;
use crate::import::PATIENCE;
use crate::import::places::Imports;
use crate::ledger::Imported;
use crate::metrics::Metrics;
use crate::migrate;
use crate::records::Campaign;
use crate::region;
use crate::regions::Regions;
use crate::secrets::{AddressHash, Secrets};
use crate::subjects::Unfinished;
use crate::suppression::{Suppressed, SuppressionList};

/// The open state; clones share it.
#[derive(Clone)]
pub struct State(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) config: Config,
    pub(crate) secrets: Secrets,
    pub(crate) campaigns: Campaigns,
    pub(crate) regions: Regions,
    pub(crate) suppression: SuppressionList,
    pub(crate) imports: Arc<Imports>,
    pub(crate) alone: Alone,
    pub(crate) unfinished: Unfinished,
    pub(crate) metrics: Metrics,
    pub(crate) clock: Clock,
}

/// What only one does at a time.
#[derive(Default)]
pub(crate) struct Alone {
    /// Shared by imports under way, alone for whoever takes people's keys away: no key comes to be behind its back.
    people: RwLock<()>,
    pub(crate) removing: Mutex<()>,
    pub(crate) undoing: Mutex<()>,
    pub(crate) recording: Mutex<()>,
}

impl Alone {
    /// Beside other imports, while nobody takes keys away. Whoever waits for that holds up imports that come behind it.
    pub(crate) async fn importing(&self) -> Result<RwLockReadGuard<'_, ()>, Error> {
        timeout(PATIENCE, self.people.read()).await.map_err(|_| Error::Busy)
    }

    /// While nobody imports.
    pub(crate) async fn taking_keys(&self) -> Result<RwLockWriteGuard<'_, ()>, Error> {
        timeout(PATIENCE, self.people.write()).await.map_err(|_| Error::Busy)
    }
}

/// What [`State::verify`] found in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Links of each region's ledger.
    pub links: BTreeMap<&'static str, u64>,
    /// SHA-256 of each ledger's newest link, in hexadecimal digits.
    pub heads: BTreeMap<&'static str, String>,
}

impl State {
    /// Opens everything below `data` under `roots`, fencing off another process that may still have it open, discards imports
    /// that did not finish and completes those that did.
    ///
    /// # Errors
    /// A bad configuration, root key or database.
    pub async fn open(config: &Config, data: &Path, roots: Arc<dyn RootKeys>) -> Result<Self, Error> {
        Self::open_with(config, data, roots, Arc::new(Timestamp::now)).await
    }

    /// [`Self::open`] with a clock of the caller's.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn open_with(
        config: &Config,
        data: &Path,
        roots: Arc<dyn RootKeys>,
        clock: Clock,
    ) -> Result<Self, Error> {
        let regions = config.checked_regions()?;
        let store = config.open_store(data)?;
        for forgotten in Region::ALL.into_iter().filter(|region| !regions.contains(region)) {
            if region::is_there(&store, forgotten).await? {
                return Err(Error::Config(
                    "service.regions lacks a region that has data here: who objected there would be forgotten",
                ));
            }
        }
        let imports = Imports::new(data.join("staging"), config.max_bytes)?;
        let secrets = Secrets::open(roots.as_ref(), &config.tenant).await?;
        let campaigns =
            db::open(Arc::clone(&store), "campaigns", Tuning::sealed(secrets.campaigns.clone())).await?;
        let regions = Regions::open(&regions, &store, &roots, &config.tenant).await?;
        let campaigns = Campaigns::new(campaigns);
        let is_older = migrate::is_older(&campaigns).await?;
        if campaigns.clock().await?.believed.is_none() {
            let mut newest = None;
            for region in regions.values() {
                newest = newest.max(region.ledger.newest_at().await?);
            }
            // Before anything is put on record by a clock that may be wrong: the next start would find that, after a kill.
            if let Some(newest) = newest {
                campaigns.note_clock(&KnownClock::at(newest)).await?;
            }
        }
        if is_older {
            migrate::bring_up(&campaigns, &regions, &secrets, &clock).await?;
        }
        let mut suppressed = Suppressed::default();
        for region in regions.values() {
            suppressed.extend(region.suppressed().await?);
        }
        let state = Self(Arc::new(Inner {
            config: config.clone(),
            secrets,
            campaigns,
            regions,
            suppression: SuppressionList::new(suppressed, Arc::clone(&clock)),
            imports: Arc::new(imports),
            alone: Alone::default(),
            unfinished: Unfinished::default(),
            metrics: Metrics::new(),
            clock,
        }));
        state.0.recover().await?;
        Ok(state)
    }

    /// Waits until a database is lost: taken over by another process, or failed. The process has to end then.
    pub async fn lost(&self) -> Error {
        let databases = self.0.databases().map(|db| db::closed(db.clone()).boxed());
        let tables = self.0.regions.values().map(|region| region.keys.closed().boxed());
        let (reason, _, _) = select_all(databases.chain(tables)).await;
        match reason {
            CloseReason::Fenced => Error::Lost("another process has taken the databases over"),
            _ => Error::Lost("a database closed by itself"),
        }
    }

    /// Checks every ledger against every edit, gap and missing piece of evidence.
    ///
    /// # Errors
    /// [`Error::Damaged`] with what is wrong.
    pub async fn verify(&self) -> Result<Verified, Error> {
        let (mut links, mut heads) = (BTreeMap::new(), BTreeMap::new());
        for (region, state) in self.0.regions.iter() {
            let verified = state.verify().await?;
            for import in verified.strays {
                // In the order in which an import comes to be, so that it can't slip through.
                let known =
                    self.0.campaigns.is_under_way(&import).await? || state.has_recorded(&import).await?;
                known
                    .then_some(())
                    .ok_or(Error::Damaged("there is evidence of an import that did not finish"))?;
            }
            links.insert(region.name(), verified.links);
            heads.insert(region.name(), verified.head.iter().map(|byte| format!("{byte:02x}")).collect());
        }
        Ok(Verified { links, heads })
    }

    /// Closes the databases; every acknowledged write is durable without it.
    pub async fn close(&self) {
        let closed = join_all(self.0.databases().map(Db::close)).await;
        let keys = join_all(self.0.regions.values().map(|region| region.keys.close())).await;
        if closed.iter().any(Result::is_err) || keys.iter().any(Result::is_err) {
            tracing::warn!("a database did not close cleanly");
        }
    }
}

/// Does work to its end, also when whoever asked for it has left.
pub(crate) async fn uninterrupted<T: Send + 'static>(
    work: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<T, Error> {
    tokio::spawn(work).await.map_err(WorkError::from)?
}

impl Inner {
    fn databases(&self) -> impl Iterator<Item = &Db> {
        std::iter::once(&self.campaigns.db).chain(self.regions.values().map(|region| &region.db))
    }

    /// A finished import that is in every ledger, if there is one.
    pub(crate) async fn finished(&self, campaign: &str) -> Result<Option<Arc<Campaign>>, Error> {
        if self.imports.is_under_way(campaign) {
            return Ok(None);
        }
        let found = self.campaigns.find(campaign).await?;
        if let Some(campaign) = &found
            && self.campaigns.is_unrecorded(&campaign.id)
        {
            // The call that made it exist failed behind that. Its objections have to be in force before anything is said of it.
            self.record(campaign).await?;
        }
        Ok(found)
    }

    /// A finished import that is in every ledger, also one that was taken back: what it came to can be told.
    pub(crate) async fn told(&self, campaign: &str) -> Result<Arc<Campaign>, Error> {
        let found = self.finished(campaign).await?;
        found.ok_or(Error::NotFound("no import of this campaign has finished"))
    }

    /// A finished import that is in every ledger, and stands.
    pub(crate) async fn campaign(&self, campaign: &str) -> Result<Arc<Campaign>, Error> {
        let found = self.told(campaign).await?;
        if found.undone_at.is_empty() { Ok(found) } else { Err(Error::Undone) }
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Makes up for what the process before could not finish.
    async fn recover(&self) -> Result<(), Error> {
        let unfinished = self.campaigns.unfinished().await?;
        if !unfinished.is_empty() {
            self.discard(&unfinished).await?;
        }
        for campaign in self.campaigns.unrecorded().await? {
            let found = self.campaigns.find(&campaign).await?;
            let found = found.ok_or(Error::Damaged("a campaign is missing"))?;
            self.record(&found).await?;
        }
        self.finish_erasures().await?;
        migrate::date_imports(&self.campaigns, &self.regions, &self.clock).await?;
        let campaigns = self.campaigns.all().await?;
        for campaign in &campaigns {
            self.imports.note(&campaign.when()?);
        }
        self.finish_undoing(&campaigns).await?;
        self.finish_removals(&campaigns).await
    }

    /// Removes every trace of imports that did not finish, the keys too that they made: everything is looked at, while
    /// nobody imports.
    pub(crate) async fn discard(&self, imports: &[ImportId]) -> Result<(), Error> {
        let _alone = self.alone.taking_keys().await?;
        for region in self.regions.values() {
            for import in imports {
                region.discard(import).await?;
            }
            region.sweep_keys().await?;
        }
        for import in imports {
            self.campaigns.discard(import).await?;
        }
        Ok(())
    }

    /// What the tenant keeps of a person's address: its hash, and what was in its place before for this spelling.
    pub(crate) fn hashes(&self, address: &EmailAddress) -> (AddressHash, Vec<AddressHash>) {
        (self.secrets.address_hash(address), self.secrets.former_hashes(address))
    }

    /// Puts a finished import into the ledgers of its regions, where it is not yet.
    pub(crate) async fn record(&self, campaign: &Campaign) -> Result<(), Error> {
        let _alone = self.alone.recording.lock().await;
        for sum in &campaign.regions {
            let imported = Imported {
                campaign: campaign.id.clone(),
                import: campaign.import.clone(),
                as_of: campaign.as_of.clone(),
                sum: Some(sum.clone()),
            };
            self.regions.named(&sum.region)?.1.record_import(self.now(), imported).await?;
        }
        // Whoever objected need not have a row that could be read.
        for region in self.regions.values() {
            self.suppression.record_pending(region, &campaign.import).await?;
        }
        self.campaigns.recorded(campaign).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_ever_for_imports_or_for_keys_to_go() {
        let alone = Alone::default();
        let importing = alone.importing().await.unwrap();
        assert!(matches!(alone.taking_keys().await, Err(Error::Busy)));
        assert!(alone.importing().await.is_ok(), "whoever gave up holds up nobody");
        drop(importing);
        let taking_keys = alone.taking_keys().await.unwrap();
        assert!(matches!(alone.importing().await, Err(Error::Busy)));
        drop(taking_keys);
        assert!(alone.importing().await.is_ok());
    }
}
