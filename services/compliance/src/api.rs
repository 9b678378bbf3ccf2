//! The gRPC service: messages in and out; the work is [`State`]'s.

use std::future::ready;

use bytes::Bytes;
use futures::stream::{self, Stream, StreamExt};
use maily_chassis::Peer;
use maily_proto::compliance as pb;
use maily_proto::compliance::compliance_server::Compliance;
use maily_proto::compliance::import_request::Part;
use tonic::{Request, Response, Status, Streaming};

use crate::pages::{HandOff, Released};
use crate::records::Campaign;
use crate::{Error, Sender, State};

/// Most rows of one answer to `InvalidRows`.
const MAX_INVALID: u32 = 10_000;

/// Longest name of a caller, in bytes.
const MAX_CALLER: usize = 256;

/// `maily.compliance.v1.Compliance`.
pub struct Api(State);

impl Api {
    /// The service of an open state.
    #[must_use]
    pub fn new(state: State) -> Self {
        Self(state)
    }
}

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl Compliance for Api {
    async fn import(&self, request: Request<Streaming<pb::ImportRequest>>) -> Answer<pb::ImportReply> {
        let peer = request.extensions().get::<Peer>().map(|Peer(service)| service.clone());
        let mut parts = request.into_inner();
        let first = parts.message().await?.and_then(|request| request.part);
        let Some(Part::Header(header)) = first else {
            return Err(Error::Request("the first part must be the header").into());
        };
        let sender = Sender { country: &header.sender_country, address: &header.sender_address };
        let caller = caller(&header.caller, peer.as_deref())?;
        let chunks = Box::pin(chunks(parts));
        let rows = self.0.import_for(&caller, &header.campaign_id, &header.as_of, sender, chunks).await?;
        Ok(Response::new(pb::ImportReply { rows }))
    }

    async fn summary(&self, request: Request<pb::SummaryRequest>) -> Answer<pb::SummaryReply> {
        let campaign = self.0.0.told(&request.into_inner().campaign_id).await?;
        Ok(Response::new(summary(&campaign)))
    }

    async fn invalid_rows(&self, request: Request<pb::InvalidRowsRequest>) -> Answer<pb::InvalidRowsReply> {
        let request = request.into_inner();
        if request.limit > MAX_INVALID {
            return Err(Error::Request("limit is more than 10000").into());
        }
        let limit = if request.limit == 0 { MAX_INVALID } else { request.limit };
        let campaign = self.0.0.told(&request.campaign_id).await?;
        let rows = self.0.0.campaigns.invalid(&campaign.import, request.after_line, limit as usize).await?;
        let row = |(line, row): (u64, crate::records::Invalid)| pb::InvalidRow {
            line,
            field: row.field,
            reason: row.reason,
        };
        Ok(Response::new(pb::InvalidRowsReply { rows: rows.into_iter().map(row).collect() }))
    }

    async fn recipients(&self, request: Request<pb::RecipientsRequest>) -> Answer<pb::RecipientsReply> {
        let recipients = self.0.recipients(&page(request.into_inner().page)?).await?;
        Ok(Response::new(pb::RecipientsReply { recipients }))
    }

    async fn hand_off(&self, request: Request<pb::HandOffRequest>) -> Answer<pb::HandOffReply> {
        let request = request.into_inner();
        let reply = match self.0.hand_off(page(request.page)?, request.segment).await {
            Ok(HandOff { handed_off, suppressed, expired }) => {
                pb::HandOffReply { handed_off, suppressed, expired, undone: false }
            }
            // An answer, and no refusal: the campaign's report has to account for these people, too.
            Err(Error::Undone) => pb::HandOffReply { undone: true, ..pb::HandOffReply::default() },
            Err(error) => return Err(error.into()),
        };
        Ok(Response::new(reply))
    }

    async fn release(&self, request: Request<pb::ReleaseRequest>) -> Answer<pb::ReleaseReply> {
        let Released { records, left_out } = self.0.release(&page(request.into_inner().page)?).await?;
        Ok(Response::new(pb::ReleaseReply { records, left_out }))
    }

    async fn left_out(&self, request: Request<pb::LeftOutRequest>) -> Answer<pb::LeftOutReply> {
        let messages = self.0.left_out(&request.into_inner().campaign_id).await?;
        Ok(Response::new(pb::LeftOutReply { messages }))
    }
}

/// The list's chunks. tonic takes a call that its client cancelled for one whose list has ended; so the end waits once:
/// then the server sees that the call was cancelled and drops it, before a torn list is taken for a whole one.
fn chunks(
    parts: impl Stream<Item = Result<pb::ImportRequest, Status>>,
) -> impl Stream<Item = Result<Bytes, Error>> {
    let chunks = parts.map(|part| match part.map_err(|_| Error::BrokenOff)?.part {
        Some(Part::Chunk(chunk)) => Ok(chunk.into()),
        _ => Err(Error::Request("every part but the first must be a chunk")),
    });
    chunks.chain(stream::once(tokio::task::yield_now()).filter_map(|()| ready(None)))
}

/// Who brings a list: the key that the calling service names, or the service itself.
fn caller(key: &str, peer: Option<&str>) -> Result<String, Error> {
    match key {
        "" => Ok(format!("service {}", peer.unwrap_or_default())),
        key if key.len() <= MAX_CALLER => Ok(format!("key {key}")),
        _ => Err(Error::Request("caller is longer than 256 bytes")),
    }
}

fn page(page: Option<pb::Page>) -> Result<pb::Page, Error> {
    page.ok_or(Error::Request("page is missing"))
}

fn summary(campaign: &Campaign) -> pb::SummaryReply {
    let cohort = |cohort: &crate::records::Cohort| pb::Cohort {
        name: cohort.name.clone(),
        recipients: cohort.regions.iter().map(|region| region.recipients).sum(),
        regions: cohort.regions.iter().map(region).collect(),
    };
    pb::SummaryReply {
        rows: campaign.rows,
        excluded: campaign.excluded.clone().into_iter().collect(),
        cohorts: campaign.cohorts.iter().map(cohort).collect(),
        page_size: campaign.page_size,
        notes: campaign.notes.clone().into_iter().collect(),
        ignored_columns: campaign.ignored_columns.clone(),
        imported_at: campaign.imported_at.clone(),
        planned: campaign.planned.clone(),
        undone: !campaign.undone_at.is_empty(),
    }
}

fn region(region: &crate::records::CohortRegion) -> pb::CohortRegion {
    pb::CohortRegion { region: region.region.clone(), recipients: region.recipients, pages: region.pages }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_counts_for_the_key_that_brings_it() {
        assert_eq!(caller("ann", Some("orchestrator")).unwrap(), "key ann");
        assert_eq!(caller("", Some("orchestrator")).unwrap(), "service orchestrator");
        assert_eq!(caller("", None).unwrap(), "service ");
        assert!(caller(&"x".repeat(MAX_CALLER + 1), None).is_err());
    }

    #[tokio::test]
    async fn the_end_of_a_list_waits_for_a_cancellation() {
        let part = pb::ImportRequest { part: Some(Part::Chunk(b"x".to_vec())) };
        let mut chunks = Box::pin(chunks(stream::iter([Ok(part)])));
        assert!(matches!(futures::poll!(chunks.next()), std::task::Poll::Ready(Some(Ok(_)))));
        assert!(futures::poll!(chunks.next()).is_pending(), "the server looks at the call here");
        assert!(chunks.next().await.is_none());
    }
}
