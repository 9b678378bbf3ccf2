//! NeMo's REST API: its shapes, and what is refused by name.

use std::time::Duration;

use ::http::{Request, StatusCode};
use axum::body::Body;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::{File, Guard, guard, guard_with, model::scripted};
use crate::http;

pub(super) async fn call(guard: &Guard, method: &str, path: &str, body: &str) -> (StatusCode, Value) {
    let request =
        Request::builder().method(method).uri(path).body(Body::from(body.to_owned())).expect("is a request");
    let response = http::router(guard.clone()).oneshot(request).await.expect("answers");
    let status = response.status();
    let body = response.into_body().collect().await.expect("has a body").to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

#[tokio::test]
async fn configurations_are_listed_as_nemo_lists_them() {
    let (base, _seen) = scripted().await;
    let (status, body) = call(&guard(&base), "GET", "/v1/rails/configs", "").await;
    assert_eq!((status, body), (StatusCode::OK, json!([{ "id": "checked" }, { "id": "plain" }])));
}

#[tokio::test]
async fn checks_answer_as_nemo_does() {
    let (base, _seen) = scripted().await;
    let guard = guard(&base);
    let check = |messages: Value, guardrails: Value| {
        let body = json!({ "model": "any", "messages": messages, "guardrails": guardrails }).to_string();
        let guard = guard.clone();
        async move { call(&guard, "POST", "/v1/checks", &body).await }
    };
    let checked = json!({ "config_id": "checked" });
    let user = |text: &str| json!([{ "role": "user", "content": text }]);
    let (status, body) = check(user("hello"), checked.clone()).await;
    assert_eq!((status, body), (StatusCode::OK, json!({ "status": "passed", "content": "hello" })));
    let blocked = json!({ "status": "blocked", "content": "I'm sorry, I can't respond to that.", "rail": "regex check input" });
    assert_eq!(check(user("forbidden"), checked.clone()).await.1, blocked);
    let both = json!([{ "role": "user", "content": "hello" }, { "role": "assistant", "content": "say-yes" }]);
    assert_eq!(check(both.clone(), checked.clone()).await.1["rail"], "self check output");
    let (status, _) = check(both, json!({ "config_ids": ["checked"], "rail_types": ["input"] })).await;
    assert_eq!(status, StatusCode::OK);
    let parts =
        json!([{ "role": "user", "content": [{ "type": "text", "text": "forbidden" }], "name": null }]);
    assert_eq!(check(parts, checked.clone()).await.1["status"], "blocked");
    let parts = vec![json!({ "type": "text", "text": "hello" }); 128];
    let many = json!([{ "role": "user", "content": parts }]);
    assert_eq!(check(many, checked.clone()).await.1["status"], "passed");
    // An e-mail rail can't judge a chat message: no verdict but no.
    let answer = json!([{ "role": "assistant", "content": "hello" }]);
    assert_eq!(check(answer, json!({ "config_id": "plain" })).await.1["rail"], "email check facts");
    for (text, status) in [
        ("say-500", StatusCode::INTERNAL_SERVER_ERROR),
        ("say-404", StatusCode::INTERNAL_SERVER_ERROR),
        ("say-503", StatusCode::SERVICE_UNAVAILABLE),
        ("say-400", StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(check(user(text), checked.clone()).await.0, status, "{text}");
    }
}

#[tokio::test]
async fn chats_pass_input_rails_model_and_output_rails() {
    let (base, mut seen) = scripted().await;
    let guard = guard(&base);
    let chat = |text: &str| {
        let body = json!({
            "model": "any", "config_id": "checked", "temperature": 0.5, "max_tokens": 9,
            "messages": [{ "role": "user", "content": text }],
        });
        let (guard, body) = (guard.clone(), body.to_string());
        async move { call(&guard, "POST", "/v1/chat/completions", &body).await }
    };
    let (status, body) = chat("hello").await;
    assert_eq!(
        (status, &body["choices"][0]["message"]),
        (StatusCode::OK, &json!({ "role": "assistant", "content": "echo: hello" }))
    );
    assert_eq!((&body["object"], &body["model"]), (&json!("chat.completion"), &json!("any")));
    assert_eq!(body["guardrails"], json!({ "config_id": "checked" }));
    let asked: Vec<Value> = std::iter::from_fn(|| seen.try_recv().ok()).collect();
    assert_eq!(asked.len(), 3);
    assert_eq!(asked[1]["messages"][0], json!({ "role": "system", "content": "Be kind." }));
    assert_eq!((&asked[1]["temperature"], &asked[1]["max_tokens"]), (&json!(0.5), &json!(9)));
    assert_eq!(body["choices"][0]["finish_reason"], "stop");
    for (reason, told) in [("length", "length"), ("content_filter", "content_filter"), ("other", "stop")] {
        let (_, body) = chat(&format!("say-cut-off: {reason}")).await;
        let choice = &body["choices"][0];
        let said = (&choice["message"]["content"], &choice["finish_reason"]);
        assert_eq!(said, (&json!("It ends"), &json!(told)));
    }
    while seen.try_recv().is_ok() {}
    // Blocked on the way in: the model is not asked.
    let (_, body) = chat("forbidden").await;
    let choice = &body["choices"][0];
    assert_eq!(choice["message"]["content"], "I'm sorry, I can't respond to that.");
    assert_eq!(choice["finish_reason"], "stop");
    assert_eq!(std::iter::from_fn(|| seen.try_recv().ok()).count(), 1);
}

#[tokio::test]
async fn an_answer_that_is_blocked_is_never_shown() {
    let (base, _seen) = scripted().await;
    let yaml = format!(
        "models:\n  - type: main\n    engine: openai\n    model: m\n    parameters:\n      base_url: {base}\n\
         rails:\n  input:\n    flows: [regex check input]\n  output:\n    flows: [regex check output]\n\
         \x20 config:\n    regex_detection:\n      input:\n        patterns: ['forbidden']\n\
         \x20     output:\n        patterns: ['secret']\n"
    );
    let guard = guard_with(
        &[("c", vec![File { path: "config.yml".into(), content: yaml.into_bytes() }])],
        &base,
        Duration::from_secs(20),
    );
    let body =
        json!({ "model": "m", "config_id": "c", "messages": [{ "role": "user", "content": "the secret" }] });
    let (_, body) = call(&guard, "POST", "/v1/chat/completions", &body.to_string()).await;
    assert_eq!(body["choices"][0]["message"]["content"], "I'm sorry, I can't respond to that.");
    assert!(!body.to_string().contains("secret"));
}

#[tokio::test]
async fn what_is_not_supported_is_refused_by_name() {
    let (base, _seen) = scripted().await;
    let guard = guard(&base);
    let user = json!([{ "role": "user", "content": "hello" }]);
    let parts =
        |count| json!({ "role": "user", "content": vec![json!({ "type": "text", "text": "" }); count] });
    for (path, body, expected) in [
        ("/v1/checks", json!({ "messages": user }), "no guardrails config_id provided"),
        (
            "/v1/checks",
            json!({ "messages": user, "config_id": "other" }),
            "there is no configuration of this config_id",
        ),
        (
            "/v1/checks",
            json!({ "messages": [], "config_id": "plain" }),
            "`messages` must have from 1 to 128 items",
        ),
        (
            "/v1/checks",
            json!({ "messages": user, "guardrails": { "config_id": "plain", "rail_types": ["input"] } }),
            "Requested rail type 'input' has no configured rails.",
        ),
        // Nothing would be judged, and nothing is called passed.
        (
            "/v1/checks",
            json!({ "messages": [{ "role": "system", "content": "x" }], "config_id": "checked" }),
            "no configured rail judges any of `messages`",
        ),
        (
            "/v1/checks",
            json!({ "messages": user, "config_id": "plain" }),
            "no configured rail judges any of `messages`",
        ),
        (
            "/v1/checks",
            json!({ "messages": user, "guardrails": { "config_id": "checked", "rail_types": ["output"] } }),
            "Requested rail type 'output' needs a message of role assistant.",
        ),
        (
            "/v1/checks",
            json!({ "messages": user, "guardrails": { "config_id": "plain", "options": {} } }),
            "field `options` of `guardrails` is not supported",
        ),
        (
            "/v1/checks",
            json!({ "messages": [{ "role": "tool", "content": "x" }], "config_id": "plain" }),
            "the role of a message must be system, developer, user or assistant",
        ),
        (
            "/v1/checks",
            json!({ "messages": [{ "role": "user", "content": [{ "type": "image_url", "image_url": {} }] }], "config_id": "plain" }),
            "field `image_url` of a content part is not supported",
        ),
        (
            "/v1/checks",
            json!({ "messages": [{ "role": "user", "content": "x", "name": "ann" }], "config_id": "checked" }),
            "field `name` of a message is not supported",
        ),
        // Few bytes that would be many values, for as long as the texts wait for their turn.
        (
            "/v1/checks",
            json!({ "messages": [parts(129)], "config_id": "checked" }),
            "the content of a message can have at most 128 parts",
        ),
        (
            "/v1/chat/completions",
            json!({ "messages": vec![parts(100); 30], "config_id": "checked" }),
            "the body has more than 8192 values",
        ),
        (
            "/v1/chat/completions",
            json!({ "messages": user, "config_id": "checked", "stream": true }),
            "`stream` is not supported: a rail judges a whole text",
        ),
        (
            "/v1/chat/completions",
            json!({ "messages": user, "config_id": "checked", "tools": [] }),
            "field `tools` of the body is not supported",
        ),
        (
            "/v1/chat/completions",
            json!({ "messages": user, "config_id": "plain" }),
            "the configuration has no model of type main",
        ),
        (
            "/v1/chat/completions",
            json!({ "messages": user, "config_id": "checked", "temperature": "hot" }),
            "`temperature` must be a number from 0 to 2",
        ),
        (
            "/v1/chat/completions",
            json!({ "messages": user, "config_id": "checked", "max_tokens": 9, "max_completion_tokens": 8 }),
            "`max_tokens` and `max_completion_tokens` contradict each other; send one",
        ),
        (
            "/v1/chat/completions",
            json!({ "messages": user, "config_id": "checked", "stop": [""] }),
            "a text of `stop` must have from 1 to 256 bytes",
        ),
        (
            "/v1/chat/completions",
            json!({ "messages": user, "config_id": "checked", "stop": "x".repeat(257) }),
            "a text of `stop` must have from 1 to 256 bytes",
        ),
    ] {
        let (status, answer) = call(&guard, "POST", path, &body.to_string()).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        assert_eq!(answer["error"]["message"], expected, "{body}");
    }
    let (status, answer) = call(&guard, "POST", "/v1/checks", "{ not json").await;
    assert_eq!(
        (status, &answer["error"]["type"]),
        (StatusCode::BAD_REQUEST, &json!("invalid_request_error"))
    );
    let (status, _) = call(&guard, "POST", "/v1/checks", &"x".repeat(300_000)).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
}
