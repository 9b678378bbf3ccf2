//! Compliance's contract in memory: its lists, its law, its pages; nothing is durable and nobody is sealed.

mod list;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Mutex, MutexGuard},
};

use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;
use maily_law::{Country, EmailAddress, Region, When};
use maily_proto::compliance::{
    Cohort, CohortRegion, HandOffReply, HandOffRequest, ImportHeader, ImportReply, ImportRequest, InvalidRow,
    InvalidRowsReply, InvalidRowsRequest, LeftOutReply, LeftOutRequest, Page, Recipient, RecipientsReply,
    RecipientsRequest, ReleaseReply, ReleaseRequest, ReleasedRecord, SummaryReply, SummaryRequest,
    compliance_server::Compliance, import_request::Part,
};
use tonic::{Request, Response, Status, Streaming};

use list::{List, Person};

/// Few, so that small lists have many pages.
const PAGE: usize = maily_contracts::compliance::PAGE as usize;
/// As the service has them.
const MAX_INVALID: u32 = 10_000;
const MAX_CHUNK: usize = 256 << 10;
const MAX_SEGMENT: usize = 1_024;
const MAX_CAMPAIGN: usize = 256;

/// What compliance knows.
#[derive(Default)]
pub(crate) struct Ledger(Mutex<State>);

#[derive(Default)]
pub(crate) struct State {
    campaigns: HashMap<String, Campaign>,
    /// By campaign, cohort, region and page.
    hand_offs: HashMap<(String, String, String, u32), HandOff>,
    opted_out: HashSet<EmailAddress>,
    /// Who opts out as soon as an import has ended.
    pub(crate) leaving: HashSet<EmailAddress>,
    /// No list finds room.
    pub(crate) full: bool,
    /// Every import was taken back: it is still told of, and nobody is written to by it.
    pub(crate) undone: bool,
    /// The time of every import is over.
    pub(crate) removed: bool,
    pub(crate) calls: u64,
}

struct Campaign {
    /// What was imported: a list that comes again has to be the same.
    bytes: Vec<u8>,
    header: ImportHeader,
    list: List,
}

#[derive(Clone)]
struct HandOff {
    segment: String,
    lines: Vec<u64>,
    suppressed: u32,
}

impl Ledger {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Has the person opt out to whom the token was given.
    pub(crate) fn opt_out(&self, token: &str) {
        let mut state = self.state();
        let people = state.campaigns.values().flat_map(|campaign| &campaign.list.people);
        let found =
            people.map(|person| &person.address).find(|address| self::token(address) == token).cloned();
        state.opted_out.extend(found);
    }
}

impl State {
    /// Messages that were handed off.
    pub(crate) fn handed_off(&self) -> u64 {
        self.hand_offs.values().map(|hand_off| hand_off.lines.len() as u64).sum()
    }

    fn campaign(&self, campaign: &str) -> Result<&Campaign, Status> {
        if self.removed {
            return Err(Status::failed_precondition(
                "the rows of this campaign were removed when their time was over",
            ));
        }
        self.campaigns
            .get(campaign)
            .ok_or_else(|| Status::not_found("no import of this campaign has finished"))
    }

    fn stands(&self) -> Result<(), Status> {
        let undone = "the import of this campaign was taken back: nobody is written to by it";
        (!self.undone).then_some(()).ok_or_else(|| Status::failed_precondition(undone))
    }

    /// The answer to a list, unless another has taken its place.
    fn import(&mut self, header: ImportHeader, bytes: Vec<u8>) -> Result<u64, Status> {
        let campaign_id = header.campaign_id.clone();
        if let Some(first) = self.campaigns.get(&campaign_id) {
            let other =
                "the campaign was imported already, with another list, another as_of or another sender";
            let same = first.bytes == bytes && first.header == header;
            return same.then_some(first.list.rows).ok_or_else(|| Status::already_exists(other));
        }
        let (when, sender) = terms(&header)?;
        let list = list::read(&bytes, &when, sender, &mut self.opted_out)?;
        let rows = list.rows;
        self.campaigns.insert(campaign_id, Campaign { bytes, header, list });
        self.opted_out.extend(self.leaving.drain());
        Ok(rows)
    }

    fn page(&self, page: &Page) -> Result<Vec<&Person>, Status> {
        let people = self.campaign(&page.campaign_id)?.list.people.iter();
        let region =
            Region::parse(&page.region).ok_or_else(|| Status::not_found("there is no such region"))?;
        let people = people.filter(|person| person.cohort == page.cohort && person.region == region);
        let people: Vec<_> = people.skip(page.page as usize * PAGE).take(PAGE).collect();
        let none = || Status::not_found("the cohort has no such page in the region");
        (!people.is_empty()).then_some(people).ok_or_else(none)
    }

    fn who_stays(&self, page: &Page) -> Result<HashSet<u64>, Status> {
        let stays = |person: &&Person| !self.opted_out.contains(&person.address);
        Ok(self.page(page)?.into_iter().filter(stays).map(|person| person.line).collect())
    }

    fn hand_off(&self, page: &Page, segment: String) -> Result<HandOff, Status> {
        if segment.is_empty() || segment.len() > MAX_SEGMENT {
            return Err(Status::invalid_argument("segment is empty or longer than 1024 bytes"));
        }
        let people = self.page(page)?;
        if let Some(first) = self.hand_offs.get(&key(page)) {
            let other =
                || Status::failed_precondition("the page was handed off already, with another segment");
            return (first.segment == segment).then(|| first.clone()).ok_or_else(other);
        }
        let stays = |person: &&&Person| !self.opted_out.contains(&person.address);
        let lines: Vec<u64> = people.iter().filter(stays).map(|person| person.line).collect();
        let suppressed = (people.len() - lines.len()) as u32;
        Ok(HandOff { segment, lines, suppressed })
    }
}

fn terms(header: &ImportHeader) -> Result<(When, Country), Status> {
    let when = When::new(Timestamp::now(), &header.as_of);
    let country = Country::parse(header.sender_country.trim());
    let unknown =
        || Status::invalid_argument("sender_country is no assigned ISO 3166-1 code and no English name");
    Ok((when.map_err(|error| Status::invalid_argument(error.sentence()))?, country.ok_or_else(unknown)?))
}

fn cohorts(people: &[Person]) -> Vec<Cohort> {
    let mut cohorts: BTreeMap<&str, BTreeMap<Region, usize>> = BTreeMap::new();
    for person in people {
        *cohorts.entry(&person.cohort).or_default().entry(person.region).or_default() += 1;
    }
    let region = |(region, count): (Region, usize)| CohortRegion {
        region: region.name().to_owned(),
        recipients: count as u64,
        pages: count.div_ceil(PAGE) as u32,
    };
    let cohort = |(name, regions): (&str, BTreeMap<Region, usize>)| Cohort {
        name: name.to_owned(),
        recipients: regions.values().sum::<usize>() as u64,
        regions: regions.into_iter().map(region).collect(),
    };
    cohorts.into_iter().map(cohort).collect()
}

fn token(address: &EmailAddress) -> String {
    hex::encode(digest(&SHA256, address.comparison().as_bytes()))
}

fn record_key(campaign: &str, line: u64) -> Vec<u8> {
    digest(&SHA256, format!("{campaign}\n{line}").as_bytes()).as_ref().to_vec()
}

fn key(page: &Page) -> (String, String, String, u32) {
    (page.campaign_id.clone(), page.cohort.clone(), page.region.clone(), page.page)
}

fn given(page: Option<Page>) -> Result<Page, Status> {
    page.ok_or_else(|| Status::invalid_argument("page is missing"))
}

/// The header that an import begins with.
fn begin(part: Option<Part>) -> Result<ImportHeader, Status> {
    let Some(Part::Header(header)) = part else {
        return Err(Status::invalid_argument("the first part must be the header"));
    };
    let campaign = &header.campaign_id;
    if campaign.is_empty() || campaign.len() > MAX_CAMPAIGN || campaign.contains(char::is_control) {
        return Err(Status::invalid_argument(
            "campaign_id is empty, longer than 256 bytes, or has control characters",
        ));
    }
    terms(&header)?;
    Ok(header)
}

fn chunk(part: Option<Part>) -> Result<Vec<u8>, Status> {
    match part {
        Some(Part::Chunk(chunk)) if chunk.len() <= MAX_CHUNK => Ok(chunk),
        Some(Part::Chunk(_)) => Err(Status::invalid_argument("a chunk is longer than 256 KiB")),
        _ => Err(Status::invalid_argument("every part but the first must be a chunk")),
    }
}

#[tonic::async_trait]
impl Compliance for Ledger {
    async fn import(
        &self,
        request: Request<Streaming<ImportRequest>>,
    ) -> Result<Response<ImportReply>, Status> {
        let mut stream = request.into_inner();
        let header = begin(stream.message().await?.and_then(|first| first.part))?;
        let comes_again = self.state().campaigns.contains_key(&header.campaign_id);
        let mut bytes = Vec::new();
        while let Some(request) = stream.message().await? {
            bytes.extend(chunk(request.part)?);
            if self.state().full {
                return Err(Status::resource_exhausted(
                    "the list can't be staged: the service's disk is full",
                ));
            }
            if !comes_again {
                list::check_begin(&bytes)?;
            }
        }
        // To tonic a call that its client cancelled has ended; the server drops it as soon as it waits.
        tokio::task::yield_now().await;
        let rows = self.state().import(header, bytes)?;
        Ok(Response::new(ImportReply { rows }))
    }

    async fn summary(&self, request: Request<SummaryRequest>) -> Result<Response<SummaryReply>, Status> {
        let state = self.state();
        let list = &state.campaign(&request.into_inner().campaign_id)?.list;
        let (excluded, cohorts) = (list.excluded.clone(), cohorts(&list.people));
        Ok(Response::new(SummaryReply {
            rows: list.rows,
            excluded,
            cohorts,
            page_size: PAGE as u32,
            undone: state.undone,
            ..SummaryReply::default()
        }))
    }

    async fn invalid_rows(
        &self,
        request: Request<InvalidRowsRequest>,
    ) -> Result<Response<InvalidRowsReply>, Status> {
        let InvalidRowsRequest { campaign_id, after_line, limit } = request.into_inner();
        if limit > MAX_INVALID {
            return Err(Status::invalid_argument("limit is more than 10000"));
        }
        let limit = if limit == 0 { MAX_INVALID } else { limit };
        let state = self.state();
        let rows = state.campaign(&campaign_id)?.list.invalid.iter().filter(|row| row.line > after_line);
        let rows: Vec<InvalidRow> = rows.take(limit as usize).cloned().collect();
        Ok(Response::new(InvalidRowsReply { rows }))
    }

    async fn recipients(
        &self,
        request: Request<RecipientsRequest>,
    ) -> Result<Response<RecipientsReply>, Status> {
        let page = given(request.into_inner().page)?;
        let mut state = self.state();
        state.calls += 1;
        state.stands()?;
        let people =
            state.page(&page)?.into_iter().filter(|person| !state.opted_out.contains(&person.address));
        let recipient = |person: &Person| Recipient {
            line: person.line,
            email: person.address.as_str().to_owned(),
            first_name: person.first_name.clone(),
            unsubscribe_token: token(&person.address),
            record_key: record_key(&page.campaign_id, person.line),
            advertisement: person.advertisement,
        };
        Ok(Response::new(RecipientsReply { recipients: people.map(recipient).collect() }))
    }

    async fn hand_off(&self, request: Request<HandOffRequest>) -> Result<Response<HandOffReply>, Status> {
        let HandOffRequest { page, segment } = request.into_inner();
        let page = given(page)?;
        let mut state = self.state();
        state.calls += 1;
        if state.undone && !state.hand_offs.contains_key(&key(&page)) {
            return Ok(Response::new(HandOffReply { undone: true, ..HandOffReply::default() }));
        }
        let hand_off = state.hand_off(&page, segment)?;
        let answer = HandOffReply {
            handed_off: hand_off.lines.len() as u32,
            suppressed: hand_off.suppressed,
            expired: 0,
            undone: false,
        };
        state.hand_offs.insert(key(&page), hand_off);
        Ok(Response::new(answer))
    }

    async fn release(&self, request: Request<ReleaseRequest>) -> Result<Response<ReleaseReply>, Status> {
        let page = given(request.into_inner().page)?;
        let state = self.state();
        state.stands()?;
        state.page(&page)?;
        let hand_off = state.hand_offs.get(&key(&page));
        let hand_off = hand_off.ok_or_else(|| Status::failed_precondition("the page was not handed off"))?;
        let stays = state.who_stays(&page)?;
        let (kept, left_out): (Vec<u64>, Vec<u64>) =
            hand_off.lines.iter().partition(|line| stays.contains(line));
        let record = |&line: &u64| ReleasedRecord { line, record_key: record_key(&page.campaign_id, line) };
        let records = kept.iter().map(record).collect();
        Ok(Response::new(ReleaseReply { records, left_out: left_out.len() as u32 }))
    }

    async fn left_out(&self, request: Request<LeftOutRequest>) -> Result<Response<LeftOutReply>, Status> {
        let campaign = request.into_inner().campaign_id;
        let state = self.state();
        state.campaign(&campaign)?;
        let mut messages = 0;
        for ((id, cohort, region, page), hand_off) in &state.hand_offs {
            if *id == campaign {
                let page = Page {
                    campaign_id: id.clone(),
                    cohort: cohort.clone(),
                    region: region.clone(),
                    page: *page,
                };
                let stays = state.who_stays(&page)?;
                messages += hand_off.lines.iter().filter(|line| !stays.contains(line)).count() as u64;
            }
        }
        Ok(Response::new(LeftOutReply { messages }))
    }
}
