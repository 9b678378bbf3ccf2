//! Refusing a list in which nobody can be written to. Nothing of it is kept but its objections: they get a record of their
//! own, so that they can be taken back like those of an import.

use std::sync::Arc;

use futures::future::try_join_all;
use maily_law::Exclusion;
use uuid::Uuid;

use super::Terms;
use super::list::{ListFault, Refusal};
use super::places::Importing;
use super::read::ReadList;
use crate::records::Campaign;
use crate::schema::{REPEATED, REVISION};
use crate::secrets::AddressHash;
use crate::state::Inner;
use crate::{Error, ImportId};

/// Puts the objections of a list without a valid row on record, durably, and says what came of it; never half done.
pub(super) async fn refuse(
    inner: Arc<Inner>,
    campaign: String,
    terms: Terms,
    read: ReadList,
    importing: Importing,
) -> Result<u64, Error> {
    let (rows, people) = (read.rows, read.found.people());
    let column = read.found.unknown_in_all(rows);
    let list = match people {
        0 => None,
        _ => Some(inner.keep_objections(campaign, terms, read).await?),
    };
    drop(importing);
    Err(ListFault::NoValidRow(Refusal { rows, people, column, list }).into())
}

impl Inner {
    /// Answers what names the list from then on.
    async fn keep_objections(
        &self,
        campaign: String,
        terms: Terms,
        read: ReadList,
    ) -> Result<ImportId, Error> {
        for kept in self.campaigns.all().await? {
            let stands = kept.refused == campaign && kept.undone_at.is_empty();
            let same = stands && kept.digest == read.digest;
            if same && self.is_recent(&kept)? && !self.has_lifted_since(&kept, &read)? {
                // The same list again says nothing new: no consent can lie between.
                return kept.import_id();
            }
        }
        let import = Uuid::now_v7().into_bytes();
        let people = self.alone.people.read().await;
        if let Err(error) = self.put_objections(&import, &read).await {
            drop(people);
            // Where this fails too, the next start does it.
            if self.discard(&[import]).await.is_err() {
                tracing::warn!("a list that was refused is discarded at the next start");
            }
            return Err(error);
        }
        let kept = Campaign {
            id: Refusal::id(&import),
            import: import.to_vec(),
            rows: read.rows,
            revision: REVISION,
            imported_at: terms.when.import().to_string(),
            planned: terms.when.planned().to_string(),
            sender: terms.sender.code().to_owned(),
            excluded: [(Exclusion::Invalid.code().to_owned(), read.rows)].into(),
            as_of: terms.as_of,
            digest: read.digest,
            refused: campaign,
            ..Campaign::default()
        };
        // Nothing is discarded from here on: a commit that failed may still have been written, and the next start knows.
        self.campaigns.commit(&import, &kept).await?;
        self.record(&kept).await?;
        Ok(import)
    }

    /// Whether the list was refused so lately that consent given since counts in no case ([`REPEATED`]).
    fn is_recent(&self, kept: &Campaign) -> Result<bool, Error> {
        let recorded = kept.when()?.import().as_millisecond();
        Ok(self.now().as_millisecond() <= recorded.saturating_add(REPEATED))
    }

    /// Whether something was lifted for anybody who objects in a list, since it was on record.
    fn has_lifted_since(&self, kept: &Campaign, read: &ReadList) -> Result<bool, Error> {
        let recorded = kept.when()?.import().as_millisecond();
        let suppressed = self.suppression.read();
        let mut people = read.found.objections.values().flatten().filter_map(|objection| {
            let address: Option<AddressHash> = objection.address.as_slice().try_into().ok();
            address
        });
        Ok(people.any(|address| suppressed.last_lift(&address) > Some(recorded)))
    }

    async fn put_objections(&self, import: &ImportId, read: &ReadList) -> Result<(), Error> {
        self.campaigns.begin(import).await?;
        for (region, objections) in &read.found.objections {
            let region = self.regions.get(region).ok_or(Error::Damaged("a region is missing"))?;
            region.put_pending(&Refusal::id(import), import, objections).await?;
        }
        try_join_all(self.regions.values().map(|region| region.db.flush()).collect::<Vec<_>>()).await?;
        Ok(())
    }
}
