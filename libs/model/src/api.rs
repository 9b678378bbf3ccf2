//! What callers hand in and get back. Text of requests and answers never shows in a `Debug` output.

use std::fmt;
use std::time::Instant;

use serde_json::Value;

use crate::device::Device;
use crate::error::{Detail, EngineError};

/// The longest schema, in bytes of JSON.
const MAX_SCHEMA: usize = 64 << 10;

/// How a checkpoint is loaded; the defaults serve.
#[derive(Debug, Clone)]
pub struct LoadOptions {
    /// The most tokens a prompt and its answer may have together; never more than the checkpoint's own limit.
    pub max_context: usize,
    /// How many bytes of attention state of earlier prompts are kept, on the device, for prompts that begin the same
    /// way.
    pub prefix_cache_bytes: usize,
    /// Where the model runs.
    pub device: Device,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self { max_context: 8192, prefix_cache_bytes: 256 << 20, device: Device::Cpu }
    }
}

/// What a loaded checkpoint is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelInfo {
    /// `general.name` of a GGUF file, else the name of the file or folder.
    pub name: String,
    /// The architecture's name as GGUF spells it, such as `llama`.
    pub architecture: String,
    /// How many weights the model has; tied ones count once.
    pub parameters: u64,
    /// The most tokens a prompt and its answer may have together.
    pub context_length: usize,
    /// How many tokens the model can tell apart.
    pub vocabulary: usize,
    /// How most of the weights are stored in the checkpoint, such as `Q4_1` or `BF16`.
    pub quantisation: String,
    /// 16 hexadecimal digits that change when the checkpoint changes (header, sizes and samples of every tensor);
    /// not a cryptographic digest.
    pub fingerprint: String,
}

/// One message of a chat.
#[derive(Clone, PartialEq, Eq)]
pub struct ChatMessage {
    /// `system`, `user` or `assistant`; what else is allowed is the template's matter.
    pub role: String,
    /// The text.
    pub content: String,
}

impl fmt::Debug for ChatMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChatMessage {{ role: {:?}, content: {} bytes }}", self.role, self.content.len())
    }
}

/// A JSON schema of at most 64 KiB, as text: it waits for the model with its request, and as values would be 36 times as long.
#[derive(Clone, PartialEq, Eq)]
pub struct Schema(String);

impl Schema {
    /// Writes a schema down. Whether it can be used is seen by whoever obeys it.
    ///
    /// # Errors
    /// It is too long.
    pub fn new(schema: &Value) -> Result<Self, Detail> {
        let text = schema.to_string();
        if text.len() > MAX_SCHEMA {
            return Err(Detail(format!("it is longer than {MAX_SCHEMA} bytes")));
        }
        Ok(Self(text))
    }

    /// The schema that was written down.
    ///
    /// # Errors
    /// It is nested so deeply that it can't be read again.
    pub fn read(&self) -> Result<Value, EngineError> {
        let unread = |_| EngineError::Schema(Detail("it is nested too deeply".into()));
        serde_json::from_str(&self.0).map_err(unread)
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Schema({} bytes)", self.0.len())
    }
}

/// A request for `n` texts that go on from one prompt.
#[derive(Clone)]
pub struct Generate {
    /// The prompt's tokens, special tokens included; at least one.
    pub prompt: Vec<u32>,
    /// How many candidates, 1 to 128.
    pub n: usize,
    /// The most tokens each candidate may have.
    pub max_tokens: usize,
    /// 0 always takes the likeliest token; 1 samples from the model's own distribution. 0 to 2.
    pub temperature: f32,
    /// Samples only from the smallest set of tokens whose probabilities reach this sum; above 0, at most 1.
    pub top_p: f32,
    /// Candidate `i` draws from the random stream (`seed`, `i`).
    pub seed: u64,
    /// A candidate ends before the first of these strings outside of `<think>…</think>`; at most 16 of at most 256
    /// bytes each.
    pub stop: Vec<String>,
    /// The prompt ends with an open `<think>`.
    pub thinking: bool,
    /// A JSON schema the answer will obey, whatever the model would rather say.
    pub schema: Option<Schema>,
    /// When to give up: unfinished candidates end as [`FinishReason::Cancelled`].
    pub deadline: Option<Instant>,
}

impl Default for Generate {
    fn default() -> Self {
        Self {
            prompt: Vec::new(),
            n: 1,
            max_tokens: 256,
            temperature: 1.0,
            top_p: 1.0,
            seed: 0,
            stop: Vec::new(),
            thinking: false,
            schema: None,
            deadline: None,
        }
    }
}

impl fmt::Debug for Generate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Generate")
            .field("prompt_tokens", &self.prompt.len())
            .field("n", &self.n)
            .field("max_tokens", &self.max_tokens)
            .field("temperature", &self.temperature)
            .field("top_p", &self.top_p)
            .field("seed", &self.seed)
            .field("stop_strings", &self.stop.len())
            .field("schema", &self.schema.is_some())
            .finish_non_exhaustive()
    }
}

/// What happens while a request runs.
#[derive(Clone, PartialEq)]
pub enum Event {
    /// More of the prompt was read, but not all; so that the caller can end a long one.
    Read {
        /// How many of its tokens, those kept from earlier prompts included.
        tokens: usize,
    },
    /// More text of a candidate: whole characters, and never a part of a stop string.
    Text {
        /// Which candidate, from 0.
        index: usize,
        /// What comes after the text so far.
        text: String,
    },
    /// A candidate has all its text.
    Finished {
        /// Which candidate, from 0.
        index: usize,
        /// Why it ended.
        reason: FinishReason,
    },
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { tokens } => write!(f, "Read {{ tokens: {tokens} }}"),
            Self::Text { index, text } => write!(f, "Text {{ index: {index}, {} bytes }}", text.len()),
            Self::Finished { index, reason } => {
                write!(f, "Finished {{ index: {index}, reason: {reason:?} }}")
            }
        }
    }
}

/// Why a candidate ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FinishReason {
    /// The model ended it, a stop string was reached, or the JSON is complete.
    Stop,
    /// It reached `max_tokens` or the end of the context.
    Length,
    /// The caller or the deadline ended it.
    Cancelled,
}

/// One finished candidate.
#[derive(Clone, PartialEq)]
pub struct Completion {
    /// Its text, without the stop string and special tokens.
    pub text: String,
    /// How many tokens were drawn, the ending one included.
    pub tokens: usize,
    /// Why it ended.
    pub reason: FinishReason,
}

impl fmt::Debug for Completion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Completion")
            .field("text_bytes", &self.text.len())
            .field("tokens", &self.tokens)
            .field("reason", &self.reason)
            .finish()
    }
}
