//! A chat request, read strictly: what is not served is refused by name, never silently ignored.

use maily_chassis::json_within;
use maily_model::Schema;
use serde_json::Value;

use super::fields::{Fields, too_many, wrong_type};
use super::messages::{Message, messages};
use super::neutral::{Neutral, empty, never, no, none, zero};
use super::refusal::Refusal;
use super::response_format;

/// Values of one request, which take some 5 MiB while they are read: 128 messages of 40 parts each have as many, or the longest
/// schema, at four bytes a value.
const VALUES: usize = 16_384;
/// Stop sequences in one request, and the length of each in bytes.
const STOPS: usize = 4;
const STOP_BYTES: usize = 256;
/// Answers to one request.
const CHOICES: i64 = 16;
/// No context is longer, so no count of tokens needs to be.
const TOKENS: i64 = 1 << 24;

/// A request that is well formed; whether its model is served and its prompt fits is still to be seen.
pub(crate) struct ChatRequest {
    /// The model asked for.
    pub model: String,
    /// 1 to 128 messages.
    pub messages: Vec<Message>,
    /// Answers wanted, 1 to 16.
    pub n: usize,
    /// 0 (greedy) to 2.
    pub temperature: f64,
    /// Over 0, to 1.
    pub top_p: f64,
    /// Absent: the server draws one.
    pub seed: Option<u64>,
    /// Up to four texts that end an answer.
    pub stop: Vec<String>,
    /// Tokens of each answer.
    pub max_tokens: Option<usize>,
    /// The JSON Schema that the answer must satisfy.
    pub schema: Option<Schema>,
    /// Whether to answer in server-sent events.
    pub stream: bool,
    /// Whether a stream ends with a chunk of usage.
    pub include_usage: bool,
    /// Whether the model's reasoning is given, beside the content.
    pub include_reasoning: bool,
}

/// Parameters that we don't serve, each with the values that ask for nothing beyond what we do.
const UNSERVED: &[(&str, Neutral)] = &[
    ("audio", never),
    ("frequency_penalty", zero),
    ("function_call", none),
    ("functions", empty),
    ("logit_bias", empty),
    ("logprobs", no),
    ("modalities", |value| *value == serde_json::json!(["text"])),
    ("moderation", never),
    ("parallel_tool_calls", never),
    ("prediction", never),
    ("presence_penalty", zero),
    ("reasoning_effort", never),
    ("service_tier", |value| matches!(value.as_str(), Some("auto" | "default"))),
    ("store", no),
    ("tool_choice", none),
    ("tools", empty),
    ("top_logprobs", zero),
    ("verbosity", never),
    ("web_search_options", never),
];

/// Labels for the caller's own bookkeeping, which change no answer.
const LABELS: &[&str] = &[
    "metadata",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "safety_identifier",
    "user",
];

impl ChatRequest {
    /// Reads the body of `POST /v1/chat/completions`. What waits then, twice, for its turn is no longer than the body was.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Refusal> {
        if !json_within(body, VALUES) {
            return Err(Refusal::request(format!("The request has more than {VALUES} JSON values.")));
        }
        let value = serde_json::from_slice(body).map_err(|_| {
            Refusal::request("We could not parse the JSON body of your request. It must be one JSON object.")
        })?;
        let mut fields = Fields::new(value, "")?;
        fields.only_neutral(UNSERVED)?;
        for label in LABELS {
            fields.take(label);
        }
        let stream = fields.boolean("stream")?.unwrap_or(false);
        let request = Self {
            model: fields.need_text("model")?,
            messages: messages(fields.need("messages")?)?,
            n: fields.integer("n", 1..=CHOICES)?.unwrap_or(1).unsigned_abs() as usize,
            temperature: fields.decimal("temperature", 0.0..=2.0)?.unwrap_or(1.0),
            top_p: top_p(&mut fields)?,
            // Every i64 is a seed; its bits are what counts.
            seed: fields.integer("seed", i64::MIN..=i64::MAX)?.map(i64::cast_unsigned),
            stop: stop(&mut fields)?,
            max_tokens: max_tokens(&mut fields)?,
            schema: response_format::schema(&mut fields)?,
            stream,
            include_usage: include_usage(&mut fields, stream)?,
            include_reasoning: fields.boolean("include_reasoning")?.unwrap_or(false),
        };
        fields.finish()?;
        Ok(request)
    }
}

fn top_p(fields: &mut Fields) -> Result<f64, Refusal> {
    let top_p = fields.decimal("top_p", 0.0..=1.0)?.unwrap_or(1.0);
    // OpenAI takes 0 for "the likeliest token alone", which any value this small also is.
    Ok(top_p.max(1e-9))
}

fn max_tokens(fields: &mut Fields) -> Result<Option<usize>, Refusal> {
    let old = fields.integer("max_tokens", 1..=TOKENS)?;
    let new = fields.integer("max_completion_tokens", 1..=TOKENS)?;
    if let (Some(old), Some(new)) = (old, new)
        && old != new
    {
        let message = "'max_tokens' and 'max_completion_tokens' contradict each other; send one.";
        return Err(Refusal::param("max_tokens", "invalid_value", message));
    }
    Ok(new.or(old).map(|tokens| tokens.unsigned_abs() as usize))
}

fn stop(fields: &mut Fields) -> Result<Vec<String>, Refusal> {
    let values = match fields.take("stop") {
        None => return Ok(Vec::new()),
        Some(Value::Array(values)) => values,
        Some(value) => vec![value],
    };
    if values.len() > STOPS {
        return Err(too_many("stop", STOPS, values.len()));
    }
    values.into_iter().map(stop_text).collect()
}

fn stop_text(value: Value) -> Result<String, Refusal> {
    match value {
        Value::String(text) if (1..=STOP_BYTES).contains(&text.len()) => Ok(text),
        Value::String(_) => {
            let message = format!("Invalid 'stop': a stop sequence has 1 to {STOP_BYTES} bytes.");
            Err(Refusal::param("stop", "invalid_value", message))
        }
        other => Err(wrong_type("stop", "a string or an array of strings", &other)),
    }
}

fn include_usage(fields: &mut Fields, stream: bool) -> Result<bool, Refusal> {
    let Some(options) = fields.take("stream_options") else { return Ok(false) };
    if !stream {
        let message = "The 'stream_options' parameter is only allowed when 'stream' is enabled.";
        return Err(Refusal::param("stream_options", "invalid_value", message));
    }
    let mut options = Fields::new(options, "stream_options")?;
    options.only_neutral(&[("include_obfuscation", no)])?;
    let wanted = options.boolean("include_usage")?.unwrap_or(false);
    options.finish()?;
    Ok(wanted)
}
