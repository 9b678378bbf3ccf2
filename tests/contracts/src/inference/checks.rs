//! The checks: one implementation of OpenAI's API each.

use bytes::Bytes;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{CHAT, Calls as _, Inference, contents};

const JSON: &str = "application/json";

/// Callers take the first model's name and send it back.
pub async fn models_are_listed(service: &impl Inference) {
    let list = service.models().await;
    assert_eq!(list["object"], "list");
    let models = list["data"].as_array().unwrap();
    assert!(!models.is_empty());
    for model in models {
        assert!(model["id"].as_str().is_some_and(|id| !id.is_empty()), "{model}");
        assert_eq!(model["object"], "model");
    }
}

/// Everything that a client reads of an answer, and what it cost.
pub async fn an_answer_has_openais_shape(service: &impl Inference) {
    let answer = service.chat(json!({})).await;
    assert_eq!(answer["object"], "chat.completion");
    assert_eq!(answer["model"], service.models().await["data"][0]["id"]);
    assert!(answer["id"].as_str().is_some_and(|id| id.starts_with("chatcmpl-")));
    assert!(answer["created"].is_u64());
    let choice = &answer["choices"][0];
    assert_eq!((&choice["index"], &choice["message"]["role"]), (&json!(0), &json!("assistant")));
    assert!(choice["message"]["content"].is_string());
    assert!(["stop", "length"].contains(&choice["finish_reason"].as_str().unwrap()), "{choice}");
    let tokens = |key: &str| answer["usage"][key].as_u64().unwrap();
    assert!(tokens("prompt_tokens") > 0);
    assert_eq!(tokens("total_tokens"), tokens("prompt_tokens") + tokens("completion_tokens"));
}

/// As many answers as were asked for, each once.
pub async fn each_choice_has_its_index(service: &impl Inference) {
    let answer = service.chat(json!({ "n": 3 })).await;
    let choices = answer["choices"].as_array().unwrap();
    let mut indexes: Vec<_> = choices.iter().map(|choice| choice["index"].as_u64().unwrap()).collect();
    indexes.sort_unstable();
    assert_eq!(indexes, [0, 1, 2]);
    // Without a number, and with none, there is one.
    assert_eq!(contents(&service.chat(json!({ "n": null })).await).len(), 1);
}

/// A campaign that runs again says the same: the seed decides, and the largest one is a seed too.
pub async fn the_same_request_has_the_same_answer(service: &impl Inference) {
    for seed in [7, i64::MAX] {
        let more = json!({ "n": 2, "seed": seed });
        let first = service.chat(more.clone()).await;
        assert_eq!(contents(&first), contents(&service.chat(more).await));
    }
}

/// At its limit of tokens, or before a stop sequence.
pub async fn an_answer_ends_where_it_is_told_to(service: &impl Inference) {
    let short = service.chat(json!({ "max_tokens": 2, "n": 2 })).await;
    assert!(short["usage"]["completion_tokens"].as_u64().unwrap() <= 4);
    assert_eq!(short["choices"][0]["finish_reason"], "length");
    let whole = contents(&service.chat(json!({})).await).remove(0);
    let middle: String = whole.chars().skip(whole.chars().count() / 2).take(3).collect();
    let stopped = service.chat(json!({ "stop": [middle, "never said"] })).await;
    assert_eq!(Some(contents(&stopped)[0].as_str()), whole.split(&middle).next(), "{middle:?}");
    assert_eq!(stopped["choices"][0]["finish_reason"], "stop");
}

/// OpenAI's error: an object with a message, its type, and the parameter and code where there are.
fn refused(answer: (StatusCode, Value), status: u16) -> Value {
    assert_eq!(answer.0, status, "{}", answer.1);
    let error = &answer.1["error"];
    assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()), "{}", answer.1);
    assert_eq!(error["type"], "invalid_request_error");
    assert!(error.get("param").is_some() && error.get("code").is_some(), "{}", answer.1);
    error.clone()
}

/// A model that is not served is not quietly replaced by one that is.
pub async fn another_model_is_not_found(service: &impl Inference) {
    let request = service.request(json!({ "model": "gpt-9" })).await;
    let error = refused(service.post(&request).await, 404);
    assert_eq!((&error["code"], &error["param"]), (&json!("model_not_found"), &Value::Null));
}

/// By its status the caller knows whether its request is at fault, and by `param` where.
pub async fn a_request_that_is_none_is_refused(service: &impl Inference) {
    let post = |kind: &'static str, body: Bytes| service.send(Method::POST, CHAT, kind, body);
    for body in ["{ not json", "[]", ""] {
        refused(post(JSON, body.into()).await, 400);
    }
    for (more, param) in [
        (json!({ "model": null }), "model"),
        (json!({ "messages": null }), "messages"),
        (json!({ "messages": [] }), "messages"),
        (json!({ "messages": [{ "role": "user" }] }), "messages[0].content"),
        (json!({ "n": 0 }), "n"),
        (json!({ "n": 17 }), "n"),
        (json!({ "max_tokens": "many" }), "max_tokens"),
        (json!({ "max_tokens": 0 }), "max_tokens"),
        (json!({ "temperature": 2.5 }), "temperature"),
        (json!({ "seed": u64::MAX }), "seed"),
        (json!({ "colour": "red" }), "colour"),
    ] {
        let request = service.request(more).await;
        assert_eq!(refused(service.post(&request).await, 400)["param"], param);
    }
    let good: Bytes = service.request(json!({})).await.to_string().into();
    refused(post("text/plain", good.clone()).await, 415);
    refused(post(JSON, vec![b' '; (256 << 10) + 1].into()).await, 413);
    refused(service.send(Method::GET, CHAT, JSON, Bytes::new()).await, 405);
    refused(service.send(Method::POST, "/v1/embeddings", JSON, good).await, 404);
}
