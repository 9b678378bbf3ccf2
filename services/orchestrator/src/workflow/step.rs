//! One step of a workflow: done once, its result kept in Restate's journal.

use std::{
    future::Future,
    time::{SystemTime, UNIX_EPOCH},
};

use restate_sdk::prelude::*;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tonic::Code;
use tracing::warn;

use crate::{copy::CopyError, mail::MergeError, metrics, peers::PeerError, segment::SegmentError};

/// A step that did not get done. Its text may be kept by Restate: no personal data, no copy.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StepError {
    #[error(transparent)]
    Peer(#[from] PeerError),
    #[error(transparent)]
    Merge(#[from] MergeError),
    #[error(transparent)]
    Segment(#[from] SegmentError),
    /// What can't be true is.
    #[error("{0}")]
    Impossible(&'static str),
    /// Copy could not be written now.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// Nothing wrong with the step itself; try again.
    #[error("{0}")]
    Again(&'static str),
}

impl StepError {
    /// Whether the campaign ends here. Other failures are tried again until somebody mends what is broken.
    pub(crate) fn is_permanent(&self) -> bool {
        match self {
            Self::Peer(error @ PeerError::Status { .. }) => {
                let final_codes = [Code::InvalidArgument, Code::OutOfRange, Code::DataLoss];
                error.is_ended() || error.code().is_some_and(|code| final_codes.contains(&code))
            }
            Self::Peer(error) => error.is_permanent(),
            Self::Copy(error) => error.is_permanent(),
            Self::Merge(_) | Self::Segment(_) | Self::Impossible(_) => true,
            Self::Again(_) => false,
        }
    }
}

/// When something was done: milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Span {
    pub(crate) from: u64,
    pub(crate) to: u64,
}

impl Span {
    /// From `from` until now.
    pub(crate) fn since(from: u64) -> Self {
        Self { from, to: now().max(from) }
    }
}

/// Milliseconds since 1970.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Does `work` unless the journal has its result.
///
/// # Errors
/// `work` failed for good.
pub(crate) async fn step<'ctx, T, Fut>(
    ctx: &WorkflowContext<'ctx>,
    name: &'static str,
    work: impl FnOnce() -> Fut + Send + 'ctx,
) -> Result<T, TerminalError>
where
    T: Serialize + DeserializeOwned + Send + 'static,
    Fut: Future<Output = Result<T, StepError>> + Send + 'ctx,
{
    let closure = move || async move { done(name, work().await) };
    Ok(ctx.run(closure).name(name).await?.into_inner())
}

/// What Restate is told of a step.
pub(super) fn done<T>(name: &'static str, outcome: Result<T, StepError>) -> HandlerResult<Json<T>> {
    outcome.map(Json).map_err(|error| {
        warn!(step = name, %error, permanent = error.is_permanent(), "a step failed");
        metrics::step_failed(name, error.is_permanent());
        match error.is_permanent() {
            true => HandlerError::from(TerminalError::new(error.to_string())),
            false => HandlerError::from(error),
        }
    })
}
