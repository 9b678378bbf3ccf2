//! Imports under way: how many there may be, which they are, and the moment of the latest.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use maily_law::When;

use crate::Error;

/// At once; each may take some 80 MB.
const IMPORTS: usize = 2;

pub(crate) struct Imports {
    staging: PathBuf,
    /// Campaigns that are being imported.
    under_way: Mutex<HashSet<String>>,
    /// The moment of the latest, in milliseconds.
    latest: AtomicI64,
}

/// The right to import one campaign, and one of the places for imports.
pub(crate) struct Importing {
    imports: Arc<Imports>,
    campaign: String,
}

impl Drop for Importing {
    fn drop(&mut self) {
        self.imports.under_way().remove(&self.campaign);
    }
}

impl Imports {
    pub(crate) fn new(staging: PathBuf) -> Result<Self, Error> {
        std::fs::create_dir_all(&staging).map_err(Error::Stage)?;
        Ok(Self { staging, under_way: Mutex::default(), latest: AtomicI64::new(i64::MIN) })
    }

    /// The folder for rows between reading and judging.
    pub(crate) fn staging(&self) -> &Path {
        &self.staging
    }

    pub(crate) fn start(self: &Arc<Self>, campaign: &str) -> Result<Importing, Error> {
        let mut under_way = self.under_way();
        if under_way.contains(campaign) {
            return Err(Error::Importing);
        }
        if under_way.len() >= IMPORTS {
            return Err(Error::Busy);
        }
        under_way.insert(campaign.to_owned());
        Ok(Importing { imports: Arc::clone(self), campaign: campaign.to_owned() })
    }

    pub(crate) fn is_under_way(&self, campaign: &str) -> bool {
        self.under_way().contains(campaign)
    }

    fn under_way(&self) -> MutexGuard<'_, HashSet<String>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An import begins, or began before this process.
    pub(crate) fn note(&self, when: &When) {
        self.latest.fetch_max(when.import().as_millisecond(), Ordering::SeqCst);
    }

    /// The moment of what binds no import of before: behind the latest, whichever way the clock goes.
    pub(crate) fn behind(&self, now: Timestamp) -> i64 {
        now.as_millisecond().max(self.latest.load(Ordering::SeqCst).saturating_add(1))
    }
}
