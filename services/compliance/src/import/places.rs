//! Imports under way: how many are read and judged at once, which they are, and the moment of the latest.
//!
//! A list is read for as long as its sender takes, and judged for as long as we do. So there are many places for reading,
//! where a list costs what has come of it, and few for judging, which takes memory; and a list that is slow holds none
//! of the few.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use maily_law::When;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::PATIENCE;
use crate::Error;

/// Judged at once; each may take some 80 MB.
const JUDGED: usize = 2;
/// Under way at once, those that wait to be judged among them; each keeps a block of a megabyte.
const UNDER_WAY: usize = 16;
/// The longest lists that are staged together, as multiples of the longest that is allowed.
const LISTS: u64 = 2;

pub(crate) struct Imports {
    staging: PathBuf,
    /// Bytes of lists that may be staged.
    room: u64,
    under_way: Mutex<UnderWay>,
    judged: Arc<Semaphore>,
    /// The moment of the latest, in milliseconds.
    latest: AtomicI64,
}

#[derive(Default)]
struct UnderWay {
    campaigns: HashSet<String>,
    /// Bytes of their lists.
    staged: u64,
}

/// The right to import one campaign, a place among the lists under way, and what its list takes.
pub(crate) struct Importing {
    imports: Arc<Imports>,
    campaign: String,
    staged: u64,
    _judged: Option<OwnedSemaphorePermit>,
}

impl Importing {
    /// Takes room for more bytes of the list.
    pub(crate) fn stage(&mut self, bytes: usize) -> Result<(), Error> {
        let bytes = bytes as u64;
        let mut under_way = self.imports.under_way();
        let staged = under_way.staged.saturating_add(bytes);
        if staged > self.imports.room {
            return Err(Error::Busy);
        }
        under_way.staged = staged;
        self.staged += bytes;
        Ok(())
    }

    /// Waits for a place to be judged, now that the list is there.
    pub(crate) async fn read(&mut self) -> Result<(), Error> {
        let place = timeout(PATIENCE, Arc::clone(&self.imports.judged).acquire_owned()).await;
        self._judged = Some(place.map_err(|_| Error::Busy)?.map_err(|_| Error::Interrupted)?);
        Ok(())
    }
}

impl Drop for Importing {
    fn drop(&mut self) {
        let mut under_way = self.imports.under_way();
        under_way.campaigns.remove(&self.campaign);
        under_way.staged -= self.staged;
    }
}

impl Imports {
    /// No import yet; lists have at most `max_bytes`.
    pub(crate) fn new(staging: PathBuf, max_bytes: u64) -> Result<Self, Error> {
        std::fs::create_dir_all(&staging).map_err(Error::Stage)?;
        Ok(Self {
            staging,
            room: max_bytes.saturating_mul(LISTS),
            under_way: Mutex::default(),
            judged: Arc::new(Semaphore::new(JUDGED)),
            latest: AtomicI64::new(i64::MIN),
        })
    }

    /// The folder for rows between reading and judging.
    pub(crate) fn staging(&self) -> &Path {
        &self.staging
    }

    pub(crate) fn start(self: &Arc<Self>, campaign: &str) -> Result<Importing, Error> {
        let mut under_way = self.under_way();
        if under_way.campaigns.contains(campaign) {
            return Err(Error::Importing);
        }
        if under_way.campaigns.len() >= UNDER_WAY {
            return Err(Error::Busy);
        }
        under_way.campaigns.insert(campaign.to_owned());
        Ok(Importing { imports: Arc::clone(self), campaign: campaign.to_owned(), staged: 0, _judged: None })
    }

    pub(crate) fn is_under_way(&self, campaign: &str) -> bool {
        self.under_way().campaigns.contains(campaign)
    }

    fn under_way(&self) -> MutexGuard<'_, UnderWay> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn imports(folder: &tempfile::TempDir) -> Arc<Imports> {
        Arc::new(Imports::new(folder.path().join("staging"), 100).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn a_list_that_is_read_holds_no_place_for_judging() {
        let folder = tempfile::tempdir().unwrap();
        let imports = imports(&folder);
        let slow: Vec<_> = (1..UNDER_WAY).map(|n| imports.start(&n.to_string()).unwrap()).collect();
        let mut quick = imports.start("quick").unwrap();
        quick.read().await.unwrap();
        assert!(matches!(imports.start("quick"), Err(Error::Importing)));
        assert!(matches!(imports.start("another"), Err(Error::Busy)), "they are bounded all the same");
        drop(quick);
        let mut judged: Vec<_> = slow.into_iter().take(JUDGED + 1).collect();
        let mut last = judged.pop().unwrap();
        for importing in &mut judged {
            importing.read().await.unwrap();
        }
        assert!(matches!(last.read().await, Err(Error::Busy)));
        judged.pop();
        assert!(last.read().await.is_ok());
    }

    #[test]
    fn staged_bytes_are_bounded_together() {
        let folder = tempfile::tempdir().unwrap();
        let imports = imports(&folder);
        let (mut first, mut second) = (imports.start("a").unwrap(), imports.start("b").unwrap());
        first.stage(100).unwrap();
        second.stage(100).unwrap();
        assert!(matches!(second.stage(1), Err(Error::Busy)));
        drop(first);
        second.stage(100).unwrap();
    }
}
