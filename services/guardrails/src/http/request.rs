//! Reads requests strictly. Errors name a key or a rail type, cut short, and quote no message.

use std::sync::Arc;

use maily_chassis::json_within;
use serde_json::{Map, Value};

use super::error::Refused;
use crate::{
    config::{Config, MAX_STOP},
    guard::{Guard, GuardError},
    judge::Turn,
    turns::NoTurn,
};

/// Messages of one conversation, and parts of one message, as many as the inference service takes.
const MAX_MESSAGES: usize = 128;
const MAX_PARTS: usize = 128;
/// Values of one request, which take less than 4 MiB while they are read: 128 messages of 20 parts have as many.
const MAX_VALUES: usize = 8_192;
/// How many more times a conversation's texts are in memory while it is judged: each by itself, all as one, those of each
/// role as one, and what a model is asked, as values and as JSON. It is asked about all of them at once.
const COPIES: usize = 5;
/// What each turn takes beside its text, mostly as the JSON that is put before a model.
const TURN: usize = 1 << 10;

/// A JSON object all of whose keys are known.
pub(super) struct Object(Map<String, Value>);

impl Object {
    /// Parses a request's body.
    pub(super) fn parse(body: &[u8], known: &[&str]) -> Result<Self, Refused> {
        if !json_within(body, MAX_VALUES) {
            return Err(Refused::unprocessable(format!("the body has more than {MAX_VALUES} values")));
        }
        let value: Value = serde_json::from_slice(body).map_err(|e| {
            Refused::bad(format!("the body is not JSON: line {} column {}", e.line(), e.column()))
        })?;
        Self::new(value, "the body", known)
    }

    fn new(value: Value, what: &str, known: &[&str]) -> Result<Self, Refused> {
        let Value::Object(map) = value else {
            return Err(Refused::unprocessable(format!("{what} must be an object")));
        };
        // What is null is not there, as everywhere here.
        let unknown = |(key, value): &(&String, &Value)| !value.is_null() && !known.contains(&key.as_str());
        if let Some((key, _)) = map.iter().find(unknown) {
            let key: String = key.chars().filter(|c| !c.is_control()).take(64).collect();
            return Err(Refused::unprocessable(format!("field `{key}` of {what} is not supported")));
        }
        Ok(Self(map))
    }

    /// A field that is there and not null.
    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key).filter(|value| !value.is_null())
    }

    /// A field that is an object itself.
    pub(super) fn object(&self, key: &str, known: &[&str]) -> Result<Option<Self>, Refused> {
        self.get(key).map(|value| Self::new(value.clone(), &format!("`{key}`"), known)).transpose()
    }

    pub(super) fn text(&self, key: &str) -> Result<Option<&str>, Refused> {
        self.typed(key, "a string", Value::as_str)
    }

    pub(super) fn flag(&self, key: &str) -> Result<Option<bool>, Refused> {
        self.typed(key, "true or false", Value::as_bool)
    }

    pub(super) fn number(&self, key: &str, most: f64) -> Result<Option<f64>, Refused> {
        self.typed(key, &format!("a number from 0 to {most}"), |v| {
            v.as_f64().filter(|n| (0.0..=most).contains(n))
        })
    }

    pub(super) fn count(&self, key: &str, most: u64) -> Result<Option<u32>, Refused> {
        let count =
            |v: &Value| v.as_u64().filter(|n| (1..=most).contains(n)).and_then(|n| u32::try_from(n).ok());
        self.typed(key, &format!("a whole number from 1 to {most}"), count)
    }

    /// A string or a list of at most `most` strings.
    pub(super) fn texts(&self, key: &str, most: usize) -> Result<Vec<String>, Refused> {
        let texts = |v: &Value| match v {
            Value::String(text) => Some(vec![text.clone()]),
            Value::Array(list) if list.len() <= most => {
                list.iter().map(|v| v.as_str().map(str::to_owned)).collect()
            }
            _ => None,
        };
        Ok(self.typed(key, &format!("a string or a list of at most {most}"), texts)?.unwrap_or_default())
    }

    /// Where a model is to stop: a string or a list of at most 4, as the inference service takes them.
    pub(super) fn stop(&self) -> Result<Vec<String>, Refused> {
        let stop = self.texts("stop", 4)?;
        match stop.iter().all(|text| (1..=MAX_STOP).contains(&text.len())) {
            true => Ok(stop),
            false => {
                Err(Refused::unprocessable(format!("a text of `stop` must have from 1 to {MAX_STOP} bytes")))
            }
        }
    }

    fn typed<'a, T>(
        &'a self,
        key: &str,
        what: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, Refused> {
        let wrong = || Refused::unprocessable(format!("`{key}` must be {what}"));
        self.get(key).map(|value| read(value).ok_or_else(wrong)).transpose()
    }

    /// The conversation: at least one message, each a text.
    pub(super) fn messages(&mut self) -> Result<Vec<Turn>, Refused> {
        let Some(Value::Array(list)) = self.0.remove("messages") else {
            return Err(Refused::unprocessable("`messages` must be a list"));
        };
        if list.is_empty() || list.len() > MAX_MESSAGES {
            return Err(Refused::unprocessable(format!(
                "`messages` must have from 1 to {MAX_MESSAGES} items"
            )));
        }
        list.into_iter().map(message).collect()
    }

    /// The configuration that the request names: `guardrails.config_id`, one of `guardrails.config_ids`, or
    /// `config_id` as older clients send it.
    pub(super) fn config(
        &self,
        guardrails: Option<&Self>,
        guard: &Guard,
    ) -> Result<(String, Arc<Config>), Refused> {
        let mut ids: Vec<String> = self.text("config_id")?.into_iter().map(str::to_owned).collect();
        if let Some(object) = guardrails {
            ids.extend(object.text("config_id")?.map(str::to_owned));
            ids.extend(object.texts("config_ids", 8)?);
        }
        let [id] = ids.as_slice() else {
            let problem = if ids.is_empty() {
                "no guardrails config_id provided"
            } else {
                "only one config_id can be used"
            };
            return Err(Refused::unprocessable(problem));
        };
        let config = guard
            .store
            .named(id)
            .ok_or_else(|| Refused::unprocessable("there is no configuration of this config_id"))?;
        Ok((id.clone(), config))
    }
}

fn message(value: Value) -> Result<Turn, Refused> {
    let mut object = Object::new(value, "a message", &["role", "content"])?;
    let role = object.text("role")?.unwrap_or_default().to_owned();
    if !matches!(role.as_str(), "system" | "developer" | "user" | "assistant") {
        return Err(Refused::unprocessable(
            "the role of a message must be system, developer, user or assistant",
        ));
    }
    let text = match object.0.remove("content") {
        Some(Value::String(text)) => text,
        Some(Value::Array(parts)) if parts.len() > MAX_PARTS => {
            let problem = format!("the content of a message can have at most {MAX_PARTS} parts");
            return Err(Refused::unprocessable(problem));
        }
        // As the inference service joins them.
        Some(Value::Array(parts)) => parts.into_iter().map(part).collect::<Result<Vec<_>, _>>()?.join("\n"),
        _ => return Err(Refused::unprocessable("the content of a message must be a text")),
    };
    Ok(Turn { role, text })
}

/// A part of a message's content. What is no text could not be checked.
fn part(value: Value) -> Result<String, Refused> {
    let mut object = Object::new(value, "a content part", &["type", "text"])?;
    let is_text = object.text("type")? == Some("text");
    object.text("text")?;
    match object.0.remove("text") {
        Some(Value::String(text)) if is_text => Ok(text),
        _ => Err(Refused::unprocessable("only content parts of type text are supported")),
    }
}

/// Has the room for bodies hold what the texts take beside the body that they came in, or refuses them: many wait at once for
/// their turn, or for a model.
pub(super) fn held(messages: &[Turn], room: impl FnOnce(usize) -> bool) -> Result<(), Refused> {
    let bytes = messages.iter().map(|turn| turn.text.len().saturating_mul(COPIES).saturating_add(TURN));
    let bytes = bytes.fold(0, usize::saturating_add);
    if room(bytes) { Ok(()) } else { Err(GuardError::from(NoTurn::Busy).into()) }
}

/// The last message of a role.
pub(super) fn last<'a>(messages: &'a [Turn], role: &str) -> Option<&'a str> {
    messages.iter().rev().find(|m| m.role == role).map(|m| m.text.as_str())
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse as _;
    use http::StatusCode;

    use super::*;

    #[test]
    fn what_a_conversation_becomes_is_counted_and_refused_where_there_is_no_room() {
        let turn = |text: &str| Turn { role: "user".to_owned(), text: text.to_owned() };
        let (messages, mut taken) = ([turn("one"), turn("three")], 0);
        let room = |bytes| {
            taken = bytes;
            true
        };
        assert!(held(&messages, room).is_ok());
        assert_eq!(taken, 5 * "onethree".len() + 2 * 1_024);
        let refused = held(&messages, |_| false).unwrap_err();
        assert_eq!(refused.into_response().status(), StatusCode::SERVICE_UNAVAILABLE);
    }
}
