//! The requests that wait for the model: first in, first out, bounded, and open to those still interested only.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use maily_model::Generate;
use tokio::sync::mpsc::UnboundedSender;

use crate::metrics::{Metrics, Outcome};
use crate::openai::Refusal;
use crate::think::Pieces;

/// One request, ready to run.
pub(crate) struct Job {
    /// What the engine is asked, deadline included.
    pub request: Generate,
    /// When it came.
    pub arrived: Instant,
    /// When its caller no longer waits.
    pub deadline: Instant,
    /// Where the answer goes. Closed once the caller has gone. Unbounded, because the tokens of an answer are
    /// bounded anyway and a slow reader must not hold up the model.
    pub reply: UnboundedSender<Reply>,
}

/// A part of the answer.
pub(crate) enum Reply {
    /// More text of one choice.
    Text {
        /// Which choice.
        index: usize,
        /// What it says and thinks.
        pieces: Pieces,
    },
    /// One choice has all its text.
    Finished {
        /// Which choice.
        index: usize,
        /// `stop` or `length`.
        finish: &'static str,
    },
    /// All choices are finished; nothing follows.
    Done {
        /// Tokens of all choices.
        completion_tokens: usize,
    },
    /// There is no (more) answer; nothing follows.
    Failed(Refusal),
}

/// Why a job is not queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rejected {
    /// As many wait as may.
    Full,
    /// The service is stopping.
    Closed,
}

/// The bounded queue.
pub(crate) struct Queue {
    state: Mutex<State>,
    /// Told of every new job and of the closing.
    changed: Condvar,
    limit: usize,
    metrics: Arc<Metrics>,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    closed: bool,
}

impl Queue {
    pub(crate) fn new(limit: usize, metrics: Arc<Metrics>) -> Self {
        Self { state: Mutex::default(), changed: Condvar::new(), limit, metrics }
    }

    /// Puts a job at the end. Jobs whose callers have gone make room first.
    pub(crate) fn push(&self, job: Job) -> Result<(), Rejected> {
        let mut state = self.lock();
        if state.closed {
            return Err(Rejected::Closed);
        }
        if state.jobs.len() >= self.limit {
            self.forget_abandoned(&mut state);
        }
        if state.jobs.len() >= self.limit {
            return Err(Rejected::Full);
        }
        state.jobs.push_back(job);
        self.metrics.waiting(1);
        self.changed.notify_one();
        Ok(())
    }

    /// Waits for the next job; `None` once the queue is closed.
    pub(crate) fn pop(&self) -> Option<Job> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            if let Some(job) = state.jobs.pop_front() {
                self.metrics.waiting(-1);
                return Some(job);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Takes no more jobs and gives up those that wait.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        for job in std::mem::take(&mut state.jobs) {
            self.abandoned();
            let _ = job.reply.send(Reply::Failed(Refusal::stopping())); // nobody may be listening
        }
        self.changed.notify_all();
    }

    /// Whether the service is stopping.
    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    fn forget_abandoned(&self, state: &mut State) {
        let before = state.jobs.len();
        state.jobs.retain(|job| !job.reply.is_closed());
        (state.jobs.len()..before).for_each(|_| self.abandoned());
    }

    fn abandoned(&self) {
        self.metrics.waiting(-1);
        self.metrics.left(Outcome::Abort);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

    use super::*;

    fn queue(limit: usize) -> Queue {
        Queue::new(limit, Arc::new(Metrics::new("test")))
    }

    fn job(seed: u64) -> (Job, UnboundedReceiver<Reply>) {
        let (reply, replies) = unbounded_channel();
        let request = Generate { seed, ..Generate::default() };
        let now = Instant::now();
        (Job { request, arrived: now, deadline: now, reply }, replies)
    }

    #[test]
    fn first_in_first_out_up_to_the_limit() {
        let queue = queue(2);
        let jobs: Vec<_> = (0..3).map(job).collect();
        let mut callers = Vec::new();
        let mut results = Vec::new();
        for (job, caller) in jobs {
            results.push(queue.push(job));
            callers.push(caller);
        }
        assert_eq!(results, [Ok(()), Ok(()), Err(Rejected::Full)]);
        assert_eq!(queue.pop().unwrap().request.seed, 0);
        assert_eq!(queue.pop().unwrap().request.seed, 1);
    }

    #[test]
    fn who_went_away_makes_room() {
        let queue = queue(1);
        let (first, caller) = job(1);
        queue.push(first).unwrap();
        drop(caller);
        let (second, _caller) = job(2);
        queue.push(second).unwrap();
        assert_eq!(queue.pop().unwrap().request.seed, 2);
    }

    #[test]
    fn closing_refuses_what_waits_and_wakes_the_worker() {
        let queue = Arc::new(queue(4));
        let worker = std::thread::spawn({
            let queue = Arc::clone(&queue);
            move || queue.pop().is_none()
        });
        queue.close();
        assert!(worker.join().unwrap());
        assert_eq!(queue.push(job(8).0), Err(Rejected::Closed));

        let queue = self::queue(4);
        let (waits, mut caller) = job(7);
        queue.push(waits).unwrap();
        queue.close();
        assert!(matches!(caller.try_recv(), Ok(Reply::Failed(_))));
        assert!(queue.pop().is_none());
    }
}
