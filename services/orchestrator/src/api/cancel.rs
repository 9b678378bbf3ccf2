//! Cancelling a campaign, wherever it is.

use axum::{
    Json,
    extract::{Path, State},
};
use serde_json::{Value, json};
use tracing::{info, warn};

use super::{Api, problem::Refusal};
use crate::{
    campaign::CampaignId,
    workflow::ending::{self, End},
};

/// `POST /v1/campaigns/{id}/cancel`: from the answer on nothing more is put before a model or handed off, but for what is
/// on its way at that moment. What was handed off stays so.
pub(crate) async fn cancel(
    State(api): State<Api>,
    Path(id): Path<CampaignId>,
) -> Result<Json<Value>, Refusal> {
    api.campaign(&id).await?;
    let cancelled = Json(json!({ "id": id, "state": "cancelled" }));
    // Without Restate's word: a cancellation must not depend on it.
    let end = match api.end(&id).await? {
        Some(End::Cancelled) => return Ok(cancelled),
        Some(end) => end,
        None => ending::settle(&api.deps, &id, End::Cancelled).await?,
    };
    match &end {
        End::Done => {
            return Err(Refusal::conflict("the campaign is done: what was handed off can't be taken back"));
        }
        End::Failed { reason } => {
            return Err(Refusal::conflict(&format!("the campaign has failed already: {reason}")));
        }
        End::Cancelled => info!("a campaign was cancelled"),
    }
    // Its workflows stop by themselves before their next call; this ends the waits between.
    if let Err(error) = api.admin.cancel("Campaign", &id).await {
        warn!(%error, "Restate could not be told of a cancellation");
    }
    Ok(cancelled)
}
