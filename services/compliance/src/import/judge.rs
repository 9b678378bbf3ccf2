//! The second pass: staged rows to decisions, sealed and laid out.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::{try_join, try_join_all};
use maily_crypto::{Cipher, DataKey};
use maily_keys::KeyId;
use maily_law::{Consent, Decision, Exclusion, Jurisdictions, Objection, Outcome, Region, Row, decide};
use prost::Message;
use uuid::Uuid;

use super::addresses::Said;
use super::read::ReadList;
use super::{Terms, blocking};
use crate::Error;
use crate::ImportId;
use crate::import::layout::{EXCLUDED, Layout, Piece};
use crate::pages::details_aad;
use crate::records::{Campaign, Cohort, Details, Entry, Invalid, Staged};
use crate::schema::REVISION;
use crate::secrets::AddressHash;
use crate::state::Inner;

/// An import between reading and existing.
pub(crate) struct Judging {
    import: ImportId,
    campaign: String,
    judge: Judge,
    layout: Layout,
}

/// Who decides, row by row, and counts what was decided.
struct Judge {
    inner: Arc<Inner>,
    terms: Terms,
    read: ReadList,
    cohorts: BTreeMap<String, u32>,
    excluded: BTreeMap<String, u64>,
    notes: BTreeMap<&'static str, u64>,
}

/// A valid row with its decision.
struct Judged {
    line: u64,
    person: KeyId,
    address: AddressHash,
    formers: Vec<AddressHash>,
    cohort: u32,
    decision: Decision,
    /// The line and the kind of the person's first objection in the list, where that decided.
    objected: Option<(u64, Objection)>,
    /// Of who may be written to: the laws of all their rows, where those are not this row's alone.
    countries: Jurisdictions,
    /// Nothing of who stands as having objected: the outcome is all that their row is needed for.
    details: Option<Details>,
}

/// A block of rows, judged.
#[derive(Default)]
struct Batch {
    invalid: Vec<(u64, Invalid)>,
    regions: BTreeMap<Region, Vec<Judged>>,
}

impl Judging {
    pub(crate) fn new(inner: &Arc<Inner>, campaign: String, terms: Terms, read: ReadList) -> Self {
        let notes = BTreeMap::from([("objection_assumed", read.found.assumed)]);
        let import = Uuid::now_v7().into_bytes();
        let judge = Judge {
            inner: Arc::clone(inner),
            terms,
            read,
            cohorts: BTreeMap::new(),
            excluded: BTreeMap::new(),
            notes,
        };
        Self { import, campaign, judge, layout: Layout::new(import, inner.config.page_size) }
    }

    pub(crate) fn import(&self) -> ImportId {
        self.import
    }

    /// Judges every row and writes what is to be kept, durably; the answer makes the import exist once it is written.
    ///
    /// A batch is judged while the one before gets its keys and is sealed, and that while the one before it is written.
    pub(crate) async fn run(self, inner: &Inner) -> Result<Campaign, Error> {
        let Self { import, campaign, judge, mut layout } = self;
        inner.campaigns.begin(&import).await?;
        let judged = |judge: Judge| maily_chassis::blocking(move || judge.batch());
        let mut next = judged(judge);
        let judge = loop {
            let (judge, batch) = next.await??;
            let Some(mut batch) = batch else { break judge };
            next = judged(judge);
            let pieces = layout.ready();
            let sealed = async {
                inner.campaigns.put_invalid(&import, std::mem::take(&mut batch.invalid)).await?;
                let keys = person_keys(inner, &batch).await?;
                blocking(move || seal(layout, &import, batch, &keys)).await
            };
            ((), layout) = try_join(write(inner, pieces), sealed).await?;
        };
        layout.flush_all();
        write(inner, layout.ready()).await?;
        for (region, objections) in &judge.read.found.objections {
            let region = inner.regions.get(region).ok_or(Error::Damaged("a region is missing"))?;
            region.put_pending(&campaign, &import, objections).await?;
        }
        try_join_all(inner.regions.values().map(|region| region.db.flush()).collect::<Vec<_>>()).await?;
        Ok(judge.campaign(campaign, &import, &layout))
    }
}

impl Judge {
    fn batch(mut self) -> Result<(Self, Option<Batch>), Error> {
        let Some(rows) = self.read.stage.next_block()? else { return Ok((self, None)) };
        let mut batch = Batch::default();
        for row in rows {
            self.judge(row, &mut batch)?;
        }
        Ok((self, Some(batch)))
    }

    fn judge(&mut self, staged: Staged, batch: &mut Batch) -> Result<(), Error> {
        let Staged { line, address, fields, formers } = staged;
        if address.is_empty() {
            self.exclude(Exclusion::Invalid);
            let [field, reason] = fields.try_into().map_err(|_| Error::Damaged("a staged row"))?;
            batch.invalid.push((line, Invalid { field, reason }));
            return Ok(());
        }
        let address = address.try_into().map_err(|_| Error::Damaged("a staged row"))?;
        let texts: Vec<&str> = fields.iter().map(String::as_str).collect();
        let row = Row::parse(&texts, &self.terms.when).map_err(|_| Error::Damaged("a staged row"))?;
        let formers = formers.into_iter().map(AddressHash::try_from).collect::<Result<Vec<_>, _>>();
        let formers = formers.map_err(|_| Error::Damaged("a staged row"))?;
        let Said { mut known, objected } = self.read.addresses.judge(address);
        let asker = self.terms.asker();
        let newer = |objected: i64| row.consent_at.is_some_and(|at| at.instant().as_millisecond() > objected);
        let mut claims = false;
        if let Some(objected) = self.inner.suppression.objected(&address, &formers, &asker) {
            known.suppressed = true;
            claims = row.consent.is_given() && newer(objected);
        } else if let Some(objected) = self.inner.suppression.lifted(&address, &formers, &asker) {
            // Who came back has said so since: what they had agreed to before ended with their objection (GDPR 7(3);
            // 15 U.S.C. 7704(a)(4)(B)).
            known.suppressed |= row.consent != Consent::Express || !newer(objected);
        }
        let decision = decide(&row, &known, &self.terms.when, self.terms.sender);
        let (mut own, mut countries) = (Jurisdictions::default(), Jurisdictions::default());
        own.insert(row.country.jurisdiction());
        match decision.outcome {
            Outcome::Allowed(_) => {
                if row.address.needs_smtputf8() {
                    self.note("needs_smtputf8");
                }
                if known.countries != own {
                    countries = known.countries;
                }
            }
            // A list's column lifts nothing; an officer may want to know.
            Outcome::Excluded(Exclusion::Suppressed) if claims => self.note("claims_newer_consent"),
            Outcome::Excluded(_) => {}
        }
        let decided = |exclusion| decision.outcome == Outcome::Excluded(exclusion);
        let objected = objected.filter(|_| decided(Exclusion::Suppressed) || decided(Exclusion::Withdrawn));
        let cohort = self.cohort(&row, decision.outcome);
        let region = self.inner.regions.get(&decision.region).ok_or(Error::Damaged("a staged row"))?;
        let person = region.person(&row.address, &address);
        let objects = known.suppressed || known.withdrawn;
        let details = (!objects).then_some(Details { fields });
        let judged =
            Judged { line, person, address, formers, cohort, decision, objected, countries, details };
        batch.regions.entry(decision.region).or_default().push(judged);
        Ok(())
    }

    fn cohort(&mut self, row: &Row<'_>, outcome: Outcome) -> u32 {
        if let Outcome::Excluded(exclusion) = outcome {
            self.exclude(exclusion);
            return EXCLUDED;
        }
        let next = u32::try_from(self.cohorts.len()).unwrap_or(EXCLUDED);
        *self.cohorts.entry(format!("{}/{}", row.locale, row.segment)).or_insert(next)
    }

    fn exclude(&mut self, exclusion: Exclusion) {
        *self.excluded.entry(exclusion.code().to_owned()).or_default() += 1;
    }

    fn note(&mut self, what: &'static str) {
        *self.notes.entry(what).or_default() += 1;
    }

    /// The record of the campaign, with all that was counted.
    fn campaign(self, id: String, import: &ImportId, layout: &Layout) -> Campaign {
        let cohort = |(name, number): (&String, &u32)| Cohort {
            name: name.clone(),
            number: *number,
            regions: layout.cohort(*number),
        };
        Campaign {
            id,
            import: import.to_vec(),
            rows: self.read.rows,
            page_size: self.inner.config.page_size,
            cohorts: self.cohorts.iter().map(cohort).collect(),
            regions: layout.sums(),
            revision: REVISION,
            imported_at: self.terms.when.import().to_string(),
            planned: self.terms.when.planned().to_string(),
            sender: self.terms.sender.code().to_owned(),
            notes: self
                .notes
                .into_iter()
                .map(|(what, rows)| (what.to_owned(), rows))
                .filter(|(_, rows)| *rows > 0)
                .collect(),
            sender_address: self.terms.address.map(|address| address.now.to_vec()).unwrap_or_default(),
            former_sender: self
                .terms
                .address
                .and_then(|address| address.former)
                .map(|former| former.to_vec())
                .unwrap_or_default(),
            excluded: self.excluded,
            as_of: self.terms.as_of,
            digest: self.read.digest,
            ignored_columns: self.read.ignored_columns,
            ..Campaign::default()
        }
    }
}

/// Seals what is kept of each row under its person's key, given in the order of those rows.
fn seal(
    mut layout: Layout,
    import: &ImportId,
    batch: Batch,
    keys: &BTreeMap<Region, Vec<DataKey>>,
) -> Result<Layout, Error> {
    for (region, rows) in batch.regions {
        let mut keys = keys.get(&region).ok_or(Error::Damaged("keys are missing"))?.iter();
        for row in rows {
            let sealed = match &row.details {
                Some(details) => {
                    let key = keys.next().ok_or(Error::Damaged("keys are missing"))?;
                    Cipher::new(key)?.seal(&details_aad(import, row.line), &details.encode_to_vec())?
                }
                None => Vec::new(),
            };
            let mut formers = row.formers.iter().map(|former| Bytes::copy_from_slice(former));
            let (objected_line, objected_kind) =
                row.objected.map_or((0, ""), |(line, objection)| (line, objection.code()));
            let entry = Entry {
                line: row.line,
                person: row.person.to_vec().into(),
                address: row.address.to_vec().into(),
                outcome: row.decision.outcome.code().into(),
                article: row.decision.article.into(),
                sealed: sealed.into(),
                former: formers.next().unwrap_or_default(),
                other_former: formers.next().unwrap_or_default(),
                third_former: formers.next().unwrap_or_default(),
                objected_line,
                objected_kind: objected_kind.to_owned(),
                countries: row.countries.bits().into(),
            };
            layout.add(region, row.cohort, entry);
        }
    }
    Ok(layout)
}

/// Writes pages that are full, and their index.
async fn write(inner: &Inner, pieces: Vec<Piece>) -> Result<(), Error> {
    let mut by_region: BTreeMap<Region, Vec<_>> = BTreeMap::new();
    for piece in pieces {
        by_region.entry(piece.region).or_default().push(piece);
    }
    let mut writes = Vec::new();
    for (region, pieces) in by_region {
        let region = inner.regions.get(&region).ok_or(Error::Damaged("a region is missing"))?;
        writes.push(region.put(pieces));
    }
    try_join_all(writes).await.map(drop)
}

/// The keys of a batch's persons of whom something is kept, made where there is none yet.
async fn person_keys(inner: &Inner, batch: &Batch) -> Result<BTreeMap<Region, Vec<DataKey>>, Error> {
    let mut reads = Vec::new();
    for (region, rows) in &batch.regions {
        let state = inner.regions.get(region).ok_or(Error::Damaged("a region is missing"))?;
        let kept = rows.iter().filter(|row| row.details.is_some());
        let ids: Vec<KeyId> = kept.map(|row| row.person).collect();
        reads.push(async move { Ok::<_, Error>((*region, state.keys.get_or_create(&ids).await?)) });
    }
    Ok(try_join_all(reads).await?.into_iter().collect())
}
