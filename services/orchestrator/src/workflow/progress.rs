//! How far a workflow is, in its state, for whoever asks while it runs.

use restate_sdk::prelude::*;
use serde::{Serialize, de::DeserializeOwned};

/// JSON; campaigns under way have it so.
const KEY: &str = "progress";

/// Lets whoever asks see it.
pub(super) fn show(ctx: &WorkflowContext<'_>, progress: &impl Serialize) -> Result<(), TerminalError> {
    ctx.set(KEY, serde_json::to_string(progress).map_err(TerminalError::from_error)?);
    Ok(())
}

/// What was shown last; the beginning before that.
pub(super) async fn shown<T: DeserializeOwned + Default>(
    ctx: &SharedWorkflowContext<'_>,
) -> HandlerResult<Json<T>> {
    let progress = ctx.get::<String>(KEY).await?;
    Ok(Json(progress.map(|json| serde_json::from_str(&json)).transpose()?.unwrap_or_default()))
}
