//! `POST /v1/checks`: runs rails on messages without asking the main model.

use std::sync::Arc;

use axum::{
    Extension, Json,
    body::Bytes,
    extract::{State, rejection::BytesRejection},
};
use maily_chassis::{BodyShare, Caller};
use serde_json::{Value, json};

use super::{
    error::Refused,
    request::{Object, held, last},
};
use crate::{
    config::{Config, Flow},
    guard::Guard,
    judge::Turn,
    rails::Violation,
};

/// What is to be judged: all that is left of a request before anything is waited for.
struct Asked {
    messages: Vec<Turn>,
    config: Arc<Config>,
    input: bool,
    output: bool,
}

impl Asked {
    fn read(body: &[u8], guard: &Guard) -> Result<Self, Refused> {
        let mut request = Object::parse(body, &["messages", "model", "config_id", "guardrails", "stream"])?;
        let guardrails = request.object("guardrails", &["config_id", "config_ids", "rail_types"])?;
        request.text("model")?;
        if request.flag("stream")? == Some(true) {
            return Err(Refused::unprocessable("`stream` is not supported: a rail judges a whole text"));
        }
        let messages = request.messages()?;
        let (_, config) = request.config(guardrails.as_ref(), guard)?;
        let types = guardrails.map_or(Ok(Vec::new()), |g| g.texts("rail_types", 2))?;
        let (input, output) = rails(&types, &messages, &config)?;
        Ok(Self { messages, config, input, output })
    }
}

/// `status`, `content`, and `rail` where one blocked.
pub(super) async fn check(
    State(guard): State<Guard>,
    caller: Caller,
    share: Option<Extension<BodyShare>>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Value>, Refused> {
    let guard = guard.called_by(caller);
    let Asked { messages, config, input, output } = Asked::read(&body?, &guard)?;
    held(&messages, |bytes| share.is_none_or(|Extension(share)| share.holds(bytes)))?;
    let mut content = messages.last().map(|m| m.text.clone()).unwrap_or_default();
    let mut violations: Vec<Violation> = Vec::new();
    if input {
        content = last(&messages, "user").unwrap_or_default().to_owned();
        violations.extend(guard.turns(config.clone(), asked(&messages, output)).await?);
    }
    if output && violations.is_empty() {
        content = last(&messages, "assistant").unwrap_or_default().to_owned();
        violations.extend(guard.answer(config.clone(), content.clone()).await?);
    }
    Ok(Json(match violations.first() {
        None => json!({ "status": "passed", "content": content }),
        Some(first) => json!({ "status": "blocked", "content": config.refusal, "rail": first.rail }),
    }))
}

/// What a model reads of a conversation: every turn, but for an answer at its end that the output rails judge.
fn asked(messages: &[Turn], output: bool) -> &[Turn] {
    match messages.split_last() {
        Some((answer, turns)) if output && answer.role == "assistant" => turns,
        _ => messages,
    }
}

/// Which rails to run: those asked for, else by the roles of the messages; at least one.
fn rails(types: &[String], messages: &[Turn], config: &Config) -> Result<(bool, bool), Refused> {
    if let Some(other) = types.iter().find(|t| !matches!(t.as_str(), "input" | "output")) {
        let other: String = other.chars().filter(|c| !c.is_control()).take(32).collect();
        return Err(Refused::unprocessable(format!(
            "`rail_types` can only be input and output, not `{other}`"
        )));
    }
    let there = |role: &str, flows: &[Flow]| last(messages, role).is_some() && !flows.is_empty();
    let (input, output) = (there("user", &config.input), there("assistant", &config.output));
    if types.is_empty() {
        // "Passed" must never mean that no rail has looked.
        return match (input, output) {
            (false, false) => Err(Refused::unprocessable("no configured rail judges any of `messages`")),
            both => Ok(both),
        };
    }
    let asked = |name: &str| types.iter().any(|t| t == name);
    for (name, flows) in [("input", &config.input), ("output", &config.output)] {
        if asked(name) && flows.is_empty() {
            return Err(Refused::unprocessable(format!(
                "Requested rail type '{name}' has no configured rails."
            )));
        }
    }
    for (name, role, judged) in [("input", "user", input), ("output", "assistant", output)] {
        if asked(name) && !judged {
            return Err(Refused::unprocessable(format!(
                "Requested rail type '{name}' needs a message of role {role}."
            )));
        }
    }
    Ok((asked("input"), asked("output")))
}
