//! The tenant's suppression list: who is left alone, why, and since when.
//!
//! An objection is a link of a region's ledger and, written with it, a row that finds it ([`crate::schema`]); neither is
//! ever deleted. It is lifted by another link, for one sender and for lists imported from then on, or by taking the import
//! back that brought it. [`Suppressed`] holds what stands in memory.

mod standing;

use std::collections::BTreeSet;

use prost::Message;
use slatedb::config::{DurabilityLevel, ScanOptions};

use crate::ledger::{Command, Event, ListObjection, Objected, OptedOut};
use crate::region::RegionState;
use crate::schema::{self, Channel, Lift, Reason};
use crate::secrets::AddressHash;
use crate::state::Inner;
use crate::{Error, ImportId};

pub(crate) use standing::{Asker, Suppressed};

/// Objections in one link.
pub(crate) const OBJECTIONS: usize = 1_000;

/// How somebody objected themselves, or had it done.
#[derive(Clone, Debug)]
pub(crate) struct OptOut {
    pub(crate) channel: Channel,
    pub(crate) article: &'static str,
    pub(crate) command: Option<Command>,
    /// [`Reason::told`].
    pub(crate) told: Option<i64>,
}

impl RegionState {
    /// Everybody on this region's suppression list.
    pub(crate) async fn suppressed(&self) -> Result<Suppressed, Error> {
        let mut all = Suppressed::default();
        let mut rows = self.db.scan_prefix(schema::SUPPRESSIONS, ..).await?;
        while let Some(row) = rows.next().await? {
            let (address, _) = schema::read_linked(&row.key)?;
            all.add(address, &Reason::decode(&row.value)?);
        }
        let mut rows = self.db.scan_prefix(schema::LIFTS, ..).await?;
        while let Some(row) = rows.next().await? {
            let (address, _) = schema::read_linked(&row.key)?;
            all.lift(address, Lift::decode(&row.value)?);
        }
        Ok(all)
    }

    /// Why a person is on this region's suppression list, with the links that say so.
    pub(crate) async fn reasons(&self, address: &AddressHash) -> Result<Vec<(u64, Reason)>, Error> {
        self.reasons_with(address, &ScanOptions::default()).await
    }

    async fn reasons_with(
        &self,
        address: &AddressHash,
        options: &ScanOptions,
    ) -> Result<Vec<(u64, Reason)>, Error> {
        let mut found = Vec::new();
        let mut rows = self.db.scan_prefix_with_options(schema::suppressions(address), .., options).await?;
        while let Some(row) = rows.next().await? {
            let (_, link) = schema::read_linked(&row.key)?;
            found.push((link.ok_or(Error::Damaged("a suppression"))?, Reason::decode(&row.value)?));
        }
        Ok(found)
    }

    /// Whether an objection that binds who asks is on record here, durably.
    pub(crate) async fn has_objected(
        &self,
        address: &AddressHash,
        asker: &Asker,
        lifts: &[Lift],
    ) -> Result<bool, Error> {
        let durable = ScanOptions::default().with_durability_filter(DurabilityLevel::Remote);
        let reasons = self.reasons_with(address, &durable).await?;
        Ok(reasons.iter().any(|(_, reason)| asker.is_bound_by(reason, lifts)))
    }

    /// The hash of the person whose former hash it is, where the evidence told.
    pub(crate) async fn renamed(&self, former: &AddressHash) -> Result<Option<AddressHash>, Error> {
        let row = self.db.get(schema::former(former)).await?;
        row.map(|row| row.as_ref().try_into().map_err(|_| Error::Damaged("a former address"))).transpose()
    }

    /// Keeps a list's objections until its import exists; durable with the next flush.
    pub(crate) async fn put_pending(
        &self,
        campaign: &str,
        import: &ImportId,
        objections: &[ListObjection],
    ) -> Result<(), Error> {
        for (number, part) in (0..).zip(objections.chunks(OBJECTIONS)) {
            let objected = Objected {
                campaign: campaign.to_owned(),
                import: import.to_vec(),
                objections: part.to_vec(),
            };
            self.db.put(schema::pending_part(import, number), objected.encode_to_vec()).await?;
        }
        Ok(())
    }
}

impl Inner {
    /// When the person objected last, of what binds who asks; of two hashes that may stand for them.
    pub(crate) fn objected(
        &self,
        address: &AddressHash,
        former: Option<&AddressHash>,
        asker: &Asker,
    ) -> Option<i64> {
        let suppressed = self.suppressed();
        [Some(address), former].into_iter().flatten().filter_map(|name| suppressed.binds(name, asker)).max()
    }

    /// When the person objected last, where that was lifted for who asks.
    pub(crate) fn lifted(
        &self,
        address: &AddressHash,
        former: Option<&AddressHash>,
        asker: &Asker,
    ) -> Option<i64> {
        let suppressed = self.suppressed();
        [Some(address), former].into_iter().flatten().filter_map(|name| suppressed.lifted(name, asker)).max()
    }

    /// Every hash that may stand for a person in records of before: theirs, and the one that the evidence maps it to.
    pub(crate) async fn names(&self, address: AddressHash) -> Result<Vec<AddressHash>, Error> {
        let mut names = vec![address];
        for region in self.regions.values() {
            let renamed = region.renamed(&address).await?;
            names.extend(renamed.filter(|renamed| *renamed != address));
        }
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    /// Whether the person opted out, in this region, since anything of theirs was lifted.
    async fn has_opted_out(&self, state: &RegionState, address: &AddressHash) -> Result<bool, Error> {
        let lifted = self.suppressed().last_lift(address);
        let reasons = state.reasons(address).await?;
        let stands = |reason: &Reason| reason.channel.is_the_persons() && Some(reason.at) > lifted;
        Ok(reasons.iter().any(|(_, reason)| stands(reason)))
    }

    /// Whether what a refused list says stands already by what no undoing of an import takes back, since anything of the
    /// person's was lifted: sent again, the list says nothing new.
    pub(crate) async fn is_on_record(
        &self,
        state: &RegionState,
        objection: &ListObjection,
    ) -> Result<bool, Error> {
        let address = objection.address.as_slice().try_into().map_err(|_| Error::Damaged("an objection"))?;
        if self.has_opted_out(state, &address).await? {
            return Ok(true);
        }
        let lifted = self.suppressed().last_lift(&address);
        for (link, reason) in state.reasons(&address).await? {
            if reason.channel == Channel::List
                && Some(reason.at) > lifted
                && let Some(Event::Objected(objected)) = state.ledger.link(link).await?.event
                && objected.import.is_empty()
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Puts an opt-out on record for every hash that stands for the person; durable when it answers. Repeating changes
    /// nothing, until somebody lifts it.
    pub(crate) async fn record_opt_out(
        &self,
        state: &RegionState,
        address: AddressHash,
        opt_out: &OptOut,
    ) -> Result<bool, Error> {
        let mut new = false;
        for address in self.names(address).await? {
            new |= self.record_one(state, address, opt_out).await?;
        }
        Ok(new)
    }

    async fn record_one(
        &self,
        state: &RegionState,
        address: AddressHash,
        opt_out: &OptOut,
    ) -> Result<bool, Error> {
        let writer = state.ledger.writer().await?;
        // Whether a hint is news was seen by its moment.
        if opt_out.channel != Channel::Hint && self.has_opted_out(state, &address).await? {
            drop(writer);
            // The first one may still be on its way to the disk.
            state.db.flush().await?;
            // Nor may anybody have been told; and where it was lifted meanwhile, it counts anew.
            let now = self.now().as_millisecond();
            let told = self.suppressed_mut().told_again(&address, now);
            if let Some(told) = told {
                self.tell(address, told);
            }
            return Ok(false);
        }
        let at = self.suppressed().moment(&address, self.now().as_millisecond());
        let reason = Reason { told: opt_out.told, ..Reason::new(opt_out.channel, at) };
        if opt_out.channel != Channel::Hint {
            // Before the write, so that a hand-off in any region sees it at the latest when it is acknowledged.
            self.suppress(address, &reason);
        }
        let event = OptedOut {
            address: address.to_vec(),
            article: opt_out.article.to_owned(),
            command: opt_out.command.clone(),
        };
        let row = (schema::suppression(&address, writer.number()), reason.encode());
        let now = self.now();
        writer.append_with(now, Event::OptedOut(event), vec![row], Vec::new()).await?.await_durable().await?;
        // A hint: only now, for what is known here is what is on record, and is not asked for again.
        self.suppress(address, &reason);
        self.tell(address, opt_out.told.unwrap_or(at));
        Ok(true)
    }

    /// Puts objections of a list on record; `pending` is the row that kept them until now.
    pub(crate) async fn record_objections(
        &self,
        state: &RegionState,
        objected: Objected,
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
        let reasons: Vec<_> = {
            let suppressed = self.suppressed();
            let reason = |address: AddressHash| {
                let at = suppressed.moment(&address, now.as_millisecond());
                (address, Reason::new(Channel::List, at))
            };
            addresses.into_iter().map(reason).collect()
        };
        let row = |(address, reason): &(AddressHash, Reason)| {
            (schema::suppression(address, writer.number()), reason.encode())
        };
        let rows = reasons.iter().map(row).collect();
        writer
            .append_with(now, Event::Objected(objected), rows, pending.into_iter().collect())
            .await?
            .await_durable()
            .await?;
        for (address, reason) in reasons {
            self.suppress(address, &reason);
            self.tell(address, reason.at);
        }
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
