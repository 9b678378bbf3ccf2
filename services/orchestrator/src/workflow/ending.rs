//! How a campaign ended: decided once, by an object that is created once, and looked at before each thing that can't be
//! taken back.
//!
//! A cancellation is such an object before it is anything else, so that it holds whatever becomes of Restate, of this
//! process or of the workflow: no further text is put before a model, and no further page is handed off.

use std::time::Duration;

use restate_sdk::prelude::TerminalError;
use serde::{Deserialize, Serialize};

use super::{Deps, Keys, StepError, cohort, pages};
use crate::{campaign::CampaignId, peers::PeerError};

/// HTTP's "conflict": Restate's and the SDK's code of a cancelled or killed invocation, and ours of a step that finds its
/// campaign ended.
pub(super) const STOPPED: u16 = 409;
/// How often whoever waits looks whether the campaign has ended.
const LOOK: Duration = Duration::from_millis(500);
/// What Restate says of an invocation that an operator killed.
const KILLED: &str = "killed";

/// How a campaign ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub(crate) enum End {
    /// Everything is handed off; the report is about to be written, or is.
    Done,
    /// Somebody cancelled it.
    Cancelled,
    /// It could not go on, for this reason: one sentence, without personal data or copy.
    Failed { reason: String },
}

impl End {
    /// What the end of a workflow says of its campaign.
    pub(super) fn of(error: &TerminalError) -> Self {
        match error.code() == STOPPED && error.message() != KILLED {
            true => Self::Cancelled,
            false => Self::failed(error.message()),
        }
    }

    /// That of a workflow which gave up with this message.
    pub(crate) fn failed(message: &str) -> Self {
        let reason = match message {
            KILLED => "its workflow was killed in the workflow engine",
            other => other,
        };
        Self::Failed { reason: reason.to_owned() }
    }
}

/// How far a campaign was when it was cancelled or failed; its cohorts in their order.
#[derive(Serialize, Deserialize)]
pub(crate) struct Tally {
    pub(crate) cohorts: Vec<cohort::Progress>,
}

impl Tally {
    /// Keeps what the cohorts told; what one did that told nothing is counted.
    pub(super) async fn keep(
        deps: &Deps,
        id: &CampaignId,
        told: Vec<Option<cohort::Progress>>,
    ) -> Result<(), StepError> {
        let mut cohorts = Vec::with_capacity(told.len());
        for (n, told) in (0..).zip(told) {
            cohorts.push(match told {
                Some(progress) => progress,
                None => pages::came(deps, id, n).await?,
            });
        }
        deps.objects.settle_json(&Keys(id).tally(), Self { cohorts }).await?;
        Ok(())
    }
}

/// How the campaign ended, if it has.
pub(crate) async fn end(deps: &Deps, id: &CampaignId) -> Result<Option<End>, PeerError> {
    deps.objects.read_json(&Keys(id).end()).await
}

/// Ends the campaign, unless it has ended already; how it ended.
pub(crate) async fn settle(deps: &Deps, id: &CampaignId, end: End) -> Result<End, PeerError> {
    deps.objects.settle_json(&Keys(id).end(), end).await
}

/// Lets nothing begin for a campaign that was cancelled or failed.
pub(super) async fn check(deps: &Deps, id: &CampaignId) -> Result<(), StepError> {
    match end(deps, id).await? {
        None | Some(End::Done) => Ok(()),
        Some(End::Cancelled | End::Failed { .. }) => Err(StepError::Ended),
    }
}

/// Waits until the campaign is cancelled or failed. Nothing tells of it but storage, for another replica may have been
/// asked; a storage that is away ends nothing.
pub(crate) async fn ended(deps: &Deps, id: &CampaignId) {
    loop {
        tokio::time::sleep(LOOK).await;
        if let Err(StepError::Ended) = check(deps, id).await {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kill_is_no_cancellation() {
        let of = |code, message: &str| End::of(&TerminalError::new_with_code(code, message));
        assert_eq!(of(409, "cancelled"), End::Cancelled);
        assert_eq!(of(500, "rude"), End::Failed { reason: "rude".into() });
        let End::Failed { reason } = of(409, "killed") else { unreachable!() };
        assert_eq!(reason, "its workflow was killed in the workflow engine");
    }
}
