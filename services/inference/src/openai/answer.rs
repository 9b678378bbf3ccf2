//! Answers as OpenAI writes them: a whole completion, the chunks of a stream, the list of models.

use serde::Serialize;
use serde_json::{Value, json};

/// What every answer to one request repeats.
#[derive(Clone)]
pub(crate) struct Stamp {
    /// `chatcmpl-…`, unique.
    pub id: String,
    /// Unix time in seconds.
    pub created: u64,
    /// The served model.
    pub model: String,
    /// Changes when the checkpoint or this program does, and with them what a seed draws.
    pub fingerprint: String,
}

impl Stamp {
    fn object(&self, object: &str, choices: Value) -> Value {
        json!({
            "id": self.id,
            "object": object,
            "created": self.created,
            "model": self.model,
            "system_fingerprint": self.fingerprint,
            "choices": choices,
        })
    }

    /// One chunk of a stream. With `usage` asked for, OpenAI's chunks all have the key, `null` until the last.
    pub(crate) fn chunk(&self, index: usize, delta: Value, finish: Option<&str>, usage: bool) -> Value {
        let choice = json!({ "index": index, "delta": delta, "logprobs": null, "finish_reason": finish });
        let mut chunk = self.object("chat.completion.chunk", json!([choice]));
        if usage {
            add(&mut chunk, "usage", Value::Null);
        }
        chunk
    }

    /// The last chunk of a stream with usage: no choices.
    pub(crate) fn usage_chunk(&self, usage: Usage) -> Value {
        let mut chunk = self.object("chat.completion.chunk", json!([]));
        add(&mut chunk, "usage", json!(usage));
        chunk
    }
}

fn add(object: &mut Value, field: &str, value: Value) {
    if let Some(object) = object.as_object_mut() {
        object.insert(field.to_owned(), value);
    }
}

/// Tokens of the request as a whole, all answers together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Usage {
    /// Tokens of the prompt, counted once.
    pub prompt_tokens: usize,
    /// Tokens of all answers, reasoning included.
    pub completion_tokens: usize,
    /// Their sum.
    pub total_tokens: usize,
}

impl Usage {
    pub(crate) fn new(prompt_tokens: usize, completion_tokens: usize) -> Self {
        Self { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens }
    }
}

/// One answer, as it grows.
#[derive(Clone, Default)]
pub(crate) struct Choice {
    /// What the model said.
    pub content: String,
    /// What it thought before, where the caller asked for it.
    pub reasoning: String,
    /// `stop` or `length`.
    pub finish: Option<&'static str>,
}

/// A whole completion.
pub(crate) struct Answer {
    /// What every answer repeats.
    pub stamp: Stamp,
    /// In the order of their index.
    pub choices: Vec<Choice>,
    /// What it cost.
    pub usage: Usage,
}

impl Answer {
    /// `reasoning` says whether the key `reasoning_content` is there.
    pub(crate) fn body(&self, reasoning: bool) -> Value {
        let choices = self.choices.iter().enumerate().map(|(index, choice)| choice.body(index, reasoning));
        let mut body = self.stamp.object("chat.completion", choices.collect());
        add(&mut body, "usage", json!(self.usage));
        body
    }
}

impl Choice {
    fn body(&self, index: usize, reasoning: bool) -> Value {
        let mut message = json!({ "role": "assistant", "content": self.content, "refusal": null });
        if reasoning {
            add(&mut message, "reasoning_content", json!(self.reasoning));
        }
        json!({ "index": index, "message": message, "logprobs": null, "finish_reason": self.finish })
    }
}

/// A served model.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Model {
    /// What requests call it.
    pub id: String,
    /// Always `model`.
    pub object: &'static str,
    /// Unix time in seconds at which it was loaded.
    pub created: u64,
    /// Who serves it.
    pub owned_by: &'static str,
}

/// The answer to `GET /v1/models`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ModelList {
    /// Always `list`.
    pub object: &'static str,
    /// The one served model.
    pub data: Vec<Model>,
}
