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
        _ => Some(inner.keep_objections(campaign, terms, read, importing).await?),
    };
    Err(ListFault::NoValidRow(Refusal { rows, people, column, list }).into())
}

impl Inner {
    /// Answers what names the list from then on.
    async fn keep_objections(
        &self,
        campaign: String,
        terms: Terms,
        read: ReadList,
        importing: Importing,
    ) -> Result<ImportId, Error> {
        if let Some(kept) = self.campaigns.refused(&campaign, &read.digest).await? {
            let stands = kept.undone_at.is_empty();
            if stands && self.is_recent(&kept)? && !self.has_lifted_since(&kept, &read)? {
                if self.campaigns.is_unrecorded(&kept.id) {
                    // The call that kept them failed behind that: they have to be in force before anything is said of them.
                    self.record(&kept).await?;
                }
                // The same list again says nothing new: no consent can lie between.
                return kept.import_id();
            }
        }
        let import = Uuid::now_v7().into_bytes();
        let people = self.alone.importing().await?;
        if let Err(error) = self.put_objections(&import, &read).await {
            // Its place is for others, who may be what this waits for. Where it fails too, the next start does it.
            drop((importing, people, read));
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
        let mut people = read.found.objections.values().flatten();
        Ok(people.any(|objection| suppressed.last_lift(&objection.address) > Some(recorded)))
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

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use maily_keys::LocalKeyring;
    use maily_law::{Country, EmailAddress, Objection, Region};

    use super::*;
    use crate::suppression::ListObjector;
    use crate::{Config, Sender, State};

    const LIST: &str = "\
id,email,first_name,country,locale,segment,birth_year,consent,consent_at,consent_source,suppressed
1,dan@b.us,Dan,nowhere,en-US,vip,1980,withdrawn,,,false
";

    #[tokio::test(flavor = "multi_thread")]
    async fn objections_that_a_refusal_could_not_record_are_in_force_before_it_is_repeated() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config { keyring: folder.path().join("keyring.json"), ..Config::default() };
        let roots = Arc::new(LocalKeyring::open(&config.keyring).unwrap());
        let state = State::open(&config, &folder.path().join("data"), roots).await.unwrap();
        let inner = &state.0;
        // As far as a refusal is whose ledger fails behind the commit.
        let import = [5; 16];
        let dan = EmailAddress::parse("dan@b.us").unwrap();
        let address = inner.hashes(&dan).0;
        let objection = ListObjector { address, line: 2, objection: Objection::Withdrawn };
        inner.regions[&Region::Us].put_pending(&Refusal::id(&import), &import, &[objection]).await.unwrap();
        let mut digest = inner.secrets.list_digest("", Country::parse("US"), None);
        digest.update(LIST.as_bytes());
        let now = inner.now().to_string();
        let kept = Campaign {
            id: Refusal::id(&import),
            import: import.to_vec(),
            rows: 1,
            revision: REVISION,
            imported_at: now.clone(),
            planned: now,
            sender: "US".to_owned(),
            digest: digest.sign().as_ref().to_vec(),
            refused: "c".to_owned(),
            ..Campaign::default()
        };
        inner.campaigns.commit(&import, &kept).await.unwrap();
        assert!(!state.find("dan@b.us").await.unwrap().suppressed, "as far as it came");
        let list = futures::stream::iter([Ok(Bytes::from(LIST))]);
        let refused = state.import("c", "", Sender { country: "US", address: "" }, list).await.unwrap_err();
        assert!(refused.to_string().contains(&Refusal::id(&import)), "the same refusal: {refused}");
        assert!(state.find("dan@b.us").await.unwrap().suppressed);
        assert!(inner.campaigns.unrecorded().await.unwrap().is_empty());
        // Its id is no campaign's.
        let list = futures::stream::iter([Ok(Bytes::from(LIST))]);
        let sender = Sender { country: "US", address: "" };
        let named = state.import(&Refusal::id(&import), "", sender, list).await;
        assert!(matches!(named, Err(Error::Request(_))), "{named:?}");
        state.verify().await.unwrap();
        state.close().await;
    }
}
