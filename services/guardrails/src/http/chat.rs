//! `POST /v1/chat/completions`: input rails, the main model, output rails.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use axum::{
    Extension, Json,
    body::Bytes,
    extract::{State, rejection::BytesRejection},
};
use maily_chassis::{BodyShare, Caller};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    error::Refused,
    request::{Object, held, last},
};
use crate::{
    config::Config,
    guard::{Guard, GuardError},
    judge::{STOP, Sampling, Turn},
};

const KNOWN: &[&str] = &[
    "messages",
    "model",
    "stream",
    "max_tokens",
    "max_completion_tokens",
    "temperature",
    "top_p",
    "stop",
    "config_id",
    "guardrails",
];
/// Tokens of one answer.
const MAX_TOKENS: u64 = 32_768;

/// What is to be answered: all that is left of a request before anything is waited for.
struct Asked {
    messages: Vec<Turn>,
    id: String,
    config: Arc<Config>,
    sampling: Sampling,
    model: String,
}

impl Asked {
    fn read(body: &[u8], guard: &Guard) -> Result<Self, Refused> {
        let mut request = Object::parse(body, KNOWN)?;
        let guardrails = request.object("guardrails", &["config_id", "config_ids"])?;
        if request.flag("stream")? == Some(true) {
            return Err(Refused::unprocessable("`stream` is not supported: a rail judges a whole text"));
        }
        let messages = request.messages()?;
        let (id, config) = request.config(guardrails.as_ref(), guard)?;
        let sampling = Sampling {
            temperature: request.number("temperature", 2.0)?,
            top_p: request.number("top_p", 1.0)?,
            max_tokens: max_tokens(&request)?,
            stop: request.stop()?,
        };
        let model = request.text("model")?.unwrap_or("main").to_owned();
        if last(&messages, "user").is_none() {
            return Err(Refused::unprocessable("`messages` must have one of role user"));
        }
        if !config.models.iter().any(|m| m.kind == "main") {
            return Err(Refused::unprocessable("the configuration has no model of type main"));
        }
        Ok(Self { messages, id, config, sampling, model })
    }
}

/// By either of its names, as the inference service takes them.
fn max_tokens(request: &Object) -> Result<Option<u32>, Refused> {
    let old = request.count("max_tokens", MAX_TOKENS)?;
    let new = request.count("max_completion_tokens", MAX_TOKENS)?;
    if old.zip(new).is_some_and(|(old, new)| old != new) {
        let problem = "`max_tokens` and `max_completion_tokens` contradict each other; send one";
        return Err(Refused::unprocessable(problem));
    }
    Ok(new.or(old))
}

/// A completion in OpenAI's shape with NeMo's `guardrails`. A blocked message is answered with the
/// configuration's refusal, which is whole.
pub(super) async fn complete(
    State(guard): State<Guard>,
    caller: Caller,
    share: Option<Extension<BodyShare>>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Value>, Refused> {
    let guard = guard.called_by(caller);
    let Asked { messages, id, config, sampling, model } = Asked::read(&body?, &guard)?;
    held(&messages, |bytes| share.is_none_or(|Extension(share)| share.holds(bytes)))?;
    let reply = |text: &str, finish: &str| Json(completion(&id, &model, text, finish));
    let Some(judged) = guard.conversation(config.clone(), messages).await? else {
        return Ok(reply(&config.refusal, STOP));
    };
    let answer = guard.judge.chat(&config, &judged, &sampling).await.map_err(GuardError::from)?;
    let violations = guard.answer(config.clone(), answer.text.clone()).await.map_err(Refused::answer)?;
    match violations.is_empty() {
        true => Ok(reply(&answer.text, answer.finish)),
        false => Ok(reply(&config.refusal, STOP)),
    }
}

fn completion(config_id: &str, model: &str, content: &str, finish: &str) -> Value {
    let created = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    json!({
        "id": format!("chatcmpl-{}", Uuid::new_v4()),
        "object": "chat.completion",
        "created": created,
        "model": model,
        "choices": [{
            "index": 0,
            "message": { "role": "assistant", "content": content },
            "finish_reason": finish,
        }],
        "guardrails": { "config_id": config_id },
    })
}
