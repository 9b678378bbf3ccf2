//! How far a campaign is, told by Restate and storage: any replica answers the same, also after a crash.

use std::{collections::HashSet, time::Duration};

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
    workflow::{
        Keys, campaign, cohort,
        ending::{self, End, Tally},
    },
};

/// Cohorts under way whose pages are counted; asking Restate costs a little for each.
const ASKED: usize = 32;
/// How long Restate is asked how far an ended campaign was: the state is known without it.
const ASKING: Duration = Duration::from_secs(3);

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
    /// It met the same failure again and again, or was ended in the workflow engine.
    Failed,
    /// Somebody ended it.
    Cancelled,
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
    /// Messages, until there is a report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) handed_off: Option<u64>,
}

/// `GET /v1/campaigns/{id}`
pub(crate) async fn status(
    Extract(api): Extract<Api>,
    Path(id): Path<CampaignId>,
) -> Result<Json<Status>, Refusal> {
    api.campaign(&id).await?;
    let end = api.end(&id).await?;
    let summary = match api.deps.compliance.summary(&id).await {
        // What compliance no longer has does not hide how the campaign ended.
        Err(error) if end.is_some() && error.is_ended() => None,
        summary => summary?,
    };
    let (state, detail) = match end {
        Some(end) => told(end),
        None if summary.is_none() => (State::Created, None),
        None => under_way(&api, &id).await?,
    };
    let Some(summary) = summary else {
        return Ok(Json(Status { id, state, detail, rows: None, cohorts: Vec::new() }));
    };
    let cohorts = match state {
        State::Running => running(&api, &id, &summary).await?,
        State::Cancelled | State::Failed => how_far(&api, &id, &summary).await?,
        _ => cohorts(&summary, state == State::Done),
    };
    Ok(Json(Status { id, state, detail, rows: Some(summary.rows), cohorts }))
}

fn told(end: End) -> (State, Option<String>) {
    match end {
        End::Done => (State::Done, None),
        End::Cancelled => (State::Cancelled, None),
        End::Failed { reason } => (State::Failed, Some(reason)),
    }
}

/// What Restate says of a campaign whose end is not kept. An end that only Restate knows, which forgets, is kept from here
/// on: an operator killed the workflow there, or it is one of before.
async fn under_way(api: &Api, id: &CampaignId) -> Result<(State, Option<String>), Refusal> {
    match api.ingress.outcome("Campaign", id.as_str()).await? {
        Outcome::Unknown => Ok((State::Imported, None)),
        // The report was created between our two questions.
        Outcome::Running | Outcome::Done => Ok((State::Running, None)),
        Outcome::Failed(message) => match ending::settle(&api.deps, id, End::failed(&message)).await? {
            // It was about to write its report, and nobody will.
            End::Done => Ok(told(End::failed(&message))),
            end => Ok(told(end)),
        },
    }
}

/// How far a campaign was when it was stopped: as its workflow counted at its end, or as Restate knows until then.
async fn how_far(api: &Api, id: &CampaignId, summary: &SummaryReply) -> Result<Vec<CohortStatus>, Refusal> {
    let Some(tally) = api.deps.objects.read_json::<Tally>(&Keys(id).tally()).await? else {
        let asked = tokio::time::timeout(ASKING, running(api, id, summary)).await;
        return Ok(asked.ok().and_then(Result::ok).unwrap_or_else(|| cohorts(summary, false)));
    };
    let mut cohorts = cohorts(summary, false);
    for (cohort, progress) in cohorts.iter_mut().zip(tally.cohorts) {
        cohort.came(progress);
    }
    Ok(cohorts)
}

impl CohortStatus {
    fn came(&mut self, progress: cohort::Progress) {
        self.drafted = progress.drafted;
        self.pages_done = progress.pages_done;
        self.handed_off = Some(progress.handed_off);
        self.done = progress.drafted && self.pages_done == self.pages;
    }
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
            handed_off: (!done).then_some(0),
        }
    };
    summary.cohorts.iter().map(status).collect()
}

async fn running(api: &Api, id: &CampaignId, summary: &SummaryReply) -> Result<Vec<CohortStatus>, Refusal> {
    let progress: campaign::Progress = api.ingress.ask("Campaign", id.as_str(), "progress").await?;
    let done: HashSet<usize> = progress.done.iter().map(|n| *n as usize).collect();
    let mut cohorts = cohorts(summary, false);
    for (at, n) in progress.done.iter().enumerate() {
        let Some(cohort) = cohorts.get_mut(*n as usize) else { continue };
        (cohort.drafted, cohort.done, cohort.pages_done) = (true, true, cohort.pages);
        // A workflow of before did not say.
        cohort.handed_off = progress.handed_off.get(at).copied();
    }
    let under_way: Vec<usize> = (0..cohorts.len()).filter(|n| !done.contains(n)).take(ASKED).collect();
    let mut answers = futures::stream::iter(under_way)
        .map(|n| async move {
            (n, api.ingress.ask::<cohort::Progress>("Cohort", &format!("{id}/{n}"), "progress").await)
        })
        .buffer_unordered(4);
    while let Some((n, answer)) = answers.next().await {
        let answer = answer?;
        let Some(cohort) = cohorts.get_mut(n) else { continue };
        cohort.drafted = answer.drafted;
        cohort.pages_done = answer.pages_done;
        cohort.handed_off = Some(answer.handed_off);
    }
    Ok(cohorts)
}
