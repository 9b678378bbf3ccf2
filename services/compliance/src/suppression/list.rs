//! What stands, in memory and on record.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use jiff::Timestamp;
use maily_keys::Clock;
use prost::Message;

use super::{Asker, OptOut, Suppressed};
use crate::Error;
use crate::fan_out::FanOut;
use crate::ledger::{Event, Objected, OptedOut};
use crate::region::RegionState;
use crate::regions::Regions;
use crate::schema::{self, Channel, Reason};
use crate::secrets::AddressHash;

/// The tenant's list, as this process has it: what it learns is told to the others.
pub(crate) struct SuppressionList {
    suppressed: RwLock<Suppressed>,
    /// Without Redis, nobody else is told.
    pub(crate) fan_out: OnceLock<Arc<FanOut>>,
    clock: Clock,
}

impl SuppressionList {
    pub(crate) fn new(suppressed: Suppressed, clock: Clock) -> Self {
        Self { suppressed: RwLock::new(suppressed), fan_out: OnceLock::new(), clock }
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Suppressed> {
        self.suppressed.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// For changing it.
    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, Suppressed> {
        self.suppressed.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether an objection binds who asks.
    pub(crate) fn binds(&self, address: &AddressHash, asker: &Asker) -> bool {
        self.read().binds(address, asker).is_some()
    }

    /// From now on no hand-off includes the person, unless it was lifted.
    pub(crate) fn note(&self, address: AddressHash, reason: &Reason) {
        self.write().add(address, reason);
    }

    fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Until when the person may have objected, by what binds who asks; of all hashes that may stand for them. Only consent
    /// given later is newer than the objection.
    pub(crate) fn objected(
        &self,
        address: &AddressHash,
        formers: &[AddressHash],
        asker: &Asker,
    ) -> Option<i64> {
        self.latest(address, formers, |suppressed, name| suppressed.objected(name, asker))
    }

    /// Likewise, where that was lifted for who asks.
    pub(crate) fn lifted(
        &self,
        address: &AddressHash,
        formers: &[AddressHash],
        asker: &Asker,
    ) -> Option<i64> {
        self.latest(address, formers, |suppressed, name| suppressed.lifted(name, asker))
    }

    /// The latest moment of the hashes that may stand for a person.
    fn latest(
        &self,
        address: &AddressHash,
        formers: &[AddressHash],
        moment: impl Fn(&Suppressed, &AddressHash) -> Option<i64>,
    ) -> Option<i64> {
        let suppressed = self.read();
        std::iter::once(address).chain(formers).filter_map(|name| moment(&suppressed, name)).max()
    }

    /// What the person said themselves, or had said, in whichever region, since anything of theirs was lifted.
    async fn own_objections<'a>(
        &self,
        regions: &'a Regions,
        address: &AddressHash,
    ) -> Result<Vec<(&'a RegionState, Reason)>, Error> {
        let (latest, lifted) = {
            let suppressed = self.read();
            (suppressed.stands(address), suppressed.last_lift(address))
        };
        let mut own = Vec::new();
        // Whatever is on record and stands is in memory: most people object for the first time.
        if latest <= lifted {
            return Ok(own);
        }
        for state in regions.values() {
            let reasons = state.reasons(address).await?.into_iter().map(|(_, reason)| reason);
            let stands = |reason: &Reason| reason.channel.is_the_persons() && Some(reason.at) > lifted;
            own.extend(reasons.filter(stands).map(|reason| (state, reason)));
        }
        Ok(own)
    }

    /// Puts an opt-out on record for every hash that stands for the person; durable when it answers. Whether that is the
    /// first since anything was lifted.
    ///
    /// What an officer does is on record each time, what comes by a link again only behind [`Reason::until`]: consent given
    /// between two objections counts in no case.
    pub(crate) async fn record_opt_out(
        &self,
        regions: &Regions,
        state: &RegionState,
        address: AddressHash,
        opt_out: &OptOut,
    ) -> Result<bool, Error> {
        let names = regions.names(address).await?;
        if opt_out.channel == Channel::Link && self.is_repetition(&names) {
            return Ok(false);
        }
        let mut new = false;
        for name in names {
            // What was heard is told already, by the hash that was heard.
            let is_told = opt_out.channel == Channel::Hint && name == address;
            new |= self.record_one(regions, state, name, opt_out, is_told).await?;
        }
        Ok(new)
    }

    /// Whether an opt-out by a link only repeats what is on record. It is answered from memory: no lock that hand-offs
    /// wait for, and nothing written, however often a link is followed.
    fn is_repetition(&self, names: &[AddressHash]) -> bool {
        let now = self.now().as_millisecond();
        if !names.iter().all(|name| self.read().is_answered(name, now)) {
            return false;
        }
        names.iter().for_each(|name| self.tell_again(*name));
        true
    }

    /// Nobody may have been told when it was put on record.
    fn tell_again(&self, address: AddressHash) {
        let told = self.write().told_again(&address);
        if let Some(told) = told {
            self.tell(vec![(address, told)]);
        }
    }

    async fn record_one(
        &self,
        regions: &Regions,
        state: &RegionState,
        address: AddressHash,
        opt_out: &OptOut,
        is_told: bool,
    ) -> Result<bool, Error> {
        let writer = state.ledger.writer().await?;
        let own = match opt_out.channel {
            // Whether it is news was seen by its moment.
            Channel::Hint => Vec::new(),
            _ => self.own_objections(regions, &address).await?,
        };
        let now = self.now();
        let last = own.iter().max_by_key(|(_, reason)| reason.until());
        let repeated = last.filter(|(_, reason)| now.as_millisecond() <= reason.until());
        if opt_out.channel == Channel::Link
            && let Some((region, reason)) = repeated
        {
            drop(writer);
            // It may still be on its way to the disk.
            region.db.flush().await?;
            self.write().answer(address, reason);
            self.tell_again(address);
            return Ok(false);
        }
        let at = self.read().moment(&address, now.as_millisecond());
        let reason = Reason { told: opt_out.told, ..Reason::new(opt_out.channel, at) };
        if opt_out.channel != Channel::Hint {
            // Before the write, so that a hand-off in any region sees it at the latest when it is acknowledged.
            self.note(address, &reason);
        }
        let event = OptedOut {
            address: address.to_vec(),
            article: opt_out.article.to_owned(),
            command: opt_out.command.clone(),
            row: reason.encode(),
        };
        let row = (schema::suppression(&address, writer.number()), reason.encode());
        writer.append_with(now, Event::OptedOut(event), vec![row], Vec::new()).await?.await_durable().await?;
        // A hint: only now, for what is known here is what is on record, and is not asked for again.
        self.note(address, &reason);
        if opt_out.channel == Channel::Link {
            self.write().answer(address, &reason);
        }
        if !is_told {
            self.tell(vec![(address, opt_out.told.unwrap_or(at))]);
        }
        Ok(own.is_empty())
    }

    /// Puts objections of a list on record; `pending` is the row that kept them until now.
    pub(crate) async fn record_objections(
        &self,
        state: &RegionState,
        mut objected: Objected,
        pending: Option<Vec<u8>>,
    ) -> Result<(), Error> {
        // A list may have a person more than once: one row each.
        let mut addresses = BTreeSet::new();
        for objection in &objected.objections {
            let address: Result<AddressHash, _> = objection.address.as_slice().try_into();
            addresses.insert(address.map_err(|_| Error::Damaged("an objection"))?);
        }
        let writer = state.ledger.writer().await?;
        let now = self.now();
        let reasons: BTreeMap<AddressHash, Reason> = {
            let suppressed = self.read();
            let reason = |address: AddressHash| {
                let at = suppressed.moment(&address, now.as_millisecond());
                (address, Reason::new(Channel::List, at))
            };
            addresses.into_iter().map(reason).collect()
        };
        for objection in &mut objected.objections {
            objection.at = reasons.get(objection.address.as_slice()).map(|reason| reason.at);
        }
        let row = |(address, reason): (&AddressHash, &Reason)| {
            (schema::suppression(address, writer.number()), reason.encode())
        };
        let rows = reasons.iter().map(row).collect();
        // Before the write, as for a link: whoever lifts holds the ledgers, and sees it.
        reasons.iter().for_each(|(address, reason)| self.note(*address, reason));
        writer
            .append_with(now, Event::Objected(objected), rows, pending.into_iter().collect())
            .await?
            .await_durable()
            .await?;
        self.tell(reasons.into_iter().map(|(address, reason)| (address, reason.at)).collect());
        Ok(())
    }

    /// Puts the objections of an import that exists into the ledger, where they are not yet.
    pub(crate) async fn record_pending(&self, state: &RegionState, import: &[u8]) -> Result<(), Error> {
        let mut rows = state.db.scan_prefix(schema::pending(import), ..).await?;
        let mut pending = Vec::new();
        while let Some(row) = rows.next().await? {
            let objected = Objected::decode(row.value).map_err(|_| Error::Damaged("objections of a list"))?;
            pending.push((row.key.to_vec(), objected));
        }
        for (key, objected) in pending {
            self.record_objections(state, objected, Some(key)).await?;
        }
        Ok(())
    }
}
