//! The workflow of one campaign; its key is the campaign's id.

use std::sync::Arc;

use jiff::Timestamp;
use maily_law::Moment;
use restate_sdk::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    CohortCopy, Deps, Keys, Span, StepError,
    cohort::{CohortClient, CohortDone, CohortOrder},
    copywriting,
    ending::{self, End, STOPPED, Tally},
    progress::{show, shown},
    step::{last_step, now, step},
};
use crate::{
    campaign::{Campaign as Spec, CampaignId},
    report,
};

/// Runs campaigns.
#[derive(Clone)]
pub(crate) struct Campaign(pub(crate) Arc<Deps>);

/// What the first step found: counts only.
#[derive(Serialize, Deserialize)]
struct Plan {
    started: u64,
    cohorts: u32,
    /// As journals have had it since it was the brief alone that was judged.
    #[serde(rename = "brief_blocked")]
    refused: bool,
}

/// What the input rails said of the campaign's texts, kept beside the campaign.
#[derive(Serialize, Deserialize)]
pub(crate) struct Brief {
    /// Which text is refused and why, if one is: nothing may be written then.
    pub(crate) blocked: Option<String>,
    /// The model that writes.
    pub(crate) model: String,
    /// When the campaign began, in milliseconds: the date of its messages. Campaigns of before had none.
    #[serde(default)]
    pub(crate) started: u64,
}

/// How far a campaign is: the cohorts that are done.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Progress {
    pub(crate) done: Vec<u32>,
    /// The messages of each of these.
    #[serde(default)]
    pub(crate) handed_off: Vec<u64>,
}

#[restate_sdk::workflow(
    name = "Campaign",
    client_visibility = "pub(crate)",
    inactivity_timeout = "1h",
    abort_timeout = "1h",
    workflow_completion_retention = "30 days",
    journal_retention = "1 day",
    invocation_retry_policy(
        initial_interval = "50ms",
        factor = 2.0,
        max_interval = "2s",
        // Centuries: whoever has had all of them is paused until somebody resumes it.
        max_attempts = 4_000_000_000,
        on_max_attempts = "pause"
    )
)]
impl Campaign {
    /// Runs the campaign to its report, or to why there is none.
    #[handler]
    async fn run(&self, ctx: WorkflowContext<'_>) -> HandlerResult<()> {
        let id = CampaignId::try_from(ctx.key().to_owned()).terminal()?;
        let mut cohorts = Vec::new();
        match self.run_to_report(&ctx, &id, &mut cohorts).await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.close(&ctx, &id, cohorts, error).await.into()),
        }
    }

    /// How far the campaign is.
    #[handler]
    async fn progress(&self, ctx: SharedWorkflowContext<'_>) -> HandlerResult<Json<Progress>> {
        shown(&ctx).await
    }
}

impl Campaign {
    /// Puts what became of each cohort into `cohorts`, also where the campaign can't go on.
    async fn run_to_report(
        &self,
        ctx: &WorkflowContext<'_>,
        id: &CampaignId,
        cohorts: &mut Vec<Option<CohortDone>>,
    ) -> Result<(), TerminalError> {
        let (deps, campaign) = (self.0.clone(), id.clone());
        let plan =
            step(ctx, self.0.pause, "plan", move || async move { plan(&deps, &campaign).await }).await?;
        let order = CohortOrder { refused: plan.refused };
        let mut running: DurableFuturesUnordered<_> = (0..plan.cohorts)
            .map(|n| ctx.workflow_client::<CohortClient<'_>>(format!("{id}/{n}")).run(Json(order)).call())
            .collect();
        *cohorts = vec![None; plan.cohorts as usize];
        let mut progress = Progress::default();
        let mut stopped = None;
        loop {
            let why = match running.next().await {
                Ok(None) => break,
                Ok(Some((n, Ok(cohort)))) => {
                    let cohort = cohort.into_inner();
                    let why = cohort.stopped.clone().map(error_of);
                    if why.is_none() {
                        progress.done.push(u32::try_from(n).unwrap_or(u32::MAX));
                        progress.handed_off.push(cohort.handed_off.values().sum());
                        show(ctx, &progress)?;
                    }
                    if let Some(place) = cohorts.get_mut(n) {
                        *place = Some(cohort);
                    }
                    why
                }
                // Killed, or of an orchestrator of before.
                Ok(Some((_, Err(error)))) => Some(error),
                // The SDK has passed it on to the cohorts; each ends with what it has done.
                Err(cancelled) => Some(cancelled),
            };
            if let Some(why) = why.filter(|_| stopped.is_none()) {
                // At once: it stops the others, which have no reason of their own to stop.
                self.end(ctx, id, &why).await?;
                stopped = Some(why);
            }
        }
        if let Some(why) = stopped {
            return Err(why);
        }
        let (deps, id, done) = (self.0.clone(), id.clone(), cohorts.clone());
        step(ctx, self.0.pause, "report", move || async move { settle(&deps, &id, plan.started, done).await })
            .await
    }

    /// Keeps how the campaign ended and how far it was; the workflow's own end.
    async fn close(
        &self,
        ctx: &WorkflowContext<'_>,
        id: &CampaignId,
        cohorts: Vec<Option<CohortDone>>,
        error: TerminalError,
    ) -> TerminalError {
        let end = self.end(ctx, id, &error).await;
        let (deps, id) = (self.0.clone(), id.clone());
        // What is missing is counted in this step: journals of before have no other here.
        let told: Vec<_> = cohorts.into_iter().map(|done| done.map(|done| done.progress)).collect();
        let told =
            last_step(ctx, self.0.pause, "tally", move || async move { Tally::keep(&deps, &id, told).await });
        // Without it, Restate tells how far the campaign was, for as long as it remembers.
        let _ = told.await;
        match end {
            Ok(End::Done) | Err(_) => error,
            Ok(end) => error_of(end),
        }
    }

    async fn end(
        &self,
        ctx: &WorkflowContext<'_>,
        id: &CampaignId,
        error: &TerminalError,
    ) -> Result<End, TerminalError> {
        let (deps, id, end) = (self.0.clone(), id.clone(), End::of(error));
        last_step(ctx, self.0.pause, "end", move || async move {
            ending::settle(&deps, &id, end).await.map_err(StepError::from)
        })
        .await
    }
}

/// The end of a workflow whose campaign ended so.
fn error_of(end: End) -> TerminalError {
    match end {
        End::Failed { reason } => TerminalError::new(reason),
        End::Done | End::Cancelled => TerminalError::new_with_code(STOPPED, "the campaign was cancelled"),
    }
}

/// Loads the rails, has them judge what all cohorts' copy is written from, counts the cohorts.
async fn plan(deps: &Deps, id: &CampaignId) -> Result<Plan, StepError> {
    let started = now();
    ending::check(deps, id).await?;
    let keys = Keys(id);
    let spec = load(deps, id).await?;
    let summary =
        deps.compliance.summary(id).await?.ok_or(StepError::Again("the import has not finished"))?;
    let blocked = match summary.undone {
        true => None,
        false => copywriting::campaign_refused(deps, id, &spec).await?,
    };
    let model = deps.inference.model().await?.model;
    let brief = deps.objects.settle_json(&keys.brief(), Brief { blocked, model, started }).await?;
    let cohorts = u32::try_from(summary.cohorts.len()).unwrap_or(u32::MAX);
    Ok(Plan { started, cohorts, refused: brief.blocked.is_some() })
}

/// What was created through the API.
pub(crate) async fn load(deps: &Deps, id: &CampaignId) -> Result<Spec, StepError> {
    let spec = deps.objects.read_json(&Keys(id).campaign()).await?;
    spec.ok_or(StepError::Impossible("the campaign's settings are gone"))
}

/// When the campaign began; the same for each message, however often it is merged.
pub(crate) async fn started(deps: &Deps, id: &CampaignId) -> Result<Timestamp, StepError> {
    let brief: Option<Brief> = deps.objects.read_json(&Keys(id).brief()).await?;
    let brief = brief.ok_or(StepError::Impossible("the brief's verdict is gone"))?;
    let started = i64::try_from(brief.started).ok().filter(|at| *at > 0);
    let started = started.and_then(|at| Timestamp::from_millisecond(at).ok());
    let impossible = StepError::Impossible("the campaign's beginning is no moment");
    match started {
        Some(started) => Ok(started),
        // A campaign of before is of its planned send.
        None => Moment::parse(&load(deps, id).await?.settings.as_of)
            .map(|moment| moment.instant())
            .map_err(|_| impossible),
    }
}

/// Adds everything up and keeps the report.
async fn settle(
    deps: &Deps,
    id: &CampaignId,
    started: u64,
    done: Vec<Option<CohortDone>>,
) -> Result<(), StepError> {
    let keys = Keys(id);
    let summary =
        deps.compliance.summary(id).await?.ok_or(StepError::Again("the import has not finished"))?;
    let brief: Brief = deps
        .objects
        .read_json(&keys.brief())
        .await?
        .ok_or(StepError::Impossible("the brief's verdict is gone"))?;
    let mut cohorts = Vec::with_capacity(done.len());
    for (n, (cohort, done)) in summary.cohorts.iter().zip(done).enumerate() {
        let done = done.ok_or(StepError::Impossible("a cohort did not end"))?;
        let copy = match deps.objects.read_json(&keys.copy(u32::try_from(n).unwrap_or(u32::MAX))).await? {
            Some(copy) => copy,
            None if done.import_undone => CohortCopy::none(&cohort.name),
            None => return Err(StepError::Impossible("a cohort's copy is gone")),
        };
        cohorts.push((cohort, copy, done));
    }
    let report = report::Report::new(&summary, cohorts, Span::since(started), brief.model)?;
    // A cancellation is either before this, or comes too late for everybody.
    match ending::settle(deps, id, End::Done).await? {
        End::Done => deps.objects.settle_json(&keys.report(), report).await?,
        End::Cancelled | End::Failed { .. } => return Err(StepError::Ended),
    };
    Ok(())
}
