//! The services that the orchestrator asks, behind the few calls that it needs.

mod compliance;
mod error;
mod guardrails;
mod inference;
pub(crate) mod objects;
mod s3;

use std::{
    future::Future,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    time::Duration,
};

use maily_chassis::retry::retry;

pub(crate) use compliance::{Compliance, ImportError, Upload};
pub(crate) use error::{Failing, PeerError};
pub(crate) use guardrails::{Guard, Guardrails};
pub(crate) use inference::{HttpService, Inference, Writer};
pub(crate) use objects::{Bucket, Objects};
pub(crate) use s3::S3;

/// How long one call may take before it is made again.
const CALL: Duration = Duration::from_secs(30);
/// How long a call is made again before the step gives up and leaves the rest to the workflow engine.
const PATIENCE: Duration = Duration::from_secs(60);

/// How many connections in a row may break off under one call before the step is told. A peer that is restarted
/// breaks one or two; what ends it each time is counted by the step.
const BREAKS: u32 = 3;

/// Makes a call until it is answered, refused, or breaks its connection off again and again, or patience ends.
async fn persist<T, Fut>(once: impl Fn() -> Fut) -> Result<T, PeerError>
where
    Fut: Future<Output = Result<T, PeerError>>,
{
    let breaks = AtomicU32::new(0);
    let is_final = |error: &PeerError| match error.failing() {
        Failing::Passing => error.is_permanent(),
        Failing::Breaking => breaks.fetch_add(1, Relaxed) + 1 >= BREAKS,
        Failing::Answering | Failing::Ended => true,
    };
    retry(PATIENCE, is_final, once).await
}
