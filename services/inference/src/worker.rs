//! The thread that runs the model: takes one request after the other and sends its answer as it comes.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use maily_model::{Completion, EngineError, Event, FinishReason};

use crate::metrics::Outcome;
use crate::openai::Refusal;
use crate::queue::{Job, Reply};
use crate::server::Loaded;
use crate::think::ThinkFilter;

/// Works until the queue is closed.
pub(crate) fn work(loaded: &Loaded) {
    while let Some(job) = loaded.queue.pop() {
        if job.reply.is_closed() || job.deadline <= Instant::now() {
            let _ = job.reply.send(Reply::Failed(Refusal::deadline())); // nobody may be listening
            loaded.metrics.left(Outcome::Abort);
        } else {
            run(loaded, &job);
        }
    }
}

fn run(loaded: &Loaded, job: &Job) {
    loaded.metrics.started(job.arrived.elapsed());
    let mut sorter = Sorter::new(loaded, job);
    // A panic of the engine costs this request, not the service: the engine is shared and keeps nothing of it.
    let result = catch_unwind(AssertUnwindSafe(|| {
        loaded.answers.generate(&job.request, &mut |event| sorter.take(event))
    }));
    let (outcome, tokens, last) = match result {
        Ok(Ok(completions)) => conclude(loaded, job, &completions),
        Ok(Err(error)) => (Outcome::Error, 0, Reply::Failed(refusal(&error))),
        // The hook of the process has logged it.
        Err(_) => (Outcome::Error, 0, Reply::Failed(Refusal::internal())),
    };
    let (prompt, after) = (job.request.prompt.len(), job.arrived.elapsed());
    loaded.metrics.ended(outcome, prompt, tokens, after);
    tracing::info!(
        prompt_tokens = prompt,
        completion_tokens = tokens,
        choices = job.request.n,
        outcome = outcome.name(),
        seconds = after.as_secs_f64(),
        "request ended"
    );
    let _ = job.reply.send(last); // the caller may have gone
}

fn conclude(loaded: &Loaded, job: &Job, completions: &[Completion]) -> (Outcome, usize, Reply) {
    let tokens = completions.iter().map(|completion| completion.tokens).sum();
    let any = |reason| completions.iter().any(|completion| completion.reason == reason);
    if any(FinishReason::Cancelled) {
        // If it was neither of these, then nobody listens any more.
        let why = if loaded.queue.is_closed() { Refusal::stopping() } else { Refusal::deadline() };
        return (Outcome::Abort, tokens, Reply::Failed(why));
    }
    let outcome = if any(FinishReason::Length) { Outcome::Length } else { Outcome::Stop };
    debug_assert_eq!(completions.len(), job.request.n);
    (outcome, tokens, Reply::Done { completion_tokens: tokens })
}

/// What the caller of a request is told that the engine refuses. Lengths were checked before, so the schema
/// is what is left.
fn refusal(error: &EngineError) -> Refusal {
    match error {
        EngineError::Schema(detail) => Refusal::schema(detail.reveal()),
        EngineError::Invalid(reason) => Refusal::request(*reason),
        error => {
            tracing::error!(%error, "the engine failed; the request is answered 500");
            Refusal::internal()
        }
    }
}

/// Takes the engine's events, keeps thoughts apart and passes the rest on.
struct Sorter<'a> {
    loaded: &'a Loaded,
    job: &'a Job,
    filters: Vec<Option<ThinkFilter>>,
    started: bool,
}

impl<'a> Sorter<'a> {
    fn new(loaded: &'a Loaded, job: &'a Job) -> Self {
        let filters = vec![Some(ThinkFilter::new(job.request.thinking)); job.request.n];
        Self { loaded, job, filters, started: false }
    }

    fn take(&mut self, event: Event) -> ControlFlow<()> {
        if !self.started && !matches!(event, Event::Read { .. }) {
            self.started = true;
            self.loaded.metrics.first_token(self.job.arrived.elapsed());
        }
        match event {
            Event::Read { .. } => {}
            Event::Text { index, text } => self.text(index, &text),
            Event::Finished { index, reason } => self.finished(index, reason),
        }
        // Asked at every event, so that a caller who left while the model reads or thinks is noticed, too.
        let unwanted = self.job.reply.is_closed() || self.loaded.queue.is_closed();
        if unwanted { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn text(&mut self, index: usize, text: &str) {
        if let Some(Some(filter)) = self.filters.get_mut(index) {
            let pieces = filter.push(text);
            self.send(Reply::Text { index, pieces });
        }
    }

    fn finished(&mut self, index: usize, reason: FinishReason) {
        let Some(filter) = self.filters.get_mut(index).and_then(Option::take) else { return };
        let (pieces, unfinished_thought) = filter.finish();
        self.send(Reply::Text { index, pieces });
        let finish = match reason {
            FinishReason::Cancelled => return, // the request fails as a whole
            FinishReason::Stop if !unfinished_thought => "stop",
            FinishReason::Stop | FinishReason::Length => "length",
        };
        self.send(Reply::Finished { index, finish });
    }

    fn send(&self, reply: Reply) {
        let nothing = matches!(&reply, Reply::Text { pieces, .. } if *pieces == Default::default());
        if !nothing {
            let _ = self.job.reply.send(reply); // `take` asks whether anybody listens
        }
    }
}
