//! Imports under way: how many are read and judged at once, whose they are, and the moment of the latest.
//!
//! A list is read for as long as its sender takes, and judged for as long as we do. So there are many places for reading,
//! where a list costs what has come of it, and few for judging, which takes memory; a list that is slow holds none of the
//! few. Callers share both ([`maily_chassis::Pool`]): nobody has more than half of the places for reading, or of the room
//! for what is read, and where others wait, the slowest list of whoever has most gives way. Those that are whole are judged
//! by turns.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use maily_chassis::{Hold, Pool, PoolBounds, PoolPlace};
use maily_law::When;
use tokio::time::timeout;

use super::PATIENCE;
use crate::Error;

/// Judged at once; each may take some 150 MB: 28 bytes and their table for each person, and 24 for each objection, of which
/// there are no more than rows are allowed.
const JUDGED: usize = 2;
/// Under way at once, those that wait to be judged and those that are compared with an earlier one among them; each keeps a
/// block of a megabyte.
const UNDER_WAY: usize = 16;
/// Of these, those of one caller.
const EACH: usize = UNDER_WAY / 2;
/// The longest lists that are staged together, as multiples of the longest that is allowed, which is what one caller may have.
const LISTS: u64 = 2;

pub(crate) struct Imports {
    staging: PathBuf,
    /// Bytes of lists that may be staged by one caller.
    longest: u64,
    under_way: Mutex<UnderWay>,
    lists: Pool<String>,
    judged: Pool<String>,
    /// The moment of the latest, in milliseconds.
    latest: AtomicI64,
}

#[derive(Default)]
struct UnderWay {
    campaigns: HashSet<String>,
    /// By the place that a list has.
    staged: HashMap<u64, Staged>,
}

struct Staged {
    caller: String,
    bytes: u64,
}

impl UnderWay {
    fn staged(&self, whose: impl Fn(&str) -> bool) -> u64 {
        let bytes = self.staged.values().filter(|staged| whose(&staged.caller)).map(|staged| staged.bytes);
        bytes.fold(0, u64::saturating_add)
    }

    /// Who has staged the most, if that is more than `bytes`.
    fn greediest(&self, bytes: u64) -> Option<&str> {
        let callers = self.staged.values().map(|staged| staged.caller.as_str());
        let most = callers.max_by_key(|caller| self.staged(|other| other == *caller))?;
        (self.staged(|other| other == most) > bytes).then_some(most)
    }
}

/// The right to import one campaign, a place among the lists under way, and what its list takes.
pub(crate) struct Importing {
    imports: Arc<Imports>,
    campaign: String,
    caller: String,
    place: Arc<PoolPlace<String>>,
    _judged: Option<PoolPlace<String>>,
}

impl Importing {
    /// Takes room for more bytes of the list.
    pub(crate) fn stage(&mut self, bytes: usize) -> Result<(), Error> {
        let (imports, bytes) = (&self.imports, bytes as u64);
        let mut under_way = imports.under_way();
        if self.place.is_recalled() {
            return Err(Error::GaveWay);
        }
        let own = under_way.staged(|other| other == self.caller).saturating_add(bytes);
        if own > imports.longest {
            return Err(Error::Busy);
        }
        let room = imports.longest.saturating_mul(LISTS);
        while under_way.staged(|_| true).saturating_add(bytes) > room {
            let greediest = under_way.greediest(own).map(str::to_owned);
            let gone = greediest.and_then(|caller| imports.lists.recall(&caller)).ok_or(Error::Busy)?;
            under_way.staged.remove(&gone);
        }
        let staged = || Staged { caller: self.caller.clone(), bytes: 0 };
        under_way.staged.entry(self.place.id()).or_insert_with(staged).bytes += bytes;
        Ok(())
    }

    /// Waits for a place to be judged, now that the list is there.
    pub(crate) async fn read(&mut self) -> Result<(), Error> {
        if !self.place.settle() {
            return Err(Error::GaveWay);
        }
        let turn = self.imports.judged.take(self.caller.clone(), Hold::Long);
        let place = timeout(PATIENCE, turn).await.map_err(|_| Error::Busy)?;
        self._judged = Some(place.map_err(|_| Error::Busy)?);
        Ok(())
    }
}

impl Drop for Importing {
    fn drop(&mut self) {
        let mut under_way = self.imports.under_way();
        under_way.campaigns.remove(&self.campaign);
        under_way.staged.remove(&self.place.id());
    }
}

impl Imports {
    /// No import yet; lists have at most `max_bytes`.
    pub(crate) fn new(staging: PathBuf, max_bytes: u64) -> Result<Self, Error> {
        std::fs::create_dir_all(&staging).map_err(Error::Stage)?;
        Ok(Self {
            staging,
            longest: max_bytes,
            under_way: Mutex::default(),
            lists: Pool::new(PoolBounds { all: UNDER_WAY, each: EACH, waiting: 0 }),
            judged: Pool::new(PoolBounds { all: JUDGED, each: JUDGED, waiting: UNDER_WAY }),
            latest: AtomicI64::new(i64::MIN),
        })
    }

    /// The folder for rows between reading and judging.
    pub(crate) fn staging(&self) -> &Path {
        &self.staging
    }

    /// A place for a list that is about to come.
    pub(crate) fn arrive(&self, caller: &str) -> Result<PoolPlace<String>, Error> {
        self.lists.try_take(caller.to_owned(), Hold::Arriving).map_err(|_| Error::Busy)
    }

    pub(crate) fn start(
        self: &Arc<Self>,
        campaign: &str,
        caller: &str,
        place: Arc<PoolPlace<String>>,
    ) -> Result<Importing, Error> {
        let (campaign, caller) = (campaign.to_owned(), caller.to_owned());
        if !self.under_way().campaigns.insert(campaign.clone()) {
            return Err(Error::Importing);
        }
        Ok(Importing { imports: Arc::clone(self), campaign, caller, place, _judged: None })
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
    use futures::FutureExt;

    use super::*;

    fn imports(folder: &tempfile::TempDir) -> Arc<Imports> {
        Arc::new(Imports::new(folder.path().join("staging"), 100).unwrap())
    }

    /// An import whose list has begun to come.
    fn begin(imports: &Arc<Imports>, caller: &str, campaign: &str) -> Result<Importing, Error> {
        let place = imports.arrive(caller)?;
        imports.start(campaign, caller, Arc::new(place))
    }

    fn several(imports: &Arc<Imports>, caller: &str, number: usize) -> Vec<Importing> {
        (0..number).map(|at| begin(imports, caller, &format!("{caller} {at}")).unwrap()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_list_that_is_read_holds_no_place_for_judging() {
        let folder = tempfile::tempdir().unwrap();
        let imports = imports(&folder);
        let slow = several(&imports, "ann", EACH - 1);
        let mut quick = begin(&imports, "ann", "quick").unwrap();
        quick.read().await.unwrap();
        assert!(matches!(begin(&imports, "bob", "quick"), Err(Error::Importing)));
        assert!(matches!(begin(&imports, "ann", "another"), Err(Error::Busy)), "she has her share");
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

    #[tokio::test(start_paused = true)]
    async fn the_slowest_list_of_whoever_has_most_gives_way() {
        let folder = tempfile::tempdir().unwrap();
        let imports = imports(&folder);
        let mut ann = several(&imports, "ann", EACH);
        let bob = several(&imports, "bob", EACH);
        for list in ann.iter().chain(&bob).skip(1) {
            list.place.moved(1 << 20);
        }
        let _cid = begin(&imports, "cid", "c").unwrap();
        assert!(ann[0].place.is_recalled());
        assert!(!ann.iter().chain(&bob).skip(1).any(|list| list.place.is_recalled()));
        assert!(matches!(ann[0].stage(1), Err(Error::GaveWay)));
        assert!(matches!(ann[0].read().await, Err(Error::GaveWay)));
        assert!(ann[1].read().await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn lists_that_are_whole_are_judged_by_turns() {
        let folder = tempfile::tempdir().unwrap();
        let imports = imports(&folder);
        let mut ann = several(&imports, "ann", EACH);
        let mut bob = begin(&imports, "bob", "b").unwrap();
        let (under_way, waiting) = ann.split_at_mut(JUDGED);
        for list in under_way.iter_mut() {
            list.read().await.unwrap();
        }
        let mut turns: Vec<_> = waiting.iter_mut().map(|list| Box::pin(list.read())).collect();
        assert!(turns.iter_mut().all(|turn| turn.now_or_never().is_none()));
        let mut turn = Box::pin(bob.read());
        assert!((&mut turn).now_or_never().is_none());
        under_way[0]._judged = None;
        assert!((&mut turn).now_or_never().is_some(), "he has waited for a shorter time, and has none");
        assert!(turns.iter_mut().all(|turn| turn.now_or_never().is_none()));
    }

    #[test]
    fn room_for_what_is_staged_is_shared() {
        let folder = tempfile::tempdir().unwrap();
        let imports = imports(&folder);
        let mut ann = several(&imports, "ann", 2);
        ann[0].stage(60).unwrap();
        ann[1].stage(40).unwrap();
        assert!(matches!(ann[1].stage(1), Err(Error::Busy)), "her half");
        let mut bob = begin(&imports, "bob", "b").unwrap();
        bob.stage(99).unwrap();
        let mut cid = begin(&imports, "cid", "c").unwrap();
        cid.stage(1).unwrap();
        assert!(matches!(bob.stage(1), Err(Error::Busy)), "nobody has more than he would have");
        ann[1].place.moved(1);
        cid.stage(2).unwrap();
        assert!(ann[0].place.is_recalled() && !ann[1].place.is_recalled(), "the slower of hers");
        drop(ann);
        bob.stage(1).unwrap();
        cid.stage(97).unwrap();
        let under_way = imports.under_way();
        assert_eq!(under_way.staged(|_| true), 200);
        drop(under_way);
        drop((bob, cid));
        assert!(imports.under_way().staged.is_empty());
    }
}
