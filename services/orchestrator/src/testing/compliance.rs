//! Compliance's contract in memory. A list is lines of `cohort,region,address,name`; a line `bad` can't be read.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Mutex, MutexGuard},
};

use aws_lc_rs::digest::{SHA256, digest};
use maily_proto::compliance::{
    Cohort, CohortRegion, HandOffReply, HandOffRequest, ImportReply, ImportRequest, InvalidRow,
    InvalidRowsReply, InvalidRowsRequest, Page, Recipient, RecipientsReply, RecipientsRequest, ReleaseReply,
    ReleaseRequest, ReleasedRecord, SummaryReply, SummaryRequest, compliance_server::Compliance,
    import_request::Part,
};
use tonic::{Request, Response, Status, Streaming};

pub(crate) const PAGE: usize = 3;

/// What compliance knows.
#[derive(Default)]
pub(crate) struct Ledger(Mutex<State>);

#[derive(Default)]
pub(crate) struct State {
    lists: HashMap<String, Vec<Row>>,
    /// Page to the lines that were handed off and the number that was not.
    hand_offs: HashMap<String, (Vec<u64>, u32)>,
    pub(crate) suppressed: HashSet<String>,
    pub(crate) calls: u64,
}

#[derive(Clone)]
struct Row {
    line: u64,
    cohort: String,
    region: String,
    email: String,
    name: String,
}

impl Ledger {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

impl State {
    fn cohorts(&self, campaign: &str) -> Result<Vec<Cohort>, Status> {
        let rows = self.lists.get(campaign).ok_or_else(|| Status::not_found("no import"))?;
        let mut cohorts: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
        for row in rows.iter().filter(|row| !row.cohort.is_empty()) {
            *cohorts.entry(&row.cohort).or_default().entry(&row.region).or_default() += 1;
        }
        let region = |(region, count): (&str, usize)| CohortRegion {
            region: region.to_owned(),
            recipients: count as u64,
            pages: count.div_ceil(PAGE) as u32,
        };
        let cohort = |(name, regions): (&str, BTreeMap<&str, usize>)| Cohort {
            name: name.to_owned(),
            recipients: regions.values().sum::<usize>() as u64,
            regions: regions.into_iter().map(region).collect(),
        };
        Ok(cohorts.into_iter().map(cohort).collect())
    }

    fn page(&self, page: &Page) -> Vec<Row> {
        let rows = self.lists[&page.campaign_id].iter();
        let rows = rows.filter(|row| row.cohort == page.cohort && row.region == page.region);
        rows.skip(page.page as usize * PAGE).take(PAGE).cloned().collect()
    }
}

fn record_key(page: &Page, line: u64) -> Vec<u8> {
    digest(&SHA256, format!("{}{line}", page.campaign_id).as_bytes()).as_ref().to_vec()
}

fn key(page: &Page) -> String {
    format!("{}/{}/{}/{}", page.campaign_id, page.cohort, page.region, page.page)
}

fn parse(text: &str) -> Result<Vec<Row>, Status> {
    let mut rows = Vec::new();
    for (n, line) in text.lines().enumerate() {
        let mut fields = line.split(',').map(str::to_owned);
        let mut field = || fields.next().unwrap_or_default();
        let (cohort, region, email, name) = (field(), field(), field(), field());
        if cohort == "refuse" {
            return Err(Status::invalid_argument("line 1: the header is wrong"));
        }
        let cohort = if cohort == "bad" { String::new() } else { cohort };
        rows.push(Row { line: n as u64 + 2, cohort, region, email, name });
    }
    Ok(rows)
}

#[tonic::async_trait]
impl Compliance for Ledger {
    async fn import(
        &self,
        request: Request<Streaming<ImportRequest>>,
    ) -> Result<Response<ImportReply>, Status> {
        let mut stream = request.into_inner();
        let (mut campaign, mut bytes) = (String::new(), Vec::new());
        while let Some(part) = stream.message().await? {
            match part.part.unwrap() {
                Part::Header(header) => campaign = header.campaign_id,
                Part::Chunk(chunk) if chunk.starts_with(b"refuse") => {
                    return Err(Status::invalid_argument("line 1: the header is wrong"));
                }
                Part::Chunk(chunk) if chunk.starts_with(b"full") => {
                    return Err(Status::resource_exhausted("the service's disk is full"));
                }
                Part::Chunk(chunk) => bytes.extend(chunk),
            }
        }
        let rows = parse(std::str::from_utf8(&bytes).unwrap())?;
        let count = rows.len() as u64;
        self.state().lists.insert(campaign, rows);
        Ok(Response::new(ImportReply { rows: count }))
    }

    async fn summary(&self, request: Request<SummaryRequest>) -> Result<Response<SummaryReply>, Status> {
        let campaign = request.into_inner().campaign_id;
        let state = self.state();
        let cohorts = state.cohorts(&campaign)?;
        let rows = &state.lists[&campaign];
        let invalid = rows.iter().filter(|row| row.cohort.is_empty()).count() as u64;
        let excluded = (invalid > 0).then(|| ("invalid".to_owned(), invalid)).into_iter().collect();
        Ok(Response::new(SummaryReply { rows: rows.len() as u64, excluded, cohorts, page_size: PAGE as u32 }))
    }

    async fn invalid_rows(
        &self,
        request: Request<InvalidRowsRequest>,
    ) -> Result<Response<InvalidRowsReply>, Status> {
        let request = request.into_inner();
        let state = self.state();
        let rows = state.lists[&request.campaign_id].iter();
        let rows = rows.filter(|row| row.cohort.is_empty() && row.line > request.after_line).take(2);
        let row = |row: &Row| InvalidRow { line: row.line, field: "row".into(), reason: "is bad".into() };
        Ok(Response::new(InvalidRowsReply { rows: rows.map(row).collect() }))
    }

    async fn recipients(
        &self,
        request: Request<RecipientsRequest>,
    ) -> Result<Response<RecipientsReply>, Status> {
        let page = request.into_inner().page.unwrap();
        let mut state = self.state();
        state.calls += 1;
        let rows = state.page(&page).into_iter().filter(|row| !state.suppressed.contains(&row.email));
        let recipient = |row: Row| Recipient {
            line: row.line,
            email: row.email,
            first_name: row.name,
            unsubscribe_token: format!("token-{}", row.line),
            record_key: record_key(&page, row.line),
        };
        Ok(Response::new(RecipientsReply { recipients: rows.map(recipient).collect() }))
    }

    async fn hand_off(&self, request: Request<HandOffRequest>) -> Result<Response<HandOffReply>, Status> {
        let page = request.into_inner().page.unwrap();
        let mut state = self.state();
        state.calls += 1;
        let rows = state.page(&page);
        let sent = rows.iter().filter(|row| !state.suppressed.contains(&row.email)).map(|row| row.line);
        let sent: Vec<u64> = sent.collect();
        let suppressed = (rows.len() - sent.len()) as u32;
        let first = state.hand_offs.entry(key(&page)).or_insert((sent, suppressed));
        Ok(Response::new(HandOffReply { handed_off: first.0.len() as u32, suppressed: first.1 }))
    }

    async fn release(&self, request: Request<ReleaseRequest>) -> Result<Response<ReleaseReply>, Status> {
        let page = request.into_inner().page.unwrap();
        let lines = self.state().hand_offs.get(&key(&page)).cloned().unwrap_or_default().0;
        let record = |line| ReleasedRecord { line, record_key: record_key(&page, line) };
        Ok(Response::new(ReleaseReply { records: lines.into_iter().map(record).collect() }))
    }
}
