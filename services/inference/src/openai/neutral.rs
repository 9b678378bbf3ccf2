//! Values that ask for nothing: parameters that we don't serve may have these, as many clients send them.

use serde_json::Value;

/// Whether a value asks for nothing.
pub(crate) type Neutral = fn(&Value) -> bool;

pub(crate) fn never(_: &Value) -> bool {
    false
}

pub(crate) fn no(value: &Value) -> bool {
    *value == Value::Bool(false)
}

pub(crate) fn none(value: &Value) -> bool {
    value == "none"
}

pub(crate) fn zero(value: &Value) -> bool {
    value.as_f64() == Some(0.0)
}

pub(crate) fn empty(value: &Value) -> bool {
    match value {
        Value::Array(values) => values.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}
