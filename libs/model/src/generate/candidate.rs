//! One candidate: its tokens, its text and its end.

use super::constraint::Constraint;
use super::sampler::Sampler;
use super::stop::Stops;
use crate::api::{Completion, Event, FinishReason, Generate};
use crate::error::EngineError;
use crate::tokenizer::{StreamDecoder, Tokenizer};

/// One candidate of a request.
pub(super) struct Candidate<'a> {
    index: usize,
    tokenizer: &'a Tokenizer,
    sampler: Sampler,
    constraint: Option<Constraint>,
    decoder: StreamDecoder<'a>,
    stops: Stops<'a>,
    limit: usize,
    text: String,
    last: u32,
    count: usize,
    finished: Option<FinishReason>,
}

impl<'a> Candidate<'a> {
    pub(super) fn new(
        index: usize,
        request: &'a Generate,
        tokenizer: &'a Tokenizer,
        constraint: Option<Constraint>,
        limit: usize,
    ) -> Self {
        Self {
            index,
            tokenizer,
            sampler: Sampler::new(request.temperature, request.top_p, request.seed, index as u64),
            constraint,
            decoder: tokenizer.stream(),
            stops: Stops::new(&request.stop, request.thinking),
            limit,
            text: String::new(),
            last: 0,
            count: 0,
            finished: None,
        }
    }

    pub(super) fn index(&self) -> usize {
        self.index
    }

    pub(super) fn is_live(&self) -> bool {
        self.finished.is_none()
    }

    /// The token drawn last.
    pub(super) fn last(&self) -> u32 {
        self.last
    }

    /// Draws the next token from the scores of all tokens.
    pub(super) fn draw(&mut self, scores: &mut [f32]) -> Result<(), EngineError> {
        if let Some(constraint) = &mut self.constraint {
            constraint.mask(scores)?;
        }
        self.last = self.sampler.draw(scores);
        self.count += 1;
        if let Some(constraint) = &mut self.constraint {
            constraint.accept(self.last)?;
        }
        Ok(())
    }

    /// Takes the drawn token into the text, and ends the candidate where it has to.
    pub(super) fn advance(&mut self, tell: &mut dyn FnMut(Event)) {
        if self.tokenizer.eos().contains(&self.last) {
            return self.finish(FinishReason::Stop, tell);
        }
        let text = self.decoder.push(self.last);
        if self.give(&text, tell) || self.constraint.as_ref().is_some_and(Constraint::is_complete) {
            self.finish(FinishReason::Stop, tell);
        } else if self.count >= self.limit {
            self.finish(FinishReason::Length, tell);
        }
    }

    /// Ends the candidate, unless it has ended.
    pub(super) fn finish(&mut self, reason: FinishReason, tell: &mut dyn FnMut(Event)) {
        if self.finished.is_some() {
            return;
        }
        let rest = self.decoder.finish();
        let stopped = self.give(&rest, tell);
        let held = self.stops.finish();
        self.say(held, tell);
        let reason = if stopped { FinishReason::Stop } else { reason };
        self.finished = Some(reason);
        tell(Event::Finished { index: self.index, reason });
    }

    /// Gives out what can't be a part of a stop string; whether one was reached.
    fn give(&mut self, text: &str, tell: &mut dyn FnMut(Event)) -> bool {
        let (text, stopped) = self.stops.push(text);
        self.say(text, tell);
        stopped
    }

    fn say(&mut self, text: String, tell: &mut dyn FnMut(Event)) {
        if !text.is_empty() {
            self.text.push_str(&text);
            tell(Event::Text { index: self.index, text });
        }
    }

    pub(super) fn into_completion(self) -> Completion {
        Completion {
            text: self.text,
            tokens: self.count,
            reason: self.finished.unwrap_or(FinishReason::Cancelled),
        }
    }
}
