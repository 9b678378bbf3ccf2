//! One step of a workflow: done once, its result kept in Restate's journal, and so are the failures that count.

use std::{
    future::Future,
    panic::AssertUnwindSafe,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use futures::FutureExt as _;
use restate_sdk::prelude::*;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tracing::warn;

use super::{
    ending::STOPPED,
    fault::{Fault, Faults, Kind, Next},
};
use crate::{
    copy::CopyError,
    mail::MergeError,
    metrics,
    peers::{Failing, PeerError},
    segment::SegmentError,
};

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
    /// A bug of ours. What was said of it stays in the log of the process: it may quote what it was about.
    #[error("a fault in the program itself")]
    Panicked,
    /// The campaign was cancelled or has failed: nothing more is begun for it.
    #[error("the campaign has ended")]
    Ended,
}

impl StepError {
    /// What the next try may meet.
    fn failing(&self) -> Failing {
        match self {
            Self::Peer(error) => error.failing(),
            Self::Copy(error) if !error.is_permanent() => Failing::Passing,
            Self::Again(_) => Failing::Passing,
            Self::Copy(_) | Self::Merge(_) | Self::Segment(_) | Self::Impossible(_) | Self::Panicked => {
                Failing::Answering
            }
            Self::Ended => Failing::Ended,
        }
    }

    /// Whether it fails the same way until somebody mends what is broken, or for good.
    pub(crate) fn is_permanent(&self) -> bool {
        matches!(self.failing(), Failing::Answering | Failing::Ended)
    }

    fn fault(&self, kind: Kind) -> Fault {
        let print = match self {
            Self::Peer(error) => error.print(),
            other => other.to_string(),
        };
        Fault { kind, print, reason: self.to_string() }
    }
}

/// What the journal has of a try. A result is as it always was: journals of before have nothing else.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Tried<T> {
    Fault { fault: Fault },
    Done(T),
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

/// Does `work` unless the journal has its result; again where it failed, as [`super::fault`] has it, whose first pause is
/// `pause`.
///
/// # Errors
/// `work` failed for good, or the workflow was cancelled.
pub(crate) async fn step<'ctx, T, Fut>(
    ctx: &WorkflowContext<'ctx>,
    pause: Duration,
    name: &'static str,
    work: impl FnOnce() -> Fut + Clone + Send + 'ctx,
) -> Result<T, TerminalError>
where
    T: Serialize + DeserializeOwned + Send + 'static,
    Fut: Future<Output = Result<T, StepError>> + Send + 'ctx,
{
    let mut faults = Faults::default();
    loop {
        let work = work.clone();
        let closure = move || async move { tried(name, caught(work).await) };
        match ctx.run(closure).name(name).await?.into_inner() {
            Tried::Done(result) => return Ok(result),
            Tried::Fault { fault } => match faults.add(fault, name, pause) {
                Next::Again(pause) => ctx.sleep(pause).await?,
                Next::GiveUp(sentence) => return Err(TerminalError::new(sentence)),
            },
        }
    }
}

/// A step that has to be done at the end of a workflow, cancelled or not: a cancellation is told once, to whichever step
/// is next, and may come as late as this.
pub(super) async fn last_step<'ctx, T, Fut>(
    ctx: &WorkflowContext<'ctx>,
    pause: Duration,
    name: &'static str,
    work: impl FnOnce() -> Fut + Clone + Send + 'ctx,
) -> Result<T, TerminalError>
where
    T: Serialize + DeserializeOwned + Send + 'static,
    Fut: Future<Output = Result<T, StepError>> + Send + 'ctx,
{
    match step(ctx, pause, name, work.clone()).await {
        Err(error) if error.code() == STOPPED => step(ctx, pause, name, work).await,
        done => done,
    }
}

/// A panic would end the connection to Restate, and with it everybody's steps, and then come again.
async fn caught<T, Fut>(work: impl FnOnce() -> Fut) -> Result<T, StepError>
where
    Fut: Future<Output = Result<T, StepError>>,
{
    // Within: also what is done before the first wait.
    let work = AssertUnwindSafe(async move {
        let trying = work();
        trying.await
    });
    work.catch_unwind().await.unwrap_or(Err(StepError::Panicked))
}

/// What Restate is told of a try: a result, a failure that counts, or nothing, and then it repeats it.
fn tried<T>(name: &'static str, outcome: Result<T, StepError>) -> HandlerResult<Json<Tried<T>>> {
    let error = match outcome {
        Ok(result) => return Ok(Json(Tried::Done(result))),
        Err(error) => noted(name, error),
    };
    match error.failing() {
        Failing::Passing => Err(HandlerError::from(error)),
        Failing::Ended => Err(ended(&error)),
        Failing::Answering => Ok(Json(Tried::Fault { fault: error.fault(Kind::Answer) })),
        Failing::Breaking => Ok(Json(Tried::Fault { fault: error.fault(Kind::Break) })),
        Failing::Late => Ok(Json(Tried::Fault { fault: error.fault(Kind::Delay) })),
    }
}

fn noted(name: &'static str, error: StepError) -> StepError {
    if !matches!(error, StepError::Ended) {
        warn!(step = name, %error, permanent = error.is_permanent(), "a step failed");
        metrics::step_failed(name, error.is_permanent());
    }
    error
}

/// A campaign that was cancelled or failed stops its workflows as a cancellation of theirs does; one that compliance no
/// longer has fails.
fn ended(error: &StepError) -> HandlerError {
    match error {
        StepError::Ended => TerminalError::new_with_code(STOPPED, error.to_string()).into(),
        other => TerminalError::new(other.to_string()).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_failure_that_counts() {
        async fn panicking() -> Result<u32, StepError> {
            std::panic::resume_unwind(Box::new("person@example.org"))
        }
        let outcome = caught(panicking).await;
        let Tried::Fault { fault } = tried("copy", outcome).unwrap().into_inner() else { unreachable!() };
        assert_eq!((fault.kind, fault.reason.as_str()), (Kind::Answer, "a fault in the program itself"));
        assert!(!fault.print.contains("person"));
    }

    #[test]
    fn a_result_of_before_is_still_one() {
        let span: Tried<Span> = serde_json::from_str(r#"{"from":1,"to":2}"#).unwrap();
        assert!(matches!(span, Tried::Done(Span { from: 1, to: 2 })));
        let nothing: Tried<()> = serde_json::from_str("null").unwrap();
        assert!(matches!(nothing, Tried::Done(())));
        let json = serde_json::to_string(&Tried::Done(Span { from: 1, to: 2 })).unwrap();
        assert_eq!(json, r#"{"from":1,"to":2}"#);
    }

    #[test]
    fn what_counts_is_a_result_and_what_passes_is_none() {
        let told = |error: StepError| tried::<u32>("copy", Err(error));
        let away = PeerError::Away { peer: "inference" };
        assert!(told(away.into()).is_err(), "Restate repeats it");
        for (error, kind) in [
            (PeerError::Http { peer: "inference", status: 500, body: "x".into() }, Kind::Answer),
            (PeerError::Contract { peer: "inference", what: "its JSON" }, Kind::Answer),
            (PeerError::Broke { peer: "inference" }, Kind::Break),
        ] {
            let Tried::Fault { fault } = told(error.into()).unwrap().into_inner() else { unreachable!() };
            assert_eq!(fault.kind, kind, "{}", fault.reason);
        }
    }
}
