//! The workflow of one cohort; its key is `<campaign>/<place of the cohort>`.

use std::{collections::BTreeMap, ops::Range, sync::Arc};

use restate_sdk::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    Deps, Leg, Span,
    copywriting::{self, Drafted},
    ending::End,
    pages::{self, BATCH, Batch},
    progress::{show, shown},
    step::{last_step, step},
};
use crate::campaign::{CampaignId, Fault};

/// Runs cohorts.
#[derive(Clone)]
pub(crate) struct Cohort(pub(crate) Arc<Deps>);

/// What a cohort is told.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) struct CohortOrder {
    /// A text of the whole campaign is refused: nothing may be written.
    #[serde(rename = "brief_blocked")]
    pub(crate) refused: bool,
}

/// What became of a cohort: counts and times.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct CohortDone {
    /// Region to messages handed off.
    pub(crate) handed_off: BTreeMap<String, u64>,
    /// Recipients who objected since the import.
    pub(crate) suppressed: u64,
    /// Recipients whose implied consent has ended since the planned send.
    #[serde(default)]
    pub(crate) expired: u64,
    /// The import was taken back before everybody else was written to.
    #[serde(default)]
    pub(crate) import_undone: bool,
    pub(crate) copy: Option<Span>,
    pub(crate) mail: Option<Span>,
    /// Why it stopped before its end, if it did: its campaign goes no further either.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) stopped: Option<End>,
    /// How far it came.
    #[serde(default)]
    pub(crate) progress: Progress,
}

/// How far a cohort is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Progress {
    pub(crate) drafted: bool,
    pub(crate) pages_done: u32,
    /// Messages.
    #[serde(default)]
    pub(crate) handed_off: u64,
}

/// The parts of a cohort workflow's key.
pub(crate) fn parse_key(key: &str) -> Result<(CampaignId, u32), Fault> {
    let fault = || Fault::new("a cohort's key is <campaign>/<number>");
    let (campaign, cohort) = key.rsplit_once('/').ok_or_else(fault)?;
    Ok((campaign.to_owned().try_into()?, cohort.parse().map_err(|_| fault())?))
}

#[restate_sdk::workflow(
    name = "Cohort",
    client_visibility = "pub(crate)",
    inactivity_timeout = "1h",
    abort_timeout = "1h",
    workflow_completion_retention = "30 days",
    journal_retention = "1 day",
    invocation_retry_policy(
        initial_interval = "50ms",
        factor = 2.0,
        max_interval = "2s",
        // As a campaign.
        max_attempts = 4_000_000_000,
        on_max_attempts = "pause"
    )
)]
impl Cohort {
    /// Has the cohort's copy written, then hands its messages off page by page.
    #[handler]
    async fn run(
        &self,
        ctx: WorkflowContext<'_>,
        order: Json<CohortOrder>,
    ) -> HandlerResult<Json<CohortDone>> {
        let (id, cohort) = parse_key(ctx.key()).terminal()?;
        let mut done = CohortDone::default();
        let whole = self.work(&ctx, &id, cohort, order.into_inner().refused, &mut done).await;
        done.stopped = whole.err().map(|error| End::of(&error));
        Ok(Json(done))
    }

    /// How far the cohort is.
    #[handler]
    async fn progress(&self, ctx: SharedWorkflowContext<'_>) -> HandlerResult<Json<Progress>> {
        shown(&ctx).await
    }
}

impl Cohort {
    /// Adds to `done` as it goes: what was handed off before it was stopped is in it.
    async fn work(
        &self,
        ctx: &WorkflowContext<'_>,
        id: &CampaignId,
        cohort: u32,
        refused: bool,
        done: &mut CohortDone,
    ) -> Result<(), TerminalError> {
        let (deps, campaign) = (self.0.clone(), id.clone());
        let drafted: Drafted = step(ctx, self.0.pause, "copy", move || async move {
            copywriting::draft(&deps, &campaign, cohort, refused).await
        })
        .await?;
        done.copy = drafted.span;
        done.import_undone = drafted.import_undone;
        done.progress.drafted = !drafted.import_undone;
        show(ctx, &done.progress)?;
        for leg in drafted.legs {
            for first in (0..leg.pages).step_by(BATCH as usize) {
                let pages = first..leg.pages.min(first + BATCH);
                let (deps, campaign, part) = (self.0.clone(), id.clone(), (leg.clone(), pages.clone()));
                let batch = step(ctx, self.0.pause, "pages", move || async move {
                    let (leg, pages) = part;
                    pages::hand_off(&deps, &campaign, cohort, &leg.region, pages).await
                });
                match batch.await {
                    Ok(batch) => done.add(&leg, pages.end - pages.start, &batch),
                    Err(error) => {
                        self.count(ctx, id, cohort, (leg, pages), done).await;
                        show(ctx, &done.progress)?;
                        return Err(error);
                    }
                }
                show(ctx, &done.progress)?;
            }
        }
        Ok(())
    }

    /// Adds what was handed off of pages whose step was stopped.
    async fn count(
        &self,
        ctx: &WorkflowContext<'_>,
        id: &CampaignId,
        cohort: u32,
        (leg, pages): (Leg, Range<u32>),
        done: &mut CohortDone,
    ) {
        let (deps, campaign, region) = (self.0.clone(), id.clone(), leg.region.clone());
        let counted = last_step(ctx, self.0.pause, "count", move || async move {
            pages::count(&deps, &campaign, cohort, &region, pages).await
        });
        // Without it, the count is too low and the state is right.
        let (pages, messages) = counted.await.unwrap_or_default();
        done.progress.pages_done += pages;
        done.progress.handed_off += messages;
        *done.handed_off.entry(leg.region).or_default() += messages;
    }
}

impl CohortDone {
    fn add(&mut self, leg: &Leg, pages: u32, batch: &Batch) {
        *self.handed_off.entry(leg.region.clone()).or_default() += batch.handed_off;
        self.suppressed += batch.suppressed;
        self.expired += batch.expired;
        self.import_undone |= batch.import_undone;
        let from = self.mail.map_or(batch.span.from, |mail| mail.from);
        self.mail = Some(Span { from, to: batch.span.to });
        self.progress.pages_done += pages;
        self.progress.handed_off += batch.handed_off;
    }
}
