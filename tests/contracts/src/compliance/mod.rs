//! `maily.compliance.v1`: importing a list, what came of it, its pages, and opting out between.

pub mod import;
pub mod pages;
pub mod summary;

use maily_proto::compliance::{
    HandOffReply, HandOffRequest, ImportHeader, ImportRequest, LeftOutRequest, Page, Recipient,
    RecipientsRequest, ReleaseRequest, ReleasedRecord, SummaryReply, SummaryRequest,
    compliance_client::ComplianceClient, import_request::Part,
};
use tonic::{Code, Status, transport::Channel};

/// Recipients on a page: what every implementation has to be set up with.
pub const PAGE: u32 = 3;
/// First line of every list.
pub const HEADER: &str =
    "id,email,first_name,country,locale,segment,birth_year,consent,consent_at,consent_source,suppressed";
/// The planned send of these lists; it is past, which means now.
pub const AS_OF: &str = "2026-04-01T09:00:00+02:00";
/// The sender's country: its law asks for the least.
pub const SENDER: &str = "US";

/// What keeps the contract, with no campaign in it, all regions, and pages of [`PAGE`].
pub trait Compliance: Sync {
    /// A client of it.
    fn client(&self) -> ComplianceClient<Channel>;

    /// Has the person opt out to whom this unsubscribe token belongs; answers when that is acknowledged.
    fn opt_out(&self, token: String) -> impl Future<Output = ()> + Send + 'static;

    /// From now on the disk takes no list.
    fn break_disk(&self);
}

/// A row that may be written to: the fields that a check has an eye on.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// Names the person: `person{at}@mail.example`, `Name{at}`.
    pub at: usize,
    /// ISO 3166-1, which decides on the region.
    pub country: &'a str,
    /// The cohort is `LOCALE/SEGMENT`.
    pub cohort: (&'a str, &'a str),
}

impl Row<'_> {
    /// The row as a line of the list.
    #[must_use]
    pub fn line(&self) -> String {
        let Self { at, country, cohort: (locale, segment) } = self;
        format!(
            "{at},person{at}@mail.example,Name{at},{country},{locale},{segment},1980,express,2025-01-01T00:00:00Z,form,false"
        )
    }
}

/// A list of these lines under the header.
#[must_use]
pub fn list(lines: impl IntoIterator<Item = String>) -> String {
    let lines = std::iter::once(HEADER.to_owned()).chain(lines);
    lines.map(|line| line + "\n").collect()
}

/// A list of `rows` people who may be written to, in one cohort and one region (`en-GB/all`, uk).
#[must_use]
pub fn plain(rows: usize) -> String {
    list((0..rows).map(|at| Row { at, country: "GB", cohort: ("en-GB", "all") }.line()))
}

/// A page of [`plain`].
fn page(campaign: &str, page: u32) -> Page {
    Page { campaign_id: campaign.into(), cohort: "en-GB/all".into(), region: "uk".into(), page }
}

fn header(campaign: &str, as_of: &str) -> ImportRequest {
    let header = ImportHeader {
        campaign_id: campaign.into(),
        as_of: as_of.into(),
        sender_country: SENDER.into(),
        sender_address: String::new(),
        caller: String::new(),
    };
    ImportRequest { part: Some(Part::Header(header)) }
}

fn chunk(bytes: &[u8]) -> ImportRequest {
    ImportRequest { part: Some(Part::Chunk(bytes.to_vec())) }
}

/// The parts of an import, the list in chunks of this many bytes.
fn parts(campaign: &str, as_of: &str, list: &[u8], size: usize) -> Vec<ImportRequest> {
    std::iter::once(header(campaign, as_of)).chain(list.chunks(size).map(chunk)).collect()
}

fn code<T: std::fmt::Debug>(answer: Result<T, Status>) -> Code {
    answer.expect_err("is refused").code()
}

/// The calls that most checks make.
trait Calls: Compliance {
    async fn try_import(&self, campaign: &str, list: impl AsRef<[u8]>) -> Result<u64, Status> {
        self.send(parts(campaign, AS_OF, list.as_ref(), 64 << 10)).await
    }

    async fn send(&self, parts: Vec<ImportRequest>) -> Result<u64, Status> {
        Ok(self.client().import(futures::stream::iter(parts)).await?.into_inner().rows)
    }

    async fn import(&self, campaign: &str, list: impl AsRef<[u8]>) {
        self.try_import(campaign, list).await.expect("is imported");
    }

    async fn summary(&self, campaign: &str) -> Result<SummaryReply, Status> {
        let request = SummaryRequest { campaign_id: campaign.into() };
        self.client().summary(request).await.map(tonic::Response::into_inner)
    }

    async fn recipients(&self, page: &Page) -> Result<Vec<Recipient>, Status> {
        let request = RecipientsRequest { page: Some(page.clone()) };
        Ok(self.client().recipients(request).await?.into_inner().recipients)
    }

    async fn hand_off(&self, page: &Page, segment: &str) -> Result<(u32, u32), Status> {
        let request = HandOffRequest { page: Some(page.clone()), segment: segment.into() };
        let HandOffReply { handed_off, suppressed, .. } = self.client().hand_off(request).await?.into_inner();
        Ok((handed_off, suppressed))
    }

    async fn left_out(&self, campaign: &str) -> u64 {
        let request = LeftOutRequest { campaign_id: campaign.into() };
        self.client().left_out(request).await.expect("is told").into_inner().messages
    }

    async fn release(&self, page: &Page) -> Result<Vec<ReleasedRecord>, Status> {
        let request = ReleaseRequest { page: Some(page.clone()) };
        Ok(self.client().release(request).await?.into_inner().records)
    }
}

impl<C: Compliance> Calls for C {}
