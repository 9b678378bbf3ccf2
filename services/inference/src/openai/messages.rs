//! The messages of a chat request: text only, of the three roles that chat templates know.
//!
//! A client can send back what it was answered: what the model thought then (`reasoning_content`) is dropped, and not read again.

use serde_json::Value;

use super::fields::{Fields, not_one_of, too_many, wrong_type};
use super::neutral::{empty, never};
use super::refusal::Refusal;

/// Messages in one request.
const MESSAGES: usize = 128;
/// Text parts in one message.
const PARTS: usize = 128;
/// One message of the conversation, with its text parts joined.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Message {
    /// `system`, `user` or `assistant`.
    pub role: &'static str,
    /// The text. Personal by nature: this type has no `Debug`.
    pub text: String,
}

/// Reads the array `messages`.
pub(crate) fn messages(value: Value) -> Result<Vec<Message>, Refusal> {
    let Value::Array(values) = value else { return Err(wrong_type("messages", "an array", &value)) };
    if values.is_empty() {
        let message = "Invalid 'messages': empty array. Expected an array with minimum length 1.";
        return Err(Refusal::param("messages", "empty_array", message));
    }
    if values.len() > MESSAGES {
        return Err(too_many("messages", MESSAGES, values.len()));
    }
    values.into_iter().enumerate().map(|(at, value)| message(value, &format!("messages[{at}]"))).collect()
}

fn message(value: Value, path: &str) -> Result<Message, Refusal> {
    let mut fields = Fields::new(value, path)?;
    let role = role(&fields.need_text("role")?, &fields.name("role"))?;
    // Thoughts belong to the answer that they led to: templates leave those of earlier turns out. The only value here that is
    // dropped and not refused, as our own answers have it.
    if role == "assistant" {
        fields.text("reasoning_content")?;
    }
    // Clients send an assistant's message back as they got it, with these empty.
    fields.only_neutral(&[
        ("annotations", empty),
        ("audio", never),
        ("function_call", never),
        ("name", never),
        ("reasoning_content", never),
        ("refusal", never),
        ("tool_calls", empty),
    ])?;
    let name = fields.name("content");
    let text = match fields.need("content")? {
        Value::String(text) => text,
        Value::Array(parts) if parts.len() > PARTS => return Err(too_many(&name, PARTS, parts.len())),
        Value::Array(parts) => joined(parts, &name)?,
        other => return Err(wrong_type(&name, "a string or an array of text parts", &other)),
    };
    fields.finish()?;
    Ok(Message { role, text })
}

/// `developer` is OpenAI's newer name for `system`; chat templates know the older one.
fn role(role: &str, name: &str) -> Result<&'static str, Refusal> {
    match role {
        "system" | "developer" => Ok("system"),
        "user" => Ok("user"),
        "assistant" => Ok("assistant"),
        other => Err(not_one_of(name, "'system', 'developer', 'user' and 'assistant'", other)),
    }
}

/// The texts of the parts, a line each.
fn joined(parts: Vec<Value>, name: &str) -> Result<String, Refusal> {
    let mut texts = Vec::with_capacity(parts.len());
    for (at, part) in parts.into_iter().enumerate() {
        let mut fields = Fields::new(part, &format!("{name}[{at}]"))?;
        let kind = fields.need_text("type")?;
        if kind != "text" {
            return Err(not_one_of(&fields.name("type"), "'text'", &kind));
        }
        texts.push(fields.need_text("text")?);
        fields.finish()?;
    }
    Ok(texts.join("\n"))
}
