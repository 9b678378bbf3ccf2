//! The workflow of one cohort; its key is `<campaign>/<place of the cohort>`.

use std::{collections::BTreeMap, sync::Arc};

use restate_sdk::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    Deps, Span,
    copywriting::{self, Drafted},
    pages::{self, BATCH},
    step::step,
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
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CohortDone {
    /// Region to messages handed off.
    pub(crate) handed_off: BTreeMap<String, u64>,
    /// Recipients who objected since the import.
    pub(crate) suppressed: u64,
    /// Recipients whose implied consent has ended since the planned send.
    #[serde(default)]
    pub(crate) expired: u64,
    pub(crate) copy: Option<Span>,
    pub(crate) mail: Option<Span>,
}

/// How far a cohort is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Progress {
    pub(crate) drafted: bool,
    pub(crate) pages_done: u32,
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
        max_attempts = 200000,
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
        let (deps, campaign) = (self.0.clone(), id.clone());
        let drafted: Drafted = step(&ctx, "copy", move || async move {
            copywriting::draft(&deps, &campaign, cohort, order.into_inner().refused).await
        })
        .await?;
        let mut done = CohortDone {
            handed_off: BTreeMap::new(),
            suppressed: 0,
            expired: 0,
            copy: drafted.span,
            mail: None,
        };
        let mut progress = Progress { drafted: true, pages_done: 0 };
        ctx.set("progress", serde_json::to_string(&progress)?);
        for leg in drafted.legs {
            for first in (0..leg.pages).step_by(BATCH as usize) {
                let (deps, campaign, leg) = (self.0.clone(), id.clone(), leg.clone());
                let pages = first..leg.pages.min(first + BATCH);
                progress.pages_done += pages.end - pages.start;
                let region = leg.region.clone();
                let batch = step(&ctx, "pages", move || async move {
                    pages::hand_off(&deps, &campaign, cohort, &leg.region, pages).await
                })
                .await?;
                *done.handed_off.entry(region).or_default() += batch.handed_off;
                done.suppressed += batch.suppressed;
                done.expired += batch.expired;
                let from = done.mail.map_or(batch.span.from, |mail| mail.from);
                done.mail = Some(Span { from, to: batch.span.to });
                ctx.set("progress", serde_json::to_string(&progress)?);
            }
        }
        Ok(Json(done))
    }

    /// How far the cohort is.
    #[handler]
    async fn progress(&self, ctx: SharedWorkflowContext<'_>) -> HandlerResult<Json<Progress>> {
        let progress = ctx.get::<String>("progress").await?;
        Ok(Json(progress.map(|json| serde_json::from_str(&json)).transpose()?.unwrap_or_default()))
    }
}
