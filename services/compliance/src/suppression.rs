//! The tenant's suppression list: who is left alone, why, and since when.
//!
//! An objection is a link of a region's ledger and, written with it, a row that finds it ([`crate::schema`]); neither is
//! ever deleted. It is lifted by another link, for one sender and for lists imported from then on, or by taking the import
//! back that brought it. [`Suppressed`] holds what stands in memory, and [`SuppressionList`] keeps that and the record alike.

mod list;
mod standing;

use maily_law::Objection;
use prost::Message;
use slatedb::config::{DurabilityLevel, ScanOptions};

use crate::ledger::{Command, ListObjection, Objected};
use crate::region::RegionState;
use crate::schema::{self, Channel, Lift, Reason};
use crate::secrets::AddressHash;
use crate::{Error, ImportId};

pub(crate) use list::SuppressionList;
pub(crate) use standing::{Asker, Suppressed};

/// Objections in one link.
pub(crate) const OBJECTIONS: usize = 1_000;

/// An objection of a list that goes into the suppression list: 24 bytes, for a list may have as many as rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ListObjector {
    pub(crate) address: AddressHash,
    /// A list of its longest has fewer lines than fit.
    pub(crate) line: u32,
    pub(crate) objection: Objection,
}

impl ListObjector {
    fn record(&self) -> ListObjection {
        let Self { address, line, objection } = self;
        ListObjection {
            address: address.to_vec(),
            line: u64::from(*line),
            kind: objection.code().to_owned(),
            at: None,
        }
    }
}

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
        objections: &[ListObjector],
    ) -> Result<(), Error> {
        for (number, part) in (0..).zip(objections.chunks(OBJECTIONS)) {
            let objected = Objected {
                campaign: campaign.to_owned(),
                import: import.to_vec(),
                objections: part.iter().map(ListObjector::record).collect(),
            };
            self.db.put(schema::pending_part(import, number), objected.encode_to_vec()).await?;
        }
        Ok(())
    }
}
