//! Doing it again: exponential backoff with jitter until a deadline.

use std::{future::Future, time::Duration};

use rand::RngExt as _;
use tokio::time::{Instant, sleep_until};

const FIRST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_secs(2);

/// Calls `f` until it succeeds, fails for good, or `deadline` has passed since the first call.
///
/// # Errors
/// The last error.
pub async fn retry<T, E, F, Fut>(
    deadline: Duration,
    is_permanent: impl Fn(&E) -> bool,
    mut f: F,
) -> Result<T, E>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, E>>,
{
    let end = Instant::now() + deadline;
    let mut pause = FIRST;
    loop {
        match f().await {
            Err(error) if !is_permanent(&error) => {
                // Between half and all of the pause: a herd of clients must not come back together.
                let wake = Instant::now() + pause.mul_f64(rand::rng().random_range(0.5..1.0));
                if wake >= end {
                    return Err(error);
                }
                sleep_until(wake).await;
                pause = (pause * 2).min(LONGEST);
            }
            done => return done,
        }
    }
}

/// Whether a gRPC status says that the same call will fail again.
#[must_use]
pub fn status_is_permanent(status: &tonic::Status) -> bool {
    use tonic::Code::{
        Aborted, Cancelled, DeadlineExceeded, Internal, ResourceExhausted, Unavailable, Unknown,
    };
    // A connection that breaks while a peer is killed shows as Unknown, Internal or Cancelled (h2).
    !matches!(
        status.code(),
        Unavailable | DeadlineExceeded | Aborted | ResourceExhausted | Unknown | Internal | Cancelled
    )
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn stops_at_success_permanence_and_deadline() {
        let calls = Cell::new(0);
        let count = || {
            calls.set(calls.get() + 1);
            calls.get()
        };
        let third = retry(
            Duration::from_secs(9),
            |_: &u32| false,
            || {
                let n = count();
                async move { if n < 3 { Err(n) } else { Ok(n) } }
            },
        );
        assert_eq!(third.await, Ok(3));
        let permanent = retry(
            Duration::from_secs(9),
            |_| true,
            || {
                let n = count();
                async move { Err::<(), u32>(n) }
            },
        );
        assert_eq!(permanent.await, Err(4));
        let start = Instant::now();
        let late = retry(Duration::from_secs(9), |_| false, || async { Err::<(), u32>(0) });
        assert_eq!(late.await, Err(0));
        assert!(start.elapsed() <= Duration::from_secs(9));
    }
}
