//! The tenant's suppression list: who is left alone, why, and since when.
//!
//! An objection is a link of a region's ledger and, written with it, a row that finds it. In memory stands of each person
//! when they objected last, so that every hand-off can ask.

use std::collections::HashMap;

use prost::Message;

use crate::Error;
use crate::layout::ImportId;
use crate::records::{Event, ListObjection, Objected, OptedOut};
use crate::region::RegionState;
use crate::schema::{self, Channel, Reason};
use crate::secrets::AddressHash;
use crate::state::Inner;

/// Objections in one link.
pub(crate) const OBJECTIONS: usize = 1_000;

/// Suppressed people, and when they objected last, in milliseconds: about 40 bytes each.
#[derive(Default)]
pub(crate) struct Suppressed {
    by: HashMap<AddressHash, i64>,
    latest: Option<i64>,
}

impl Suppressed {
    pub(crate) fn add(&mut self, address: AddressHash, at: i64) {
        let latest = self.by.entry(address).or_insert(at);
        *latest = at.max(*latest);
        self.latest = self.latest.max(Some(at));
    }

    pub(crate) fn extend(&mut self, other: Self) {
        other.by.into_iter().for_each(|(address, at)| self.add(address, at));
    }

    pub(crate) fn at(&self, address: &AddressHash) -> Option<i64> {
        self.by.get(address).copied()
    }

    /// When the last objection came.
    pub(crate) fn latest(&self) -> Option<i64> {
        self.latest
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &AddressHash> {
        self.by.keys()
    }
}

impl RegionState {
    /// Everybody on this region's suppression list.
    pub(crate) async fn suppressed(&self) -> Result<Suppressed, Error> {
        let mut all = Suppressed::default();
        let mut rows = self.db.scan_prefix(schema::SUPPRESSIONS, ..).await?;
        while let Some(row) = rows.next().await? {
            let (address, _) = schema::read_suppression(&row.key)?;
            all.add(address, Reason::decode(&row.value)?.at);
        }
        Ok(all)
    }

    /// Whether a person opted out themselves, by link or at another process.
    async fn opted_out(&self, address: &AddressHash) -> Result<bool, Error> {
        let mut rows = self.db.scan_prefix(schema::suppressions(address), ..).await?;
        while let Some(row) = rows.next().await? {
            if Reason::decode(&row.value)?.channel != Channel::List {
                return Ok(true);
            }
        }
        Ok(false)
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
    /// When the person objected last; of two hashes that may stand for them.
    pub(crate) fn objected(&self, address: &AddressHash, former: Option<&AddressHash>) -> Option<i64> {
        let suppressed = self.suppressed();
        let former = former.and_then(|former| suppressed.at(former));
        suppressed.at(address).max(former)
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

    /// Puts an opt-out on record for every hash that stands for the person; durable when it answers. Repeating changes
    /// nothing.
    pub(crate) async fn record_opt_out(
        &self,
        state: &RegionState,
        address: AddressHash,
        channel: Channel,
        article: &str,
    ) -> Result<bool, Error> {
        let mut new = false;
        for address in self.names(address).await? {
            let writer = state.ledger.writer().await?;
            let at = self.now().as_millisecond();
            if state.opted_out(&address).await? {
                drop(writer);
                state.db.flush().await?;
            } else {
                let event = OptedOut { address: address.to_vec(), article: article.to_owned() };
                if channel == Channel::Link {
                    // Before the write, so that a hand-off in any region sees it at the latest when it is acknowledged.
                    self.suppress(address, at);
                }
                let row = (schema::suppression(&address, writer.number()), Reason { channel, at }.encode());
                writer
                    .append_with(Event::OptedOut(event), vec![row], Vec::new())
                    .await?
                    .await_durable()
                    .await?;
                new = true;
            }
            // A hint: only now, for what is known here is what is on record, and is not asked for again.
            self.suppress(address, at);
            self.tell(address);
        }
        Ok(new)
    }

    /// Puts objections of a list on record; `pending` is the row that kept them until now.
    pub(crate) async fn record_objections(
        &self,
        state: &RegionState,
        objected: Objected,
        pending: Option<Vec<u8>>,
    ) -> Result<(), Error> {
        let mut addresses = Vec::with_capacity(objected.objections.len());
        for objection in &objected.objections {
            let address = objection.address.as_slice().try_into();
            addresses.push(address.map_err(|_| Error::Damaged("an objection"))?);
        }
        let writer = state.ledger.writer().await?;
        let at = self.now().as_millisecond();
        let reason = Reason { channel: Channel::List, at }.encode();
        let row = |address: &AddressHash| (schema::suppression(address, writer.number()), reason.clone());
        let rows = addresses.iter().map(row).collect();
        writer
            .append_with(Event::Objected(objected), rows, pending.into_iter().collect())
            .await?
            .await_durable()
            .await?;
        for address in addresses {
            self.suppress(address, at);
            self.tell(address);
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
