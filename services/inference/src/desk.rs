//! Where requests are made ready for the model: rendered, and cut into tokens.
//!
//! That is work for processors, of up to some hundred milliseconds for the largest body. So it is not done on the
//! threads that serve connections, nor for everybody at once: what comes together waits for one of few hands, and of
//! those who wait there are as many as may wait for the model.

use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Instant;

use maily_chassis::{WorkError, blocking};
use tokio::sync::Semaphore;
use tokio::time::timeout_at;

use crate::openai::Refusal;

/// The work under way and what waits for it.
pub(crate) struct Desk {
    /// Requests at work or waiting for it.
    places: Arc<Semaphore>,
    /// Requests at work.
    hands: Arc<Semaphore>,
}

impl Desk {
    /// Half of the processors at once; the model wants them too.
    pub(crate) fn new(waiting: usize) -> Self {
        Self::with_hands(available_parallelism().map_or(1, |all| all.get().div_ceil(2)), waiting)
    }

    fn with_hands(hands: usize, waiting: usize) -> Self {
        let places = hands.saturating_add(waiting).min(Semaphore::MAX_PERMITS);
        Self { places: Arc::new(Semaphore::new(places)), hands: Arc::new(Semaphore::new(hands)) }
    }

    /// Does the work when a hand is free. Work that has begun keeps its hand to its end, whoever has gone.
    pub(crate) async fn work<T: Send + 'static>(
        &self,
        deadline: Instant,
        work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| Refusal::queue_full())?;
        let hand = timeout_at(deadline.into(), Arc::clone(&self.hands).acquire_owned());
        let hand = hand.await.map_err(|_| Refusal::deadline())?.map_err(|_| Refusal::stopping())?;
        let done = blocking(move || {
            let _held = (place, hand);
            work()
        });
        done.await.map_err(|error| match error {
            WorkError::Panicked => Refusal::internal(),
            WorkError::Interrupted => Refusal::stopping(),
        })?
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    #[tokio::test]
    async fn few_work_some_wait_and_more_are_refused() {
        let desk = Arc::new(Desk::with_hands(1, 1));
        let (let_go, held) = channel::<()>();
        let (tell, mut begun) = tokio::sync::mpsc::unbounded_channel();
        let first = tokio::spawn({
            let desk = Arc::clone(&desk);
            async move {
                let work = move || {
                    tell.send(()).map_err(|_| Refusal::internal())?;
                    held.recv().map_err(|_| Refusal::internal())
                };
                desk.work(soon(), work).await
            }
        });
        begun.recv().await.unwrap();
        // The caller goes; the work goes on, and has its hand.
        first.abort();
        assert!(first.await.is_err());
        let mut second = Box::pin(desk.work(soon(), || Ok(2)));
        assert!(futures::poll!(&mut second).is_pending());
        assert_eq!(desk.work(soon(), || Ok(3)).await, Err(Refusal::queue_full()));
        let_go.send(()).unwrap();
        assert_eq!(second.await, Ok(2));
        assert_eq!(desk.work(soon(), || Ok(4)).await, Ok(4));
    }

    #[tokio::test]
    async fn nobody_waits_beyond_the_deadline_and_a_panic_frees_its_hand() {
        let desk = Desk::with_hands(1, 1);
        let broken: Result<(), Refusal> = desk.work(soon(), || panic!("a fault")).await;
        assert_eq!(broken, Err(Refusal::internal()));
        let hand = Arc::clone(&desk.hands).acquire_owned().await.unwrap();
        assert_eq!(desk.work(Instant::now(), || Ok(())).await, Err(Refusal::deadline()));
        drop(hand);
        assert_eq!(desk.work(soon(), || Ok(())).await, Ok(()));
    }
}
