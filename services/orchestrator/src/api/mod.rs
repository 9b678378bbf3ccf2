//! The API at the edge: campaigns are created, fed with a list, started, watched and fetched. Every call may be
//! repeated; faults are RFC 9457 problems in one sentence.

mod create;
mod fetch;
mod mail;
mod problem;
mod status;

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{get, post, put},
};

use crate::{
    campaign::{Campaign, CampaignId},
    peers::PeerError,
    report::Report,
    restate::Ingress,
    workflow::{Deps, Keys},
};
pub(crate) use create::NewCampaign;
use problem::Refusal;
pub(crate) use status::{CohortStatus, State, Status};

/// JSON escapes may double the megabyte of guardrails.
const BODY: usize = 4 << 20;

/// What the handlers work with.
#[derive(Clone)]
pub(crate) struct Api {
    pub(crate) deps: Arc<Deps>,
    pub(crate) ingress: Ingress,
}

/// The routes of the edge listener.
pub(crate) fn router(api: Api) -> Router {
    Router::new()
        .route("/v1/campaigns", post(create::create).layer(DefaultBodyLimit::max(BODY)))
        .route("/v1/campaigns/{id}", get(status::status))
        .route("/v1/campaigns/{id}/subscribers", put(create::subscribers).layer(DefaultBodyLimit::disable()))
        .route("/v1/campaigns/{id}/start", post(create::start))
        .route("/v1/campaigns/{id}/report", get(fetch::report))
        .route("/v1/campaigns/{id}/mail/{region}", get(mail::mail))
        .with_state(api)
}

impl Api {
    async fn campaign(&self, id: &CampaignId) -> Result<Campaign, Refusal> {
        let found = self.deps.objects.read_json(&Keys(id).campaign()).await?;
        found.ok_or_else(|| Refusal::not_found("there is no such campaign"))
    }

    async fn report(&self, id: &CampaignId) -> Result<Option<Report>, PeerError> {
        self.deps.objects.read_json(&Keys(id).report()).await
    }
}
