//! The handed-off messages of a region as an mbox: segments from storage, keys from compliance, nothing kept here.

use std::collections::HashMap;

use axum::{
    Extension,
    body::Body,
    extract::{Path, State},
    response::Response,
};
use bytes::Bytes;
use futures::{Stream, StreamExt as _, TryStreamExt as _, stream};
use http::header;
use maily_chassis::{BodyShare, Caller, PoolPlace};
use maily_crypto::DataKey;
use maily_proto::compliance::Page;

use super::{Api, problem::Refusal, shares::Exports};
use crate::{
    campaign::CampaignId,
    mbox::Mbox,
    peers::Bucket,
    segment::{Place, Reader},
    workflow::{Keys, StepError, place, started},
};

/// A page in memory, as it lies in storage and as it is sent; the next is fetched when the client has taken that, and pages are
/// about as long as each other.
const HELD: usize = 2;

/// `GET /v1/campaigns/{id}/mail/{region}`
pub(crate) async fn mail(
    State(api): State<Api>,
    Path((id, region)): Path<(CampaignId, String)>,
    Extension(exports): Extension<Exports>,
    caller: Caller,
    share: Option<Extension<BodyShare>>,
) -> Result<Response, Refusal> {
    let campaign = api.campaign(&id).await?;
    let report = api.finished(&id).await?;
    if !report.by_region.contains_key(&region) {
        return Err(Refusal::not_found("no message of this campaign lies in that region"));
    }
    let summary =
        api.deps.compliance.summary(&id).await?.ok_or_else(|| Refusal::not_found("the import is gone"))?;
    let sent = summary.cohorts.iter().zip(&report.cohorts).enumerate();
    let pages = sent.filter(|(_, (_, reported))| reported.blocked.is_none()).flat_map(|(n, (cohort, _))| {
        let leg = cohort.regions.iter().find(|leg| leg.region == region);
        (0..leg.map_or(0, |leg| leg.pages)).map(move |page| (n, cohort.name.clone(), page))
    });
    let pages: Vec<(usize, String, u32)> = pages.collect();
    let mbox =
        std::sync::Arc::new(Mbox::new(&campaign.settings.sender.email, started(&api.deps, &id).await?));
    let messages = stream::iter(pages)
        .then(move |(n, cohort, page)| {
            let page = Page { campaign_id: id.to_string(), cohort, region: region.clone(), page };
            let key = Keys(&id).segment(u32::try_from(n).unwrap_or(u32::MAX), page.page);
            export(api.clone(), page, key, mbox.clone())
        })
        .inspect_err(|error: &StepError| tracing::warn!(%error, "a mail export broke off"));
    // Not before: who asks for what is not there, or not yet, takes nobody's place.
    let place = exports.begin(caller)?;
    // While the answer's status is still open, a failure has its sentence; later it can only tear the answer.
    let mut messages = Box::pin(messages);
    let first = messages.try_next().await?;
    let held = first.as_ref().map_or(0, Bytes::len).saturating_mul(HELD);
    if share.is_some_and(|Extension(share)| !share.holds(held)) {
        return Err(Refusal::later("too many exports are under way; read these first"));
    }
    let messages = stream::iter(first.map(Ok)).chain(messages);
    let mut response = Response::new(Body::from_stream(taken(messages, place)));
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/mbox"));
    Ok(response)
}

/// Pages on their way to a client, torn where their place is taken away. It moves as they are asked for.
pub(super) fn taken(
    pages: impl Stream<Item = Result<Bytes, StepError>> + Unpin + Send + 'static,
    place: PoolPlace<Caller>,
) -> impl Stream<Item = Result<Bytes, StepError>> + Send + 'static {
    stream::unfold((pages, place), |(mut pages, place)| async move {
        let page = tokio::select! {
            biased;
            () = place.recalled() => Err(StepError::Again("the export gave way to another: its client is too slow")),
            page = pages.next() => page?,
        };
        place.moved(page.as_ref().map_or(0, Bytes::len));
        Some((page, (pages, place)))
    })
}

/// One page's messages, in the mbox format.
async fn export(api: Api, page: Page, key: String, mbox: std::sync::Arc<Mbox>) -> Result<Bytes, StepError> {
    let released = api.deps.compliance.release(&page).await?;
    // All of them at once: what a failure leaves over is wiped, too.
    let taken = released.into_iter().map(|record| (record.line, DataKey::taken(record.record_key)));
    let mut keys = HashMap::new();
    for (line, key) in taken.collect::<Vec<_>>() {
        keys.insert(line, key.map_err(|_| StepError::Impossible("a record key of another length"))?);
    }
    let segment = api.deps.objects.read(&Bucket::Mail(page.region.clone()), &key).await?;
    let segment = segment.ok_or(StepError::Impossible(
        "a segment of messages is gone: it was deleted, or its time was over (service.messages_days)",
    ))?;
    let out = decode(segment, &mut keys, &place(&page), &mbox)?;
    match keys.is_empty() {
        true => Ok(out.into()),
        false => Err(StepError::Impossible("a handed-off message is not in its segment")),
    }
}

fn decode(
    segment: Bytes,
    keys: &mut HashMap<u64, DataKey>,
    place: &Place,
    mbox: &Mbox,
) -> Result<Vec<u8>, StepError> {
    let mut out = Vec::with_capacity(segment.len());
    let mut reader = Reader::default();
    reader.push(segment);
    while let Some(record) = reader.next()? {
        // A record without a key was not handed off, or its person has objected since.
        if let Some(key) = keys.remove(&record.line) {
            mbox.append(&record.open(&key, place)?, &mut out);
        }
    }
    reader.finish()?;
    Ok(out)
}
