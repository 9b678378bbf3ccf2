//! The first pass: bytes to records to staged rows.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use aws_lc_rs::hmac;
use maily_law::{
    Country, EmailAddress, Fault, FlagPlace, Objection, Region, Row, column, may_object, objections,
    spans_lines, unknown_words,
};

use super::Terms;
use crate::Error;
use crate::import::addresses::Addresses;
use crate::import::list::{Columns, ListFault, Record, Splitter, Utf8, foreign};
use crate::import::stage::{StageReader, StageWriter};
use crate::records::Staged;
use crate::secrets::AddressHash;
use crate::state::Inner;
use crate::suppression::ListObjector;

/// Bytes that tell an encoding.
const MARK: usize = 4;

/// The most cohorts of a campaign, and bytes of all their names.
const COHORTS: usize = 1_000;
const COHORT_BYTES: usize = 512 << 10;
/// The most addresses of a row that can't be read and may object: all are looked at, and each takes some 300 bytes meanwhile.
const ROW_ADDRESSES: usize = 1_000;

/// A list while it arrives.
pub(crate) struct Reading {
    splitter: Splitter,
    utf8: Utf8,
    digest: hmac::Context,
    bytes: u64,
    /// The first bytes, while they are too few to tell an encoding.
    first: Vec<u8>,
    sink: Sink,
}

/// A list that was read.
pub(crate) struct ReadList {
    pub(crate) stage: StageReader,
    pub(crate) addresses: Addresses,
    pub(crate) rows: u64,
    pub(crate) digest: Vec<u8>,
    pub(crate) found: Found,
    pub(crate) ignored_columns: Vec<String>,
}

/// What a list holds besides its rows.
#[derive(Default)]
pub(crate) struct Found {
    /// Objections that go into the suppression list, by the region that records them.
    pub(crate) objections: BTreeMap<Region, Vec<ListObjector>>,
    /// Rows that object, as far as their fault lets one assume.
    pub(crate) assumed: u64,
    /// Rows that object by a word that no table knows.
    pub(crate) unknown_word: u64,
    /// Valid rows.
    pub(crate) valid: u64,
    /// Rows with a word that no table knows, by the column that has it.
    unknown: BTreeMap<&'static str, u64>,
}

impl Found {
    /// How many people object for every list to come.
    pub(crate) fn people(&self) -> u64 {
        let people: HashSet<&AddressHash> =
            self.objections.values().flatten().map(|objection| &objection.address).collect();
        people.len() as u64
    }

    /// The column that has a word that no table knows in each of so many rows.
    pub(crate) fn unknown_in_all(&self, rows: u64) -> Option<&'static str> {
        self.unknown.iter().find(|(_, unknown)| **unknown == rows).map(|(column, _)| *column)
    }
}

/// Where records go.
struct Sink {
    inner: Arc<Inner>,
    terms: Terms,
    columns: Option<Columns>,
    rows: u64,
    stage: StageWriter,
    addresses: Addresses,
    found: Found,
    cohorts: HashSet<String>,
    cohort_bytes: usize,
}

impl Reading {
    pub(crate) fn new(inner: &Arc<Inner>, terms: Terms) -> Result<Self, Error> {
        let digest = inner.secrets.list_digest(
            &terms.as_of,
            Some(terms.sender),
            terms.address.as_ref().map(|address| &address.now),
        );
        let sink = Sink {
            inner: Arc::clone(inner),
            terms,
            columns: None,
            rows: 0,
            stage: StageWriter::create(inner.imports.staging())?,
            addresses: Addresses::default(),
            found: Found::default(),
            cohorts: HashSet::new(),
            cohort_bytes: 0,
        };
        Ok(Self {
            splitter: Splitter::new(),
            utf8: Utf8::default(),
            digest,
            bytes: 0,
            first: Vec::new(),
            sink,
        })
    }

    pub(crate) fn push(&mut self, chunk: &[u8]) -> Result<(), Error> {
        self.bytes += chunk.len() as u64;
        let limit = self.sink.inner.config.max_bytes;
        if self.bytes > limit {
            return Err(ListFault::Bytes(limit).into());
        }
        self.digest.update(chunk);
        if self.first.len() < MARK {
            let missing = MARK - self.first.len();
            self.first.extend(chunk.iter().take(missing));
            if let Some(name) = foreign(&self.first).filter(|_| self.first.len() == MARK) {
                return Err(ListFault::Encoding(name).into());
            }
        }
        let checked = self.utf8.push(chunk);
        let valid = checked.err().and_then(|fault| chunk.get(..fault)).unwrap_or(chunk);
        let sink = &mut self.sink;
        // First what comes before the fault, so that the first fault is reported however the list is cut.
        self.splitter.push(valid, |record| sink.record(&record))?;
        checked.map_err(|_| ListFault::Utf8(self.splitter.line()).into())
    }

    pub(crate) fn finish(self) -> Result<ReadList, Error> {
        let Self { splitter, utf8, digest, mut sink, first, .. } = self;
        if let Some(name) = foreign(&first) {
            return Err(ListFault::Encoding(name).into());
        }
        if !utf8.is_whole() {
            return Err(ListFault::Utf8(splitter.line()).into());
        }
        splitter.finish(|record| sink.record(&record))?;
        let columns = sink.columns.ok_or(ListFault::Empty)?;
        Ok(ReadList {
            stage: sink.stage.finish()?,
            addresses: sink.addresses,
            rows: sink.rows,
            digest: digest.sign().as_ref().to_vec(),
            found: sink.found,
            ignored_columns: columns.ignored,
        })
    }
}

impl Sink {
    fn record(&mut self, record: &Record<'_>) -> Result<(), Error> {
        let Some(columns) = &self.columns else {
            self.columns = Some(Columns::read(record)?);
            return Ok(());
        };
        self.rows += 1;
        if self.rows > self.inner.config.max_rows {
            return Err(ListFault::Rows(self.inner.config.max_rows).into());
        }
        let picked = columns.pick(record);
        let has_rows = picked.is_some() && columns.are_rows_in(record);
        // Where they stand in a column of ours, that is named.
        let has_rows = has_rows && !picked.iter().flatten().any(|value| spans_lines(value));
        let picked = picked.filter(|_| !has_rows);
        let parsed = match &picked {
            Some(fields) => Row::parse(fields, &self.terms.when),
            None if has_rows => Err(Fault { field: "row", reason: "has other rows in a value" }),
            None if record.malformed => {
                Err(Fault { field: "row", reason: "has text behind a closing quote, or is too long" })
            }
            None => Row::parse(&[], &self.terms.when),
        };
        let staged = match (&picked, parsed) {
            (Some(fields), Ok(row)) => self.valid(record.line, fields, &row)?,
            (_, Err(fault)) => {
                let place = columns.flag_place();
                self.invalid(record, picked.as_ref().map(<[&str; _]>::as_slice), place)?;
                invalid(record.line, fault)
            }
            (None, Ok(_)) => return Err(Error::Damaged("a row")),
        };
        self.people()?;
        self.stage.push(staged)
    }

    fn valid(&mut self, line: u64, fields: &[&str], row: &Row<'_>) -> Result<Staged, Error> {
        let region = row.country.jurisdiction().region();
        if !self.inner.regions.contains_key(&region) {
            return Err(ListFault::Region { line, region }.into());
        }
        self.cohort(row)?;
        self.found.valid += 1;
        let address = match row.objection() {
            Some(objection) => self.objects(line, Some(region), &row.address, objection),
            None => self.inner.secrets.address_hash(&row.address),
        };
        self.addresses.note_valid(address, row);
        let formers = self.inner.secrets.former_hashes(&row.address);
        let formers = formers.iter().map(|former| former.to_vec()).collect();
        Ok(Staged { line, address: address.to_vec(), fields: row.kept(fields), formers })
    }

    /// Who objects in a row that can't be read.
    fn invalid(
        &mut self,
        record: &Record<'_>,
        columns: Option<&[&str]>,
        place: FlagPlace,
    ) -> Result<(), Error> {
        if record.lost {
            return Err(ListFault::Rest(record.line).into());
        }
        for column in columns.into_iter().flat_map(unknown_words) {
            *self.found.unknown.entry(column).or_default() += 1;
        }
        if !may_object(columns) {
            return Ok(());
        }
        // As they may be written in a link, too.
        let addresses = |field: &&str| field.matches('@').count() + field.matches("%40").count();
        if record.fields.iter().map(addresses).sum::<usize>() > ROW_ADDRESSES {
            return Err(ListFault::Addresses(record.line).into());
        }
        let country = columns.and_then(|columns| Country::parse(columns.get(column::COUNTRY)?.trim()));
        let region = country.map(|country| country.jurisdiction().region());
        let found = objections(columns, &record.fields, place);
        let any = |kind: Objection| u64::from(found.iter().any(|(_, objection)| *objection == kind));
        self.found.assumed += any(Objection::Assumed);
        self.found.unknown_word += any(Objection::Unknown);
        for (address, objection) in found {
            self.objects(record.line, region, &address, objection);
        }
        Ok(())
    }

    /// Refuses a list of more people, or more of their objections, than it may have rows: what they take is what rows take.
    fn people(&self) -> Result<(), Error> {
        let limit = self.inner.config.max_rows;
        let objections: usize = self.found.objections.values().map(Vec::len).sum();
        let fits = self.addresses.len().max(objections) as u64 <= limit;
        fits.then_some(()).ok_or(ListFault::People(limit).into())
    }

    /// Notes an objection, and whoever else may be meant by its address.
    fn objects(
        &mut self,
        line: u64,
        region: Option<Region>,
        address: &EmailAddress,
        objection: Objection,
    ) -> AddressHash {
        let hash = self.inner.secrets.address_hash(address);
        self.note(line, region, hash, objection);
        // Whoever may be meant is left out of this list, too, and objects where nobody else can be.
        if let Some(within) = address.within() {
            let objection = if address.is_nobodys() { objection } else { Objection::Assumed };
            self.note(line, region, self.inner.secrets.address_hash(&within), objection);
        }
        hash
    }

    /// The record of an objection that carries over stays in the row's region, if that is known and kept here.
    fn note(&mut self, line: u64, region: Option<Region>, address: AddressHash, objection: Objection) {
        self.addresses.note(address, line, objection);
        let kept = region.filter(|region| self.inner.regions.contains_key(region));
        let region = kept.or_else(|| self.inner.regions.keys().next().copied());
        if let Some(region) = region.filter(|_| objection.carries_over()) {
            let line = line.try_into().unwrap_or(u32::MAX);
            let objection = ListObjector { address, line, objection };
            self.found.objections.entry(region).or_default().push(objection);
        }
    }

    /// Refuses a list with more cohorts than a campaign may have.
    fn cohort(&mut self, row: &Row<'_>) -> Result<(), Error> {
        let name = format!("{}/{}", row.locale, row.segment);
        if !self.cohorts.contains(&name) {
            self.cohort_bytes += name.len();
            self.cohorts.insert(name);
        }
        let fits = self.cohorts.len() <= COHORTS && self.cohort_bytes <= COHORT_BYTES;
        fits.then_some(()).ok_or(ListFault::Cohorts.into())
    }
}

fn invalid(line: u64, fault: Fault) -> Staged {
    let fields = vec![fault.field.into(), fault.reason.into()];
    Staged { line, fields, ..Staged::default() }
}
