//! `response_format`: free text, any JSON object, or JSON that satisfies a schema.

use maily_model::Schema;
use serde_json::{Value, json};

use super::fields::{Fields, missing, not_one_of, wrong_type};
use super::refusal::Refusal;

/// The longest name of a schema, in characters; OpenAI's limit.
const NAME: usize = 64;

/// The schema that the answer must satisfy, if any. `strict` may be true or false: it is always obeyed.
pub(crate) fn schema(fields: &mut Fields) -> Result<Option<Schema>, Refusal> {
    let Some(format) = fields.take("response_format") else { return Ok(None) };
    let mut format = Fields::new(format, "response_format")?;
    let kind = format.need_text("type")?;
    let schema = match kind.as_str() {
        "text" => None,
        "json_object" => Some(json!({ "type": "object" })),
        "json_schema" => Some(named(format.need("json_schema")?)?),
        other => {
            let allowed = "'text', 'json_object' and 'json_schema'";
            return Err(not_one_of(&format.name("type"), allowed, other));
        }
    };
    format.finish()?;
    let schema = schema.as_ref().map(Schema::new).transpose();
    schema.map_err(|too_long| Refusal::schema(too_long.reveal()))
}

fn named(value: Value) -> Result<Value, Refusal> {
    let mut fields = Fields::new(value, "response_format.json_schema")?;
    let name = fields.need_text("name")?;
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if !(1..=NAME).contains(&name.len()) || !name.bytes().all(letter) {
        let message =
            "Invalid 'response_format.json_schema.name': expected 1 to 64 of a-z, A-Z, 0-9, '_' and '-'.";
        return Err(Refusal::param(&fields.name("name"), "invalid_value", message));
    }
    fields.text("description")?;
    fields.boolean("strict")?;
    let path = fields.name("schema");
    match fields.take("schema") {
        None => Err(missing(&path)),
        Some(schema @ Value::Object(_)) => fields.finish().map(|()| schema),
        Some(other) => Err(wrong_type(&path, "an object", &other)),
    }
}
