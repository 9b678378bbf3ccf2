//! Draws candidates: the loop that reads the prompt, then steps all of a request's candidates together.

mod candidate;
mod constraint;
mod sampler;
mod stop;

use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::prelude::*;
use rayon::prelude::*;

pub(crate) use constraint::Grammars;

use crate::api::{Completion, Event, FinishReason, Generate};
use crate::backend::{Kernels, Memory, Tails};
use crate::error::EngineError;
use crate::llama::Llama;
use crate::llama::memory::{self, Prefixes};
use crate::tokenizer::Tokenizer;
use candidate::Candidate;

/// How many positions of a prompt are read at once.
const CHUNK: usize = 128;
/// The limits of a request.
const MAX_CANDIDATES: usize = 128;
const MAX_STOPS: usize = 16;
const MAX_STOP_BYTES: usize = 256;

/// What a request needs of its engine.
pub(crate) struct Writer<'a, B: Backend> {
    pub(crate) model: &'a Llama<B>,
    pub(crate) tokenizer: &'a Tokenizer,
    pub(crate) prefixes: &'a Mutex<Prefixes<B>>,
    pub(crate) grammars: &'a Grammars,
    pub(crate) context: usize,
}

/// A prompt that has been read: the scores after its last token, and its memory.
type Read<B> = (Vec<f32>, Vec<Memory<B>>);

/// Where events go; remembers that nobody listens any more.
struct Sink<'a> {
    listener: &'a mut dyn FnMut(Event) -> ControlFlow<()>,
    open: bool,
    deadline: Option<Instant>,
}

impl Sink<'_> {
    fn tell(&mut self, event: Event) {
        self.open = self.open && (self.listener)(event).is_continue();
    }

    /// Whether to go on.
    fn wanted(&self) -> bool {
        self.open && self.deadline.is_none_or(|deadline| Instant::now() < deadline)
    }
}

/// Refuses tokens that the model has not, and prompts that it can't hold.
pub(crate) fn check_tokens(tokens: &[u32], vocabulary: usize, limit: usize) -> Result<(), EngineError> {
    if tokens.is_empty() {
        return Err(EngineError::Invalid("the prompt is empty"));
    }
    if tokens.len() > limit {
        return Err(EngineError::TooLong { tokens: tokens.len(), limit });
    }
    match tokens.iter().find(|&&token| token as usize >= vocabulary) {
        Some(&token) => Err(EngineError::UnknownToken { token, vocabulary }),
        None => Ok(()),
    }
}

fn check(request: &Generate) -> Result<(), EngineError> {
    let Generate { n, max_tokens, temperature, top_p, stop, .. } = request;
    let faults = [
        (!(1..=MAX_CANDIDATES).contains(n), "n is not between 1 and 128"),
        (*max_tokens == 0, "max_tokens is 0"),
        (!(0.0..=2.0).contains(temperature), "the temperature is not between 0 and 2"),
        (!(*top_p > 0.0 && *top_p <= 1.0), "top_p is not above 0 and at most 1"),
        (stop.len() > MAX_STOPS, "there are more than 16 stop strings"),
        (
            stop.iter().any(|s| s.is_empty() || s.len() > MAX_STOP_BYTES),
            "a stop string has not 1 to 256 bytes",
        ),
    ];
    match faults.iter().find(|(wrong, _)| *wrong) {
        Some((_, reason)) => Err(EngineError::Invalid(reason)),
        None => Ok(()),
    }
}

impl<B: Kernels> Writer<'_, B> {
    /// Serves one request.
    pub(crate) fn write(
        &self,
        request: &Generate,
        listener: &mut dyn FnMut(Event) -> ControlFlow<()>,
    ) -> Result<Vec<Completion>, EngineError> {
        check(request)?;
        // At least one position has to be left for the answer.
        check_tokens(&request.prompt, self.model.config().vocabulary, self.context - 1)?;
        let constraint =
            request.schema.as_ref().map(|s| self.grammars.constraint(self.tokenizer, s)).transpose()?;
        let limit = request.max_tokens.min(self.context - request.prompt.len());
        let mut candidates: Vec<_> = (0..request.n)
            .map(|index| Candidate::new(index, request, self.tokenizer, constraint.clone(), limit))
            .collect();
        let mut sink = Sink { listener, open: true, deadline: request.deadline };
        if let Some((scores, prompt)) = self.read_prompt(&request.prompt, &mut sink)? {
            self.draw_all(request, &mut candidates, scores, &prompt, &mut sink)?;
        }
        for candidate in &mut candidates {
            candidate.finish(FinishReason::Cancelled, &mut |event| sink.tell(event));
        }
        Ok(candidates.into_iter().map(Candidate::into_completion).collect())
    }

    /// Reads the prompt; `None` when nobody wants them any more.
    fn read_prompt(&self, tokens: &[u32], sink: &mut Sink<'_>) -> Result<Option<Read<B>>, EngineError> {
        let known = self.prefixes.lock().unwrap_or_else(PoisonError::into_inner).find(tokens);
        let mut past = known.len() * memory::BLOCK;
        let mut memories = self.model.memory_with(&known, tokens.len());
        let mut last = None;
        // One at least: what is known ends before the last.
        let unread = tokens.get(past..).unwrap_or_default();
        for chunk in unread.chunks(CHUNK) {
            if last.is_some() {
                sink.tell(Event::Read { tokens: past });
            }
            if !sink.wanted() {
                return Ok(None);
            }
            let (x, kept) = self.model.read_prompt(chunk, past, memories);
            memories = kept;
            past += chunk.len();
            last = Some(x);
        }
        self.prefixes.lock().unwrap_or_else(PoisonError::into_inner).keep(tokens, &memories);
        let Some(x) = last else { return Ok(None) };
        let [rows, width] = x.dims();
        let scores = self.model.scores(&x.slice([rows - 1..rows, 0..width]));
        Ok(Some((numbers(scores)?, memories)))
    }

    /// Steps the candidates until all are finished or nobody wants them any more.
    fn draw_all(
        &self,
        request: &Generate,
        candidates: &mut [Candidate<'_>],
        first: Vec<f32>,
        prompt: &[Memory<B>],
        sink: &mut Sink<'_>,
    ) -> Result<(), EngineError> {
        let (vocabulary, tokens) = (self.model.config().vocabulary, self.tokenizer.len());
        let too_few = || EngineError::Device("fewer scores than tokens".into());
        let (mut scores, mut past, mut capacity) = (first.repeat(candidates.len()), 0, memory::BLOCK);
        let mut own = Vec::new();
        loop {
            let mut live: Vec<_> = candidates.iter_mut().filter(|c| c.is_live()).collect();
            let drawn: Result<Vec<()>, _> = live
                .par_iter_mut()
                .zip(scores.par_chunks_mut(vocabulary))
                .map(|(candidate, scores)| candidate.draw(scores.get_mut(..tokens).ok_or_else(too_few)?))
                .collect();
            drawn?;
            live.iter_mut().for_each(|c| c.advance(&mut |event| sink.tell(event)));
            live.retain(|c| c.is_live());
            if live.is_empty() || !sink.wanted() {
                return Ok(());
            }
            if own.is_empty() {
                own = self.model.memory(request.n, capacity);
            } else if past == capacity {
                own = memory::grow(own);
                capacity *= 2;
            }
            let (slots, tokens): (Vec<_>, Vec<_>) = live.iter().map(|c| (c.index(), c.last())).unzip();
            let tails = Tails { prompt: request.prompt.len(), past, slots: &slots };
            let (x, kept) = self.model.read_tails(&tokens, prompt, own, tails);
            own = kept;
            past += 1;
            scores = numbers(self.model.scores(&x))?;
        }
    }
}

/// The numbers of a tensor, row by row. What a device failed at on the way is told here, where it is waited for.
pub(crate) fn numbers<B: Backend>(tensor: Tensor<B, 2>) -> Result<Vec<f32>, EngineError> {
    let data = tensor.try_into_data().map_err(|e| EngineError::Device(e.to_string()))?;
    data.into_vec().map_err(|e| EngineError::Device(format!("{e:?}")))
}
