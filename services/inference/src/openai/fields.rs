//! A JSON object read key by key, so that every key is either understood or refused by its name.
//!
//! `null` means absent everywhere, as OpenAI's own clients send it.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::neutral::Neutral;
use super::refusal::{Refusal, shorten};

/// What is left to read of one object.
pub(crate) struct Fields {
    map: Map<String, Value>,
    path: String,
}

impl Fields {
    /// `value` must be an object; `path` names it in refusals and is empty for the request itself.
    pub(crate) fn new(value: Value, path: &str) -> Result<Self, Refusal> {
        match value {
            Value::Object(map) => Ok(Self { map, path: path.to_owned() }),
            other if path.is_empty() => {
                Err(Refusal::request(format!("The body must be a JSON object, but is {}.", kind(&other))))
            }
            other => Err(wrong_type(path, "an object", &other)),
        }
    }

    /// The full name of a key (`response_format.json_schema.name`).
    pub(crate) fn name(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    pub(crate) fn take(&mut self, key: &str) -> Option<Value> {
        self.map.shift_remove(key).filter(|value| !value.is_null())
    }

    pub(crate) fn need(&mut self, key: &str) -> Result<Value, Refusal> {
        self.take(key).ok_or_else(|| missing(&self.name(key)))
    }

    pub(crate) fn boolean(&mut self, key: &str) -> Result<Option<bool>, Refusal> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(value)),
            Some(other) => Err(wrong_type(&self.name(key), "a boolean", &other)),
        }
    }

    pub(crate) fn text(&mut self, key: &str) -> Result<Option<String>, Refusal> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::String(value)) => Ok(Some(value)),
            Some(other) => Err(wrong_type(&self.name(key), "a string", &other)),
        }
    }

    pub(crate) fn need_text(&mut self, key: &str) -> Result<String, Refusal> {
        self.text(key)?.ok_or_else(|| missing(&self.name(key)))
    }

    pub(crate) fn decimal(&mut self, key: &str, range: RangeInclusive<f64>) -> Result<Option<f64>, Refusal> {
        let Some(value) = self.take(key) else { return Ok(None) };
        let name = self.name(key);
        let number = value.as_f64().ok_or_else(|| wrong_type(&name, "a decimal", &value))?;
        if number > *range.end() {
            return Err(above(&name, "decimal", "decimal_above_max_value", range.end(), &value));
        }
        if number < *range.start() {
            return Err(below(&name, "decimal", "decimal_below_min_value", range.start(), &value));
        }
        Ok(Some(number))
    }

    pub(crate) fn integer(&mut self, key: &str, range: RangeInclusive<i64>) -> Result<Option<i64>, Refusal> {
        let Some(value) = self.take(key) else { return Ok(None) };
        let name = self.name(key);
        if !value.is_i64() && !value.is_u64() {
            return Err(wrong_type(&name, "an integer", &value));
        }
        let number = value.as_i64().unwrap_or(i64::MAX); // beyond i64 is beyond every range here
        if number > *range.end() || value.as_i64().is_none() {
            return Err(above(&name, "integer", "integer_above_max_value", range.end(), &value));
        }
        if number < *range.start() {
            return Err(below(&name, "integer", "integer_below_min_value", range.start(), &value));
        }
        Ok(Some(number))
    }

    /// Refuses each key whose value asks for more than the neutral one that we serve anyway.
    pub(crate) fn only_neutral(&mut self, keys: &[(&str, Neutral)]) -> Result<(), Refusal> {
        for (key, neutral) in keys {
            if self.take(key).is_some_and(|value| !neutral(&value)) {
                return Err(Refusal::unsupported(&self.name(key)));
            }
        }
        Ok(())
    }

    /// Refuses what nobody read.
    pub(crate) fn finish(self) -> Result<(), Refusal> {
        match self.map.keys().next() {
            Some(key) => Err(Refusal::unknown(&self.name(key))),
            None => Ok(()),
        }
    }
}

pub(crate) fn missing(name: &str) -> Refusal {
    Refusal::param(name, "missing_required_parameter", format!("Missing required parameter: '{name}'."))
}

pub(crate) fn wrong_type(name: &str, expected: &str, value: &Value) -> Refusal {
    let message = format!("Invalid type for '{name}': expected {expected}, but got {} instead.", kind(value));
    Refusal::param(name, "invalid_type", message)
}

/// A value outside of a list of allowed ones.
pub(crate) fn not_one_of(name: &str, allowed: &str, value: &str) -> Refusal {
    let message = format!("Invalid value: '{}'. Supported values are: {allowed}.", shorten(value));
    Refusal::param(name, "invalid_value", message)
}

/// An array that is longer than allowed.
pub(crate) fn too_many(name: &str, limit: usize, count: usize) -> Refusal {
    let message = format!(
        "Invalid '{name}': array too long. Expected an array with maximum length {limit}, but got an array with length {count} instead."
    );
    Refusal::param(name, "array_above_max_length", message)
}

fn above(name: &str, what: &str, code: &'static str, bound: impl ToString, value: &Value) -> Refusal {
    out_of_range(name, what, code, "above maximum value", "<=", bound, value)
}

fn below(name: &str, what: &str, code: &'static str, bound: impl ToString, value: &Value) -> Refusal {
    out_of_range(name, what, code, "below minimum value", ">=", bound, value)
}

fn out_of_range(
    name: &str,
    what: &str,
    code: &'static str,
    side: &str,
    sign: &str,
    bound: impl ToString,
    value: &Value,
) -> Refusal {
    let bound = bound.to_string();
    let message =
        format!("Invalid '{name}': {what} {side}. Expected a value {sign} {bound}, but got {value} instead.");
    Refusal::param(name, code, message)
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
