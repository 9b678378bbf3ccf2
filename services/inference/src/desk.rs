//! Where requests are made ready for the model: rendered, and cut into tokens.
//!
//! That is work for processors, of up to some hundred milliseconds for the largest body. So it is not done on the
//! threads that serve connections, nor for everybody at once: what comes together waits for one of few hands, and of
//! those who wait there are as many as may wait for the model. Callers take turns ([`maily_chassis::Pool`]): whoever asks
//! for little waits for no other's many.

use std::thread::available_parallelism;
use std::time::Instant;

use maily_chassis::{Caller, Hold, Pool, PoolBounds, WorkError, blocking};
use tokio::time::timeout_at;

use crate::openai::Refusal;

/// The work under way and what waits for it.
pub(crate) struct Desk(Pool<Caller>);

impl Desk {
    /// Half of the processors at once; the model wants them too.
    pub(crate) fn new(waiting: usize) -> Self {
        Self::with_hands(available_parallelism().map_or(1, |all| all.get().div_ceil(2)), waiting)
    }

    fn with_hands(hands: usize, waiting: usize) -> Self {
        Self(Pool::new(PoolBounds { all: hands, each: hands, waiting }))
    }

    /// Does the work when it is this caller's turn. Work that has begun keeps its hand to its end, whoever has gone.
    pub(crate) async fn work<T: Send + 'static>(
        &self,
        caller: Caller,
        deadline: Instant,
        work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        let hand = timeout_at(deadline.into(), self.0.take(caller, Hold::Long));
        let hand = hand.await.map_err(|_| Refusal::deadline())?.map_err(|_| Refusal::queue_full())?;
        let done = blocking(move || {
            let _held = hand;
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
    use std::sync::Arc;
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use super::*;
    use crate::queue::tests::caller;

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
                desk.work(caller("ann"), soon(), work).await
            }
        });
        begun.recv().await.unwrap();
        // The caller goes; the work goes on, and has its hand.
        first.abort();
        assert!(first.await.is_err());
        let mut second = Box::pin(desk.work(caller("ann"), soon(), || Ok(2)));
        assert!(futures::poll!(&mut second).is_pending());
        assert_eq!(desk.work(caller("ann"), soon(), || Ok(3)).await, Err(Refusal::queue_full()));
        let_go.send(()).unwrap();
        assert_eq!(second.await, Ok(2));
        assert_eq!(desk.work(caller("ann"), soon(), || Ok(4)).await, Ok(4));
    }

    #[tokio::test]
    async fn who_asks_for_much_waits_for_whoever_asks_for_little() {
        let desk = Desk::with_hands(1, 8);
        let hand = desk.0.try_take(caller("ann"), Hold::Long).unwrap();
        let mut anns: Vec<_> =
            (0..8).map(|n| Box::pin(desk.work(caller("ann"), soon(), move || Ok(n)))).collect();
        for work in &mut anns {
            assert!(futures::poll!(work).is_pending());
        }
        let mut bob = Box::pin(desk.work(caller("bob"), soon(), || Ok(8)));
        assert!(futures::poll!(&mut bob).is_pending(), "there is room for him");
        assert_eq!(anns.pop().unwrap().await, Err(Refusal::queue_full()), "it was hers");
        drop(hand);
        assert_eq!(bob.await, Ok(8), "the others of hers, which came before, wait for a hand");
    }

    #[tokio::test]
    async fn nobody_waits_beyond_the_deadline_and_a_panic_frees_its_hand() {
        let desk = Desk::with_hands(1, 1);
        let broken: Result<(), Refusal> = desk.work(caller("ann"), soon(), || panic!("a fault")).await;
        assert_eq!(broken, Err(Refusal::internal()));
        let hand = desk.0.try_take(caller("ann"), Hold::Long).unwrap();
        assert_eq!(desk.work(caller("ann"), Instant::now(), || Ok(())).await, Err(Refusal::deadline()));
        drop(hand);
        assert_eq!(desk.work(caller("ann"), soon(), || Ok(())).await, Ok(()));
    }
}
