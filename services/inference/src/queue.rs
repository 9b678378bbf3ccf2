//! The requests that wait for the model: bounded, and open to those still interested only. Callers take turns, and each
//! caller's requests are first in, first out. Where the queue is full, the caller with most in it loses their newest to
//! whoever has fewer.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use maily_chassis::Caller;
use maily_model::Generate;
use tokio::sync::mpsc::UnboundedSender;

use crate::metrics::{Metrics, Outcome};
use crate::openai::Refusal;
use crate::think::Pieces;

/// One request, ready to run.
pub(crate) struct Job {
    /// What the engine is asked, deadline included.
    pub request: Generate,
    /// Whose turn it takes.
    pub caller: Caller,
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
    /// In the order of arrival.
    jobs: VecDeque<Job>,
    /// When callers had their latest turn, or came: those who wait for another, and the one whose turn it is.
    served: HashMap<Caller, u64>,
    turns: u64,
    closed: bool,
}

impl State {
    /// The next job: of whoever has not had a turn for longest.
    fn next(&mut self) -> Option<Job> {
        let last = |job: &Job| self.served.get(&job.caller).copied().unwrap_or(0);
        let first = self.jobs.iter().enumerate().min_by_key(|(at, job)| (last(job), *at));
        let at = first.map(|(at, _)| at)?;
        let job = self.jobs.remove(at)?;
        self.turns += 1;
        self.served.insert(job.caller.clone(), self.turns);
        let mut known: HashSet<_> = self.jobs.iter().map(|job| &job.caller).collect();
        known.insert(&job.caller);
        self.served.retain(|caller, _| known.contains(caller));
        Some(job)
    }

    /// The newest job of whoever has most, if the queue is fairer without it and with one of `caller`.
    fn surplus(&mut self, caller: &Caller) -> Option<Job> {
        let mut numbers = HashMap::<&Caller, usize>::new();
        for job in &self.jobs {
            *numbers.entry(&job.caller).or_default() += 1;
        }
        let own = numbers.get(caller).copied().unwrap_or(0);
        let (greediest, most) = numbers.into_iter().max_by_key(|(_, number)| *number)?;
        let at = self.jobs.iter().rposition(|job| most > own + 1 && job.caller == *greediest)?;
        self.jobs.remove(at)
    }
}

impl Queue {
    pub(crate) fn new(limit: usize, metrics: Arc<Metrics>) -> Self {
        Self { state: Mutex::default(), changed: Condvar::new(), limit, metrics }
    }

    /// Puts a job at the end. Jobs whose callers have gone make room first, and then one of whoever has most.
    pub(crate) fn push(&self, job: Job) -> Result<(), Rejected> {
        let mut state = self.lock();
        if state.closed {
            return Err(Rejected::Closed);
        }
        if state.jobs.len() >= self.limit {
            self.forget_abandoned(&mut state);
        }
        if state.jobs.len() >= self.limit {
            let surplus = state.surplus(&job.caller).ok_or(Rejected::Full)?;
            self.abandoned();
            let _ = surplus.reply.send(Reply::Failed(Refusal::queue_full())); // nobody may be listening
        }
        // Behind all who wait, but for whoever's turn it is: who was forgotten between two requests gains nothing by it.
        let last = state.turns.saturating_sub(1);
        state.served.entry(job.caller.clone()).or_insert(last);
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
            if let Some(job) = state.next() {
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
pub(crate) mod tests {
    use maily_chassis::Peer;
    use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

    use super::*;

    /// Somebody who is told apart from others by this name.
    pub(crate) fn caller(name: &str) -> Caller {
        let mut extensions = axum::http::Extensions::new();
        extensions.insert(Peer(name.to_owned()));
        Caller::of(&extensions)
    }

    fn queue(limit: usize) -> Queue {
        Queue::new(limit, Arc::new(Metrics::new("test")))
    }

    fn job(seed: u64) -> (Job, UnboundedReceiver<Reply>) {
        job_of("ann", seed)
    }

    fn job_of(name: &str, seed: u64) -> (Job, UnboundedReceiver<Reply>) {
        let (reply, replies) = unbounded_channel();
        let request = Generate { seed, ..Generate::default() };
        let now = Instant::now();
        (Job { request, caller: caller(name), arrived: now, deadline: now, reply }, replies)
    }

    /// Where a job's answer comes, which is in the queue for as long as that is kept.
    fn pushed(queue: &Queue, name: &str, seed: u64) -> UnboundedReceiver<Reply> {
        let (job, replies) = job_of(name, seed);
        queue.push(job).unwrap();
        replies
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
    fn callers_take_turns_however_many_they_send() {
        let queue = queue(16);
        let mut kept = Vec::new();
        let mut push = |name, seed| kept.push(pushed(&queue, name, seed));
        (0..4).for_each(|seed| push("ann", seed));
        push("bob", 10);
        push("bob", 11);
        let next = || queue.pop().unwrap().request.seed;
        assert_eq!([next(), next(), next()], [0, 10, 1]);
        push("cid", 20);
        // Cid has come since Bob had his turn, and Ann has had hers since.
        assert_eq!([next(), next()], [11, 20]);
        // Whoever comes again while it is still his turn is behind those who wait.
        push("cid", 21);
        assert_eq!([next(), next(), next()], [2, 21, 3]);
        let state = queue.lock();
        assert_eq!(state.served.len(), 1, "who is gone is forgotten");
    }

    #[test]
    fn who_comes_back_is_behind_those_who_wait() {
        let queue = queue(16);
        let mut kept = Vec::new();
        let mut push = |name, seed| kept.push(pushed(&queue, name, seed));
        (0..3).for_each(|seed| push("ann", seed));
        (10..13).for_each(|seed| push("bob", seed));
        let next = || queue.pop().unwrap().request.seed;
        assert_eq!([next(), next()], [0, 10]);
        push("cid", 20);
        assert_eq!([next(), next(), next()], [1, 20, 11]);
        // She has been forgotten meanwhile.
        push("cid", 21);
        assert_eq!([next(), next(), next()], [2, 21, 12]);
    }

    #[test]
    fn whoever_has_most_makes_room_for_others() {
        let queue = queue(3);
        let mut anns: Vec<_> = (0..3).map(|seed| job_of("ann", seed)).collect();
        let mut replies = Vec::new();
        for (job, reply) in anns.drain(..) {
            queue.push(job).unwrap();
            replies.push(reply);
        }
        let push = |name| {
            let (job, reply) = job_of(name, 9);
            (queue.push(job), reply)
        };
        let (pushed, _first) = push("bob");
        assert_eq!(pushed, Ok(()));
        assert!(matches!(replies[2].try_recv(), Ok(Reply::Failed(_))), "her newest");
        assert!(replies[1].try_recv().is_err());
        assert_eq!(push("bob").0, Err(Rejected::Full), "he would have as many as she");
        let (pushed, _second) = push("cid");
        assert_eq!(pushed, Ok(()));
        assert!(matches!(replies[1].try_recv(), Ok(Reply::Failed(_))));
        assert_eq!(push("dan").0, Err(Rejected::Full), "each has one");
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
