//! Campaigns as durable workflows.
//!
//! A campaign ends in every case: done, cancelled ([`ending`]), or failed, where a step meets the same failure again and
//! again ([`fault`]). A [`campaign`] workflow has the campaign's texts judged, runs one [`cohort`] workflow per cohort, and
//! settles the accounts. Each step may be repeated at any time: what it writes is created once and then read, what
//! it asks of others is idempotent. Restate's journal, state and keys hold references, counts, times and codes of
//! regions, never text or personal data.

mod asking;
pub(crate) mod campaign;
pub(crate) mod cohort;
mod copywriting;
pub(crate) mod ending;
mod fault;
mod keys;
mod pages;
#[cfg(test)]
mod pages_tests;
#[cfg(test)]
mod poison_tests;
mod progress;
pub(crate) mod retention;
#[cfg(test)]
mod retention_tests;
mod step;
#[cfg(test)]
mod stop_tests;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use maily_chassis::{Pool, PoolBounds};

use crate::{
    campaign::CampaignId,
    peers::{Compliance, Guardrails, Inference, Objects},
};

pub(crate) use campaign::started;
pub(crate) use copywriting::CohortCopy;
pub(crate) use keys::Keys;
pub(crate) use pages::{Leg, place};
pub(crate) use step::{Span, StepError};

/// The services that Restate calls here.
pub(crate) const SERVICES: [&str; 3] = ["Campaign", "Cohort", "Retention"];

/// What the workflows' steps work with.
pub(crate) struct Deps {
    pub(crate) compliance: Compliance,
    pub(crate) guardrails: Guardrails,
    pub(crate) inference: Inference,
    pub(crate) objects: Arc<dyn Objects>,
    /// Drafts that are written at once, in all campaigns, which take turns.
    pub(crate) drafts: Pool<CampaignId>,
    /// Pages in memory at once, in all campaigns, which take turns.
    pub(crate) pages: Pool<CampaignId>,
    pub(crate) pages_in_flight: usize,
    /// The pause after the first failure of a step that counts.
    pub(crate) pause: std::time::Duration,
}

/// So many places for all campaigns: one with a thousand cohorts holds up another with one for a turn, and no longer.
pub(crate) fn turns(places: usize) -> Pool<CampaignId> {
    Pool::new(PoolBounds { all: places, each: places, waiting: usize::MAX })
}
