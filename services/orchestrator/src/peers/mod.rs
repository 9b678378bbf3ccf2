//! The services that the orchestrator asks, behind the few calls that it needs.

mod compliance;
mod error;
mod guardrails;
mod inference;
pub(crate) mod objects;
mod s3;

use std::{
    future::Future,
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
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

/// Makes a call until it is answered, refused, or breaks its connection off again and again, or patience ends. Who is away then
/// is said to have broken off where it did so before: what it was asked may be what ended it, and it takes longer than our
/// patience to come back.
async fn persist<T, Fut>(once: impl Fn() -> Fut) -> Result<T, PeerError>
where
    Fut: Future<Output = Result<T, PeerError>>,
{
    let (breaks, who) = (AtomicU32::new(0), OnceLock::new());
    let is_final = |error: &PeerError| match error {
        PeerError::Broke { peer } => {
            who.get_or_init(|| *peer);
            breaks.fetch_add(1, Relaxed) + 1 >= BREAKS
        }
        error => match error.failing() {
            Failing::Passing => error.is_permanent(),
            Failing::Breaking | Failing::Late => false,
            Failing::Answering | Failing::Ended => true,
        },
    };
    let done = retry(PATIENCE, is_final, once).await;
    done.map_err(|error| match who.get() {
        Some(&peer) if error.failing() == Failing::Passing && !error.is_permanent() => {
            PeerError::Broke { peer }
        }
        _ => error,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tokio::time::Instant;

    use super::*;

    /// What a call answers of a peer that is up again only so long after it was last asked.
    async fn called(back_after: Duration, dies: bool) -> Failing {
        let up = Mutex::new(Instant::now() + if dies { Duration::ZERO } else { back_after });
        let once = || async {
            let mut up = up.lock().unwrap();
            match Instant::now() >= *up {
                true => {
                    *up = Instant::now() + back_after;
                    Err::<(), _>(PeerError::Broke { peer: "inference" })
                }
                false => Err(PeerError::Away { peer: "inference" }),
            }
        };
        persist(once).await.unwrap_err().failing()
    }

    #[tokio::test(start_paused = true)]
    async fn what_kills_a_peer_is_told_however_long_it_takes_to_come_back() {
        for part in [100, 3, 2, 1] {
            assert_eq!(called(PATIENCE / part, true).await, Failing::Breaking, "{part}");
        }
        assert_eq!(called(5 * PATIENCE, true).await, Failing::Breaking);
        // One that was away all the while broke nothing.
        assert_eq!(called(5 * PATIENCE, false).await, Failing::Passing);
    }
}
