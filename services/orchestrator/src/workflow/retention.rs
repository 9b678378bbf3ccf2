//! The end of a campaign's messages: days after it has ended its sealed segments go.
//!
//! The wait is a delayed call that Restate keeps, so that neither a restart nor an upgrade loses it.

use std::{sync::Arc, time::Duration};

use restate_sdk::prelude::*;

use super::{Deps, Keys, StepError, step::done};
use crate::{campaign::CampaignId, peers::Bucket};

/// Removes what is old.
#[derive(Clone)]
pub(crate) struct Retention(pub(crate) Arc<Deps>);

#[restate_sdk::service(
    name = "Retention",
    client_visibility = "pub(crate)",
    inactivity_timeout = "1h",
    abort_timeout = "1h",
    invocation_retry_policy(
        initial_interval = "1s",
        factor = 2.0,
        max_interval = "1h",
        max_attempts = 200000,
        on_max_attempts = "pause"
    )
)]
impl Retention {
    /// Removes the messages of a campaign; answers how many segments there were.
    #[handler]
    async fn retire(&self, ctx: Context<'_>, id: String) -> HandlerResult<u64> {
        let id = CampaignId::try_from(id).terminal()?;
        let deps = self.0.clone();
        let work = move || async move { done("retire", retire(&deps, &id).await) };
        Ok(ctx.run(work).name("retire").await?.into_inner())
    }
}

async fn retire(deps: &Deps, id: &CampaignId) -> Result<u64, StepError> {
    let prefix = Keys(id).all();
    let mut segments = 0;
    for region in maily_law::Region::ALL {
        segments += deps.objects.remove_all(&Bucket::Mail(region.name().to_owned()), &prefix).await?;
    }
    Ok(segments)
}

/// How long messages are kept; none for good.
pub(crate) fn after(days: u32) -> Option<Duration> {
    (days > 0).then(|| Duration::from_secs(u64::from(days) * 86_400))
}
