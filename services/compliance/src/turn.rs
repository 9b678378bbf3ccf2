//! The daily turn of a region's epoch: every person's key is wrapped anew, and the old epoch's key is destroyed at the
//! root, so that no old copy of the key table opens what an erased person's key had sealed.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::join_all;
use maily_keys::{EpochRotation, KeyTable, RotationSchedule, rotate};
use slatedb::Db;
use tokio_util::sync::CancellationToken;

use crate::region::RegionState;
use crate::schema::TURNED;
use crate::state::{Inner, uninterrupted};
use crate::{Error, State};

impl State {
    /// Rotates every region's epoch when it is `service.epoch_hours` old, until `shutdown`.
    pub async fn keep_rotating(&self, shutdown: CancellationToken) {
        let schedule = self.0.rotations();
        let each = self.0.regions.values().map(|region| schedule.keep(region, shutdown.clone()));
        join_all(each.collect::<Vec<_>>()).await;
    }

    /// Turns every region's epoch now, whatever its age; answers how many keys were wrapped anew.
    ///
    /// # Errors
    /// Any; calling again goes on with it.
    pub async fn turn_epochs(&self) -> Result<BTreeMap<String, u64>, Error> {
        let inner = Arc::clone(&self.0);
        uninterrupted(async move { inner.turn_epochs().await }).await
    }
}

impl Inner {
    async fn turn_epochs(&self) -> Result<BTreeMap<String, u64>, Error> {
        let mut turned = BTreeMap::new();
        for (region, state) in self.regions.iter() {
            if state.keys.is_turning() {
                // It may have wrapped anew what was erased since it began.
                rotate(state, self.now()).await?;
            }
            turned.insert(region.name().to_owned(), rotate(state, self.now()).await?);
        }
        Ok(turned)
    }

    /// When epochs are rotated here, by the state's clock.
    pub(crate) fn rotations(&self) -> RotationSchedule {
        RotationSchedule::new(self.config.epoch_hours, Arc::clone(&self.clock))
    }
}

impl EpochRotation for RegionState {
    type Error = Error;

    fn keys(&self) -> &KeyTable {
        &self.keys
    }

    fn began(&self) -> (&Db, &'static [u8]) {
        (&self.db, TURNED)
    }

    /// Persons' keys are in the table, and nothing is wrapped elsewhere.
    async fn finish(&self) -> Result<u64, Error> {
        Ok(self.keys.finish_turn().await?)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use jiff::Timestamp;
    use maily_contracts::epoch::{Epoch, HOURS, KEYS};
    use maily_keys::LocalKeyring;
    use maily_law::Region;

    use super::*;
    use crate::Config;

    impl RegionState {
        /// Rotates an epoch that is `hours` old by the system's clock.
        pub(crate) async fn turn_if_due(&self, hours: u32) -> Result<Option<u64>, Error> {
            let schedule = RotationSchedule::new(hours, Arc::new(Timestamp::now));
            Ok(schedule.look(self).await?.rotated)
        }
    }

    /// A state with some people in one region, and the clock of a check.
    struct Checked {
        _folder: tempfile::TempDir,
        state: State,
        clock: Arc<AtomicI64>,
    }

    impl Checked {
        async fn start() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let keyring = folder.path().join("keyring.json");
            let roots = Arc::new(LocalKeyring::open(&keyring).unwrap());
            let config = Config { keyring, epoch_hours: HOURS, ..Config::default() };
            let clock = Arc::new(AtomicI64::default());
            let now = Arc::clone(&clock);
            let now = Arc::new(move || Timestamp::from_millisecond(now.load(Ordering::SeqCst)).unwrap());
            let state = State::open_with(&config, folder.path(), roots, now).await.unwrap();
            let people: Vec<_> = (0..KEYS).map(|at| [u8::try_from(at).unwrap(); 32]).collect();
            state.0.regions[&Region::Ch].keys.get_or_create(&people).await.unwrap();
            Self { _folder: folder, state, clock }
        }

        fn region(&self) -> &RegionState {
            &self.state.0.regions[&Region::Ch]
        }
    }

    impl Epoch for Checked {
        fn set_clock(&self, at: i64) {
            self.clock.store(at, Ordering::SeqCst);
        }

        async fn look(&self) -> (Option<u64>, i64) {
            let looked = self.state.0.rotations().look(self.region()).await.unwrap();
            (looked.rotated, i64::try_from(looked.wait.as_millis()).unwrap())
        }

        async fn interrupt(&self) {
            self.region().keys.begin_turn().await.unwrap();
        }

        async fn done_by(&self) -> i64 {
            self.state.0.rotations().done_by(self.region()).await.unwrap().as_millisecond()
        }
    }

    maily_contracts::epoch_suite!(Checked::start);

    #[tokio::test(flavor = "multi_thread")]
    async fn every_region_is_rotated_by_the_states_clock() {
        let checked = Checked::start().await;
        let day = i64::from(HOURS) * 3_600_000;
        let looked_at = async || {
            let (schedule, mut count) = (checked.state.0.rotations(), 0);
            for region in checked.state.0.regions.values() {
                count += schedule.look(region).await.unwrap().rotated.unwrap_or_default();
            }
            count
        };
        for (at, count) in [(0, 0), (day - 1, 0), (day, KEYS), (day, 0)] {
            checked.set_clock(at);
            assert_eq!(looked_at().await, count, "{at}");
        }
    }
}
