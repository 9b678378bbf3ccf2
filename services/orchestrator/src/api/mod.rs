//! The API at the edge: campaigns are created, fed with a list, started, watched and fetched. Every call may be
//! repeated; faults are RFC 9457 problems in one sentence.

mod audit;
mod cancel;
mod create;
mod fetch;
mod mail;
mod problem;
#[cfg(test)]
mod scope_tests;
mod shares;
mod status;

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    middleware::from_fn_with_state,
    routing::{get, post, put},
};
use http::Method;
use maily_chassis::{Scope, requires};

use crate::{
    campaign::{Campaign, CampaignId},
    peers::PeerError,
    report::Report,
    restate::{Admin, Ingress},
    workflow::{
        Deps, Keys,
        ending::{self, End},
    },
};
pub(crate) use create::NewCampaign;
use problem::Refusal;
pub(crate) use status::{CohortStatus, State, Status};

/// JSON escapes may double the megabyte of guardrails.
const BODY: usize = 4 << 20;

/// Bytes of a list on its way to compliance: pieces that wait for it, and what HTTP/2 has taken of them.
const LIST: usize = 2 << 20;

/// What the handlers work with.
#[derive(Clone)]
pub(crate) struct Api {
    pub(crate) deps: Arc<Deps>,
    pub(crate) ingress: Ingress,
    pub(crate) admin: Admin,
}

/// The routes of the edge listener, each for keys of its scope; what changes or hands out something is in the audit record.
pub(crate) fn router(api: Api) -> Router {
    let (campaigns, mail) = (requires(Scope::Campaigns), requires(Scope::Mail));
    let audited = |action: &'static str| from_fn_with_state(action, audit::audited);
    // The first of some layers is the outermost: a refusal is in the record, too.
    let create = post(create::create).layer((campaigns, shares::loads(), DefaultBodyLimit::max(BODY)));
    let export = get(mail::mail).layer((audited("export"), mail, shares::exports()));
    let subscribers = put(create::subscribers);
    Router::new()
        .route("/v1/campaigns", create)
        .route("/v1/campaigns/{id}", get(status::status).layer(campaigns))
        .route(
            "/v1/campaigns/{id}/subscribers",
            subscribers.layer((audited("import"), campaigns, DefaultBodyLimit::disable())),
        )
        .route("/v1/campaigns/{id}/start", post(create::start).layer((audited("start"), campaigns)))
        .route("/v1/campaigns/{id}/cancel", post(cancel::cancel).layer((audited("cancel"), campaigns)))
        .route("/v1/campaigns/{id}/report", get(fetch::report).layer((audited("report"), mail)))
        .route("/v1/campaigns/{id}/mail/{region}", export)
        .with_state(api)
}

/// A list is passed on as it comes; other bodies are gathered.
pub(crate) fn held(request: &Request) -> Option<usize> {
    (request.method() == Method::PUT).then_some(LIST)
}

impl Api {
    async fn campaign(&self, id: &CampaignId) -> Result<Campaign, Refusal> {
        let found = self.deps.objects.read_json(&Keys(id).campaign()).await?;
        found.ok_or_else(|| Refusal::not_found("there is no such campaign"))
    }

    /// How the campaign ended, if it has. One that is about to write its report is still at it.
    async fn end(&self, id: &CampaignId) -> Result<Option<End>, PeerError> {
        match self.report(id).await?.is_some() {
            true => Ok(Some(End::Done)),
            false => Ok(ending::end(&self.deps, id).await?.filter(|end| *end != End::Done)),
        }
    }

    /// Refuses what can't be done to a campaign that was cancelled or failed.
    async fn refuse_stopped(&self, id: &CampaignId) -> Result<(), Refusal> {
        ending::end(&self.deps, id).await?.map_or(Ok(()), |end| stopped(&end).map_or(Ok(()), Err))
    }

    /// The report of a campaign that is done.
    async fn finished(&self, id: &CampaignId) -> Result<Report, Refusal> {
        if let Some(report) = self.report(id).await? {
            return Ok(report);
        }
        self.refuse_stopped(id).await?;
        Err(Refusal::conflict("the campaign is not done yet"))
    }

    async fn report(&self, id: &CampaignId) -> Result<Option<Report>, PeerError> {
        self.deps.objects.read_json(&Keys(id).report()).await
    }
}

/// What is said of a campaign that goes no further.
fn stopped(end: &End) -> Option<Refusal> {
    match end {
        End::Done => None,
        End::Cancelled => Some(Refusal::conflict("the campaign was cancelled")),
        End::Failed { reason } => Some(Refusal::conflict(&format!("the campaign failed: {reason}"))),
    }
}
