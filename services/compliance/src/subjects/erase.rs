//! Erasure: a person's keys go, and with them everything that was sealed under them, wherever a copy of it is.
//!
//! What stays is the keyed hash on the suppression list, so that no list brings the person back, the decisions (line,
//! outcome, article) as evidence, and the record of the erasure. Whoever comes again after it is another person, whose key
//! opens nothing of before.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use maily_keys::KeyId;
use maily_law::EmailAddress;
use maily_store::db::write_durable;
use slatedb::WriteBatch;

use crate::ledger::{Command, Erased, Event};
use crate::region::RegionState;
use crate::schema::{self, Channel, REPEATED};
use crate::secrets::AddressHash;
use crate::state::Inner;
use crate::suppression::OptOut;
use crate::{Error, officer_types as types};

const ARTICLE: &str = "GDPR 17(1), 21(3); CCPA 1798.105";

/// Erasures remembered that have not ended.
const UNFINISHED: usize = 1_024;

/// Erasures that have not ended, each with who ordered it and when the person's objection went on record. In memory: behind
/// a restart, one that is asked for again is one more objection.
#[derive(Default)]
pub(crate) struct Unfinished(Mutex<HashMap<AddressHash, (Command, i64)>>);

impl Unfinished {
    fn orders(&self) -> MutexGuard<'_, HashMap<AddressHash, (Command, i64)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, hash: AddressHash, command: &Command, objected: Option<i64>) {
        let mut orders = self.orders();
        if orders.len() >= UNFINISHED {
            orders.clear();
        }
        orders.extend(objected.map(|at| (hash, (command.clone(), at))));
    }

    /// When the person's objection went on record, by this order.
    fn objected(&self, hash: &AddressHash, command: &Command) -> Option<i64> {
        self.orders().get(hash).filter(|(order, _)| order == command).map(|(_, at)| *at)
    }

    fn forget(&self, hash: &AddressHash) {
        self.orders().remove(hash);
    }
}

impl Inner {
    pub(super) async fn erase(
        &self,
        address: &EmailAddress,
        command: Command,
    ) -> Result<types::EraseReply, Error> {
        let hash = self.secrets.address_hash(address);
        if !self.is_given_again(&hash, &command) {
            // First: nobody writes to them from now on, whatever comes in between.
            let opt_out = OptOut {
                channel: Channel::Erasure,
                article: ARTICLE,
                command: Some(command.clone()),
                told: None,
            };
            self.suppress_person(address, &opt_out).await?;
            let objected = self.suppression.read().stands(&hash);
            self.unfinished.note(hash, &command, objected);
        }
        let names = self.every_name(address).await?;
        // An import under way may have the person, and make a key for them after it was destroyed.
        let _alone = self.alone.taking_keys().await?;
        let mut answer =
            types::EraseReply { erased: Vec::new(), rows: 0, suppressed: true, unreadable_by: String::new() };
        for (region, state) in self.regions.iter() {
            let (keys, rows) = self.held(state, address, &names).await?;
            if keys.is_empty() {
                continue;
            }
            let event = Erased { address: hash.to_vec(), command: Some(command.clone()), rows };
            state.erase(self.now(), hash, event, &keys).await?;
            answer.erased.push(region.name().to_owned());
            answer.rows += rows;
        }
        answer.unreadable_by = self.unreadable_by().await?.to_string();
        self.unfinished.forget(&hash);
        Ok(answer)
    }

    /// Whether an erasure that failed so lately is asked for again, in the same words: what the person objects to is on record,
    /// and whoever calls may have to call many times.
    fn is_given_again(&self, hash: &AddressHash, command: &Command) -> bool {
        let now = self.now().as_millisecond();
        let lifted = self.suppression.read().last_lift(hash);
        let objected = self.unfinished.objected(hash, command);
        objected.is_some_and(|at| Some(at) > lifted && now <= at.saturating_add(REPEATED))
    }

    /// The person's keys that are left in a region, and how many rows they open.
    async fn held(
        &self,
        state: &RegionState,
        address: &EmailAddress,
        names: &[AddressHash],
    ) -> Result<(Vec<KeyId>, u64), Error> {
        let mut ids = BTreeSet::new();
        let mut rows = 0;
        for name in names {
            for found in self.rows_of(state, name).await?.into_iter().filter(|found| found.key.is_some()) {
                ids.insert(found.entry.person_id()?);
                // Of some nothing was kept that could be read.
                rows += u64::from(!found.entry.sealed.is_empty());
            }
        }
        let own = state.person(address, &self.secrets.address_hash(address));
        if state.keys.get(&[own]).await?.pop().flatten().is_some() {
            ids.insert(own);
        }
        Ok((ids.into_iter().collect(), rows))
    }

    /// When every epoch of now has ended at the latest.
    async fn unreadable_by(&self) -> Result<Timestamp, Error> {
        let (schedule, mut latest) = (self.rotations(), self.now());
        for state in self.regions.values() {
            latest = latest.max(schedule.done_by(state).await?);
        }
        Ok(latest)
    }

    /// Ends what the process before had put on record and not yet done.
    pub(crate) async fn finish_erasures(&self) -> Result<(), Error> {
        for state in self.regions.values() {
            let mut rows = state.db.scan_prefix(schema::UNERASED, ..).await?;
            let mut left = Vec::new();
            while let Some(row) = rows.next().await? {
                left.push(row);
            }
            for row in left {
                let (keys, rest) = row.value.as_chunks::<32>();
                if !rest.is_empty() {
                    return Err(Error::Damaged("an erasure"));
                }
                state.destroy(keys, row.key.to_vec()).await?;
            }
        }
        Ok(())
    }
}

impl RegionState {
    async fn erase(
        &self,
        now: Timestamp,
        hash: AddressHash,
        event: Erased,
        keys: &[KeyId],
    ) -> Result<(), Error> {
        let writer = self.ledger.writer().await?;
        let unerased = schema::unerased(&hash);
        let rows = vec![
            (schema::erasure(&hash, writer.number()), now.as_millisecond().to_be_bytes().to_vec()),
            (unerased.clone(), keys.concat()),
        ];
        writer.append_with(now, Event::Erased(event), rows, Vec::new()).await?.await_durable().await?;
        self.note_erasure(hash);
        self.destroy(keys, unerased).await
    }

    /// Destroys keys; `noted` is the row that says so until it is done.
    async fn destroy(&self, keys: &[KeyId], noted: Vec<u8>) -> Result<(), Error> {
        self.keys.destroy(keys).await?;
        let mut batch = WriteBatch::new();
        batch.delete(noted);
        Ok(write_durable(&self.db, batch).await?)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use maily_keys::LocalKeyring;
    use maily_law::Region;

    use crate::{Config, Order, State};

    const CAROL: &str = "carol@example.com";

    #[tokio::test(flavor = "multi_thread")]
    async fn an_erasure_that_fails_again_and_again_is_one_objection() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config { keyring: folder.path().join("keyring.json"), ..Config::default() };
        let roots = Arc::new(LocalKeyring::open(&config.keyring).unwrap());
        let state = State::open(&config, &folder.path().join("data"), roots).await.unwrap();
        let order = |reason: &str| Order { caller: "olga".into(), reason: reason.into() };
        let objections = async || state.find(CAROL).await.unwrap().objections.len();
        for done in 1..=2 {
            state.erase(CAROL, order("by letter")).await.unwrap();
            assert_eq!(objections().await, done, "each that ends is one");
        }
        state.0.regions[&Region::Us].keys.close().await.unwrap();
        for (reason, recorded) in [("by letter", 3), ("by telephone", 4)] {
            for _ in 0..5 {
                assert!(state.erase(CAROL, order(reason)).await.is_err());
            }
            assert_eq!(objections().await, recorded, "{reason}");
        }
        let people = [CAROL.to_owned()];
        state.lift(&people, "news@brand.example", None, order("came back")).await.unwrap();
        assert!(state.erase(CAROL, order("by telephone")).await.is_err());
        assert_eq!(objections().await, 5, "what was lifted is objected to anew");
        state.close().await;
    }
}
