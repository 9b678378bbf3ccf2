//! How far a campaign is, told by Restate and storage: any replica answers the same, also after a crash.

use std::collections::HashSet;

use axum::{
    Json,
    extract::{Path, State as Extract},
};
use futures::StreamExt as _;
use maily_proto::compliance::SummaryReply;
use serde::{Deserialize, Serialize};

use super::{Api, problem::Refusal};
use crate::{
    campaign::CampaignId,
    restate::Outcome,
    workflow::{campaign, cohort},
};

/// Cohorts under way whose pages are counted; asking Restate costs a little for each.
const ASKED: usize = 32;

/// Answer of `GET /v1/campaigns/{id}`.
#[derive(Serialize, Deserialize)]
pub(crate) struct Status {
    pub(crate) id: CampaignId,
    pub(crate) state: State,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<String>,
    /// Rows of the list.
    pub(crate) rows: Option<u64>,
    pub(crate) cohorts: Vec<CohortStatus>,
}

/// Where a campaign stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// Waits for its subscribers.
    Created,
    /// Waits to be started.
    Imported,
    Running,
    Done,
    Failed,
}

/// How far a cohort is.
#[derive(Serialize, Deserialize)]
pub(crate) struct CohortStatus {
    pub(crate) name: String,
    pub(crate) recipients: u64,
    pub(crate) drafted: bool,
    pub(crate) done: bool,
    pub(crate) pages: u32,
    pub(crate) pages_done: u32,
}

/// `GET /v1/campaigns/{id}`
pub(crate) async fn status(
    Extract(api): Extract<Api>,
    Path(id): Path<CampaignId>,
) -> Result<Json<Status>, Refusal> {
    api.campaign(&id).await?;
    let Some(summary) = api.deps.compliance.summary(&id).await? else {
        return Ok(Json(Status { id, state: State::Created, detail: None, rows: None, cohorts: Vec::new() }));
    };
    let (state, detail) = match api.report(&id).await?.is_some() {
        true => (State::Done, None),
        false => match api.ingress.outcome("Campaign", id.as_str()).await? {
            Outcome::Unknown => (State::Imported, None),
            // The report was created between our two questions.
            Outcome::Running | Outcome::Done => (State::Running, None),
            Outcome::Failed(sentence) => (State::Failed, Some(sentence)),
        },
    };
    let cohorts = match state {
        State::Running => running(&api, &id, &summary).await?,
        _ => cohorts(&summary, state == State::Done),
    };
    Ok(Json(Status { id, state, detail, rows: Some(summary.rows), cohorts }))
}

fn cohorts(summary: &SummaryReply, done: bool) -> Vec<CohortStatus> {
    let status = |cohort: &maily_proto::compliance::Cohort| {
        let pages = cohort.regions.iter().map(|region| region.pages).sum();
        CohortStatus {
            name: cohort.name.clone(),
            recipients: cohort.recipients,
            drafted: done,
            done,
            pages,
            pages_done: if done { pages } else { 0 },
        }
    };
    summary.cohorts.iter().map(status).collect()
}

async fn running(api: &Api, id: &CampaignId, summary: &SummaryReply) -> Result<Vec<CohortStatus>, Refusal> {
    let progress: campaign::Progress = api.ingress.ask("Campaign", id.as_str(), "progress").await?;
    let done: HashSet<usize> = progress.done.iter().map(|n| *n as usize).collect();
    let mut cohorts = cohorts(summary, false);
    for (n, cohort) in cohorts.iter_mut().enumerate().filter(|(n, _)| done.contains(n)) {
        (cohort.drafted, cohort.done, cohort.pages_done) = (true, done.contains(&n), cohort.pages);
    }
    let under_way: Vec<usize> = (0..cohorts.len()).filter(|n| !done.contains(n)).take(ASKED).collect();
    let mut answers = futures::stream::iter(under_way)
        .map(|n| async move {
            (n, api.ingress.ask::<cohort::Progress>("Cohort", &format!("{id}/{n}"), "progress").await)
        })
        .buffer_unordered(4);
    while let Some((n, answer)) = answers.next().await {
        let answer = answer?;
        cohorts[n].drafted = answer.drafted;
        cohorts[n].pages_done = answer.pages_done;
    }
    Ok(cohorts)
}
