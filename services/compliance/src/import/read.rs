//! The first pass: bytes to records to staged rows.

use std::collections::HashSet;
use std::sync::Arc;

use aws_lc_rs::hmac;
use maily_law::{AsOf, Fault, Row};

use crate::Error;
use crate::addresses::Addresses;
use crate::list::{ListFault, Record, Splitter, Utf8, is_header};
use crate::records::Staged;
use crate::stage::{StageReader, StageWriter};
use crate::state::Inner;

/// The most cohorts of a campaign, and bytes of all their names.
const COHORTS: usize = 1_000;
const COHORT_BYTES: usize = 512 << 10;

/// A list while it arrives.
pub(crate) struct Reading {
    splitter: Splitter,
    utf8: Utf8,
    digest: hmac::Context,
    bytes: u64,
    sink: Sink,
}

/// A list that was read.
pub(crate) struct ReadList {
    pub(crate) stage: StageReader,
    pub(crate) addresses: Addresses,
    pub(crate) rows: u64,
    pub(crate) digest: Vec<u8>,
}

/// Where records go.
struct Sink {
    inner: Arc<Inner>,
    as_of: AsOf,
    header: bool,
    rows: u64,
    stage: StageWriter,
    addresses: Addresses,
    cohorts: HashSet<String>,
    cohort_bytes: usize,
}

impl Reading {
    pub(crate) fn new(inner: &Arc<Inner>, as_of: &str, judged_at: AsOf) -> Result<Self, Error> {
        let sink = Sink {
            inner: Arc::clone(inner),
            as_of: judged_at,
            header: false,
            rows: 0,
            stage: StageWriter::create(&inner.staging)?,
            addresses: Addresses::default(),
            cohorts: HashSet::new(),
            cohort_bytes: 0,
        };
        let digest = inner.secrets.list_digest(as_of);
        Ok(Self { splitter: Splitter::new(), utf8: Utf8::default(), digest, bytes: 0, sink })
    }

    pub(crate) fn push(&mut self, chunk: &[u8]) -> Result<(), Error> {
        self.bytes += chunk.len() as u64;
        let limit = self.sink.inner.config.max_bytes;
        if self.bytes > limit {
            return Err(ListFault::Bytes(limit).into());
        }
        self.digest.update(chunk);
        let checked = self.utf8.push(chunk);
        let valid = &chunk[..checked.err().unwrap_or(chunk.len())];
        let sink = &mut self.sink;
        // First what comes before the fault, so that the first fault is reported however the list is cut.
        self.splitter.push(valid, |record| sink.record(&record))?;
        checked.map_err(|_| ListFault::Utf8(self.splitter.line()).into())
    }

    pub(crate) fn finish(self) -> Result<ReadList, Error> {
        let Self { splitter, utf8, digest, mut sink, .. } = self;
        if !utf8.is_whole() {
            return Err(ListFault::Utf8(splitter.line()).into());
        }
        splitter.finish(|record| sink.record(&record))?;
        if !sink.header {
            return Err(ListFault::Empty.into());
        }
        Ok(ReadList {
            stage: sink.stage.finish()?,
            addresses: sink.addresses,
            rows: sink.rows,
            digest: digest.sign().as_ref().to_vec(),
        })
    }
}

impl Sink {
    fn record(&mut self, record: &Record<'_>) -> Result<(), Error> {
        if !self.header {
            self.header = is_header(record);
            return if self.header { Ok(()) } else { Err(ListFault::Header(record.line).into()) };
        }
        self.rows += 1;
        if self.rows > self.inner.config.max_rows {
            return Err(ListFault::Rows(self.inner.config.max_rows).into());
        }
        let parsed = if record.malformed {
            Err(Fault { field: "row", reason: "has text behind a closing quote" })
        } else {
            Row::parse(&record.fields, &self.as_of)
        };
        let staged = match parsed {
            Ok(row) => self.valid(record, &row)?,
            Err(fault) => invalid(record.line, fault),
        };
        self.stage.push(staged)
    }

    fn valid(&mut self, record: &Record<'_>, row: &Row<'_>) -> Result<Staged, Error> {
        let region = row.country.jurisdiction().region();
        if !self.inner.regions.contains_key(&region) {
            return Err(ListFault::Region { line: record.line, region }.into());
        }
        self.cohort(row)?;
        let address = self.inner.secrets.address_hash(&row.address);
        self.addresses.note(address, row);
        let mut fields: Vec<String> = record.fields.iter().map(ToString::to_string).collect();
        fields[1] = row.address.as_str().to_owned();
        Ok(Staged { line: record.line, address: address.to_vec(), fields })
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
    Staged { line, address: Vec::new(), fields: vec![fault.field.into(), fault.reason.into()] }
}
