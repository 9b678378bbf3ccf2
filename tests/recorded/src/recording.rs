//! One recording: what was asked, and what the model answered; a file to be read and reviewed.

use std::ops::ControlFlow;

use maily_model::{Completion, Event, FinishReason, Generate, Tokenizer};
use serde::{Deserialize, Serialize};

use crate::digest::digest;

/// The longest prompt that is shown whole, in turns.
const TURNS: usize = 4;

/// A request and its answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recording {
    /// What was asked, in words; for readers.
    pub asked: Vec<String>,
    /// How it was asked.
    pub options: Options,
    /// Each candidate, in order.
    pub answers: Vec<Answer>,
    /// The digest of the whole request.
    pub request: String,
    /// The digest of the prompts and rails that it was made with.
    pub context: String,
}

/// Everything of a request but its prompt and its deadline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Options {
    n: usize,
    max_tokens: usize,
    temperature: f32,
    top_p: f32,
    seed: u64,
    stop: Vec<String>,
    thinking: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    schema: Option<serde_json::Value>,
}

/// One candidate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    text: String,
    tokens: usize,
    /// Whether it was cut off at `max_tokens`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    cut: bool,
}

/// The digest of a request: all of it that decides the answer.
#[must_use]
pub fn key(request: &Generate) -> String {
    digest(&(&request.prompt, options(request)))
}

fn options(request: &Generate) -> Options {
    // In full, so that a new field of a request can't be forgotten.
    let Generate { prompt: _, n, max_tokens, temperature, top_p, seed, stop, thinking, schema, deadline: _ } =
        request.clone();
    let schema = schema.map(|schema| schema.read().unwrap_or_default());
    Options { n, max_tokens, temperature, top_p, seed, stop, thinking, schema }
}

/// A prompt in words: its turns, those in the midst of a long one only counted.
#[must_use]
pub fn words(tokenizer: &Tokenizer, prompt: &[u32]) -> Vec<String> {
    let turns = prompt.split(|token| tokenizer.is_special(*token)).map(|turn| tokenizer.decode(turn));
    let turns = turns.map(|turn| turn.trim().replacen('\n', ": ", 1).replace('\n', " / "));
    let mut turns: Vec<String> = turns.filter(|turn| !turn.is_empty()).collect();
    if turns.len() > TURNS {
        let middle = 1..turns.len() - 2;
        let count = format!("… {} turns …", middle.len());
        turns.splice(middle, [count]);
    }
    turns
}

impl Recording {
    /// Of a request that was answered in full; none, where it was broken off.
    #[must_use]
    pub fn of(
        request: &Generate,
        asked: Vec<String>,
        answers: &[Completion],
        context: String,
    ) -> Option<Self> {
        let answer = |completion: &Completion| {
            let cut = match completion.reason {
                FinishReason::Cancelled => return None,
                reason => reason == FinishReason::Length,
            };
            Some(Answer { text: completion.text.clone(), tokens: completion.tokens, cut })
        };
        let answers = answers.iter().map(answer).collect::<Option<_>>()?;
        Some(Self { asked, options: options(request), answers, request: key(request), context })
    }

    /// Answers as the model did, each candidate's text in one piece.
    pub fn play(&self, sink: &mut dyn FnMut(Event) -> ControlFlow<()>) -> Vec<Completion> {
        let mut wanted = true;
        let mut tell = |event| wanted = wanted && sink(event).is_continue();
        for (index, Answer { text, cut, .. }) in self.answers.iter().enumerate() {
            if !text.is_empty() {
                tell(Event::Text { index, text: text.clone() });
            }
            tell(Event::Finished { index, reason: reason(*cut) });
        }
        let completion = |Answer { text, tokens, cut }| Completion { text, tokens, reason: reason(cut) };
        self.answers.iter().cloned().map(completion).collect()
    }
}

fn reason(cut: bool) -> FinishReason {
    if cut { FinishReason::Length } else { FinishReason::Stop }
}
