//! A model that says what a script has it say, for the tests of whoever asks one: the protocol of every such fake.

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header::CONTENT_TYPE};
use serde_json::{Map, Value, json};

use super::CHAT;

/// Bytes of a request.
const BODY: usize = 256 << 10;
/// The parameters of a request that a script's answer may hang on, with the least and the most of the numbers.
const NUMBERS: [(&str, f64, f64); 6] = [
    ("n", 1.0, 16.0),
    ("max_tokens", 1.0, 16_777_216.0),
    ("max_completion_tokens", 1.0, 16_777_216.0),
    ("temperature", 0.0, 2.0),
    ("top_p", 0.0, 1.0),
    ("seed", i64::MIN as f64, i64::MAX as f64),
];
const OTHERS: [&str; 3] = ["model", "messages", "stop"];

/// What a scripted model knows.
pub struct Script<'a, F> {
    /// The names that it goes by.
    pub models: &'a [&'a str],
    /// What it says to a request that can be answered, as each of its choices.
    pub say: F,
}

/// A refusal: status, parameter, code, message.
type Refused = (StatusCode, Option<String>, Option<&'static str>, String);

/// Answers a request as the inference service would, if its model said this. A word is a token.
pub fn scripted<F: FnOnce(&Value) -> String>(
    script: Script<'_, F>,
    request: &Request<Bytes>,
) -> Response<Bytes> {
    let answer = match (request.uri().path(), request.method()) {
        ("/v1/models", &Method::GET) => Ok(models(script.models)),
        (CHAT, &Method::POST) => chat(script, request),
        ("/v1/models" | CHAT, method) => Err(not_allowed(method)),
        (path, method) => Err(no_such_path(method, path)),
    };
    let (status, body) = answer.map_or_else(refusal, |body| (StatusCode::OK, body));
    let response = Response::builder().status(status).header(CONTENT_TYPE, "application/json");
    response.body(body.to_string().into()).unwrap()
}

fn models(models: &[&str]) -> Value {
    let model = |id: &&str| json!({ "id": id, "object": "model", "created": 0, "owned_by": "script" });
    json!({ "object": "list", "data": models.iter().map(model).collect::<Vec<_>>() })
}

fn chat<F: FnOnce(&Value) -> String>(
    script: Script<'_, F>,
    request: &Request<Bytes>,
) -> Result<Value, Refused> {
    let asked = read(request)?;
    let model = asked["model"].as_str().unwrap_or_default();
    if !script.models.contains(&model) {
        let message = format!("The model `{model}` does not exist or you do not have access to it.");
        return Err((StatusCode::NOT_FOUND, None, Some("model_not_found"), message));
    }
    let (said, finish) = cut(&(script.say)(&asked), &asked);
    let n = asked["n"].as_u64().unwrap_or(1);
    let message = json!({ "role": "assistant", "content": said, "refusal": null });
    let choice =
        |index| json!({ "index": index, "message": message, "logprobs": null, "finish_reason": finish });
    let (prompt, completion) = (words(&asked["messages"].to_string()), n * words(&said));
    Ok(json!({
        "id": "chatcmpl-script", "object": "chat.completion", "created": 0, "model": model,
        "system_fingerprint": "fp_script",
        "choices": (0..n).map(choice).collect::<Vec<_>>(),
        "usage": { "prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion },
    }))
}

fn words(text: &str) -> u64 {
    text.split_whitespace().count() as u64
}

/// What is left of an answer at its limit of words and before its stop sequences, and why it ends there.
fn cut(said: &str, asked: &Value) -> (String, &'static str) {
    let limit = asked["max_tokens"].as_u64().or(asked["max_completion_tokens"].as_u64()).unwrap_or(u64::MAX);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let end = said.split_inclusive(' ').take(limit).map(str::len).sum::<usize>();
    let (short, _) = said.split_at(end);
    let stops = match &asked["stop"] {
        Value::Array(stops) => stops.iter().filter_map(Value::as_str).collect(),
        Value::String(stop) => vec![stop.as_str()],
        _ => Vec::new(),
    };
    let before = stops.iter().filter_map(|stop| short.split_once(stop)).map(|(before, _)| before);
    match before.min_by_key(|before| before.len()) {
        Some(before) => (before.to_owned(), "stop"),
        None if end < said.len() => (short.to_owned(), "length"),
        None => (short.to_owned(), "stop"),
    }
}

/// The request, if it is one.
fn read(request: &Request<Bytes>) -> Result<Value, Refused> {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.starts_with("application/json") {
        let message = "The request needs the header 'Content-Type: application/json'.";
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, None, None, message.to_owned()));
    }
    if request.body().len() > BODY {
        let message = format!("The request body is longer than {BODY} bytes.");
        return Err((StatusCode::PAYLOAD_TOO_LARGE, None, None, message));
    }
    let Ok(asked) = serde_json::from_slice::<Map<String, Value>>(request.body()) else {
        let message = "We could not parse the JSON body of your request. It must be one JSON object.";
        return Err((StatusCode::BAD_REQUEST, None, None, message.to_owned()));
    };
    for param in ["model", "messages"] {
        if asked.get(param).is_none_or(Value::is_null) {
            return Err(bad(param, "missing_required_parameter"));
        }
    }
    messages(&asked["messages"])?;
    for (param, value) in asked.iter().filter(|(_, value)| !value.is_null()) {
        match NUMBERS.iter().find(|(known, ..)| known == param) {
            Some((_, least, most)) if !number(param, value, *least, *most) => {
                return Err(bad(param, "invalid_value"));
            }
            None if !OTHERS.contains(&param.as_str()) => return Err(bad(param, "unknown_parameter")),
            _ => {}
        }
    }
    Ok(asked.into())
}

fn messages(value: &Value) -> Result<(), Refused> {
    let Some(messages) = value.as_array().filter(|messages| !messages.is_empty()) else {
        return Err(bad("messages", "invalid_value"));
    };
    for (at, message) in messages.iter().enumerate() {
        for key in ["role", "content"] {
            if message[key].is_null() {
                return Err(bad(&format!("messages[{at}].{key}"), "missing_required_parameter"));
            }
        }
    }
    Ok(())
}

fn number(param: &str, value: &Value, least: f64, most: f64) -> bool {
    let decimal = ["temperature", "top_p"].contains(&param);
    // A whole number beyond i64 is beyond every range.
    let whole = value.is_i64() || decimal;
    whole && value.as_f64().is_some_and(|number| (least..=most).contains(&number))
}

fn bad(param: &str, code: &'static str) -> Refused {
    (StatusCode::BAD_REQUEST, Some(param.to_owned()), Some(code), format!("Invalid request: '{param}'."))
}

fn not_allowed(method: &Method) -> Refused {
    (StatusCode::METHOD_NOT_ALLOWED, None, None, format!("Method {method} is not allowed here."))
}

fn no_such_path(method: &Method, path: &str) -> Refused {
    (StatusCode::NOT_FOUND, None, None, format!("Invalid URL ({method} {path})"))
}

fn refusal((status, param, code, message): Refused) -> (StatusCode, Value) {
    let error = json!({ "message": message, "type": "invalid_request_error", "param": param, "code": code });
    (status, json!({ "error": error }))
}
