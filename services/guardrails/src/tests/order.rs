//! Rails run in the configuration's order, and none behind the first that says no.

use std::time::Duration;

use ::http::StatusCode;
use maily_proto::guardrails::{self as proto, guardrails_server::Guardrails};
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;
use tonic::Code;

use super::{File, guard, guard_with, input, load, model::scripted, rest::call, self_checks};
use crate::{config, grpc::Api};

/// Patterns before the models of the self checks.
fn patterns_first(base: &str) -> Vec<File> {
    let yaml = format!(
        "models:\n  - type: main\n    engine: openai\n    model: judge-1\n    parameters:\n      base_url: {base}\n\
         rails:\n  input:\n    flows: [regex check input, self check input]\n\
         \x20 output:\n    flows: [regex check output, self check output]\n\
         \x20 config:\n    regex_detection:\n      input:\n        patterns: ['forbidden']\n\
         \x20     output:\n        patterns: ['forbidden']\n\
         prompts:\n  - task: self_check_input\n    content: 'Block {{{{ user_input }}}}?'\n\
         \x20 - task: self_check_output\n    content: 'Block {{{{ bot_response }}}}?'\n"
    );
    vec![File { path: "config.yml".into(), content: yaml.into_bytes() }]
}

fn asked(seen: &mut UnboundedReceiver<Value>) -> usize {
    std::iter::from_fn(|| seen.try_recv().ok()).count()
}

fn rails(verdict: &proto::Verdict) -> Vec<&str> {
    verdict.violations.iter().map(|violation| violation.rail.as_str()).collect()
}

fn piece(config_id: &str, text: &str) -> tonic::Request<proto::CheckPieceRequest> {
    tonic::Request::new(proto::CheckPieceRequest {
        config_id: config_id.to_owned(),
        piece: proto::Piece::Body.into(),
        text: text.to_owned(),
        sources: Some(proto::Sources::default()),
    })
}

/// A card number goes to nobody; and the failure of whoever is not asked takes no verdict's place.
#[tokio::test]
async fn no_model_is_asked_about_what_an_earlier_rail_forbids() {
    let (base, mut seen) = scripted().await;
    let api = Api(guard(&base));
    let id = load(&api, patterns_first(&base)).await.expect("loads");
    for text in ["forbidden", "forbidden say-500", "forbidden say-nothing"] {
        assert_eq!(rails(&input(&api, &id, text).await.expect("answers")), ["regex check input"]);
        let body = api.check_piece(piece(&id, text)).await.expect("answers").into_inner();
        assert_eq!(rails(&body), ["regex check output"]);
        let email = proto::CheckEmailRequest {
            config_id: id.clone(),
            sources: Some(proto::Sources::default()),
            subject: text.into(),
            ..proto::CheckEmailRequest::default()
        };
        let email = api.check_email(tonic::Request::new(email)).await.expect("answers").into_inner();
        assert_eq!(rails(&email), ["regex check output"]);
    }
    assert_eq!(asked(&mut seen), 0);
    assert!(input(&api, &id, "a plain brief").await.expect("answers").passed);
    assert_eq!(asked(&mut seen), 1);
}

/// The whole conversation is put before a rail, and only then the next one is asked.
#[tokio::test]
async fn no_model_is_asked_about_a_conversation_whose_last_turn_is_forbidden() {
    let (base, mut seen) = scripted().await;
    let guard = guard_with(&[("c", patterns_first(&base))], &base, Duration::from_secs(20));
    let messages =
        json!([{ "role": "user", "content": "hello" }, { "role": "user", "content": "forbidden" }]);
    let body = json!({ "model": "any", "config_id": "c", "messages": messages }).to_string();
    let (status, answer) = call(&guard, "POST", "/v1/chat/completions", &body).await;
    assert_eq!(
        (status, &answer["choices"][0]["message"]["content"]),
        (StatusCode::OK, &json!(config::REFUSAL))
    );
    let (_, answer) = call(&guard, "POST", "/v1/checks", &body).await;
    assert_eq!(answer["rail"], "regex check input");
    assert_eq!(asked(&mut seen), 0);
}

/// What is shown as nothing is read by the model of a self check, too.
#[tokio::test]
async fn no_model_is_asked_about_hidden_text() {
    let (base, mut seen) = scripted().await;
    let api = Api(guard(&base));
    let id = load(&api, self_checks(&base)).await.expect("loads");
    let verdict = input(&api, &id, "A sale.\u{e0049}\u{e0067}").await.expect("answers");
    assert_eq!(rails(&verdict), ["self check input"]);
    assert_eq!(verdict.violations[0].reason, "it hides text from its reader");
    assert_eq!(asked(&mut seen), 0);
    assert!(input(&api, &id, "A sale \u{2764}\u{fe0f} \u{1f1e9}\u{1f1ea}").await.expect("answers").passed);
}

#[tokio::test]
async fn the_first_no_is_the_verdict() {
    let (base, _seen) = scripted().await;
    let api = Api(guard(&base));
    let id = load(&api, self_checks(&base)).await.expect("loads");
    for (text, rail) in
        [("say-yes to the forbidden", "self check input"), ("the forbidden", "regex check input")]
    {
        assert_eq!(rails(&input(&api, &id, text).await.expect("answers")), [rail]);
    }
    // Where an earlier rail gives no verdict, no later one gives it.
    let none = input(&api, &id, "say-500 to the forbidden").await.expect_err("gives no verdict");
    assert_eq!(none.code(), Code::Internal);
}

/// What a template fails by is told, and not taken for the length of the text.
#[tokio::test]
async fn a_prompt_that_fails_for_a_text_says_why() {
    let (base, _seen) = scripted().await;
    let mut files = self_checks(&base);
    let yaml = String::from_utf8(files[0].content.clone()).expect("is text");
    let fails = "Block {{ user_input }}?{% if user_input | length > 99 %}{{ nothing }}{% endif %}";
    files[0].content = yaml.replace("Block {{ user_input }}?", fails).into_bytes();
    let guard = guard_with(&[("failing", files.clone())], &base, Duration::from_secs(20));
    let api = Api(guard.clone());
    let id = load(&api, files).await.expect("loads");
    let text = "x".repeat(100);
    let failed = input(&api, &id, &text).await.expect_err("gives no verdict");
    let sentence =
        "the prompt of `self check input` can't be rendered for this text: undefined value in line 1";
    assert_eq!((failed.code(), failed.message()), (Code::InvalidArgument, sentence));
    let messages = json!([{ "role": "user", "content": text }]);
    let body = json!({ "model": "any", "config_id": "failing", "messages": messages });
    for path in ["/v1/checks", "/v1/chat/completions"] {
        let (status, answer) = call(&guard, "POST", path, &body.to_string()).await;
        let error = json!({ "message": sentence, "type": "invalid_request_error", "param": "messages",
            "code": null });
        assert_eq!((status, &answer["error"]), (StatusCode::BAD_REQUEST, &error), "{path}");
    }
}

/// By gRPC `INVALID_ARGUMENT`, by REST what OpenAI's API says of a prompt that is too long.
#[tokio::test]
async fn a_text_that_is_too_long_for_a_prompt_is_the_callers_fault() {
    let (base, mut seen) = scripted().await;
    let guard = guard(&base);
    let api = Api(guard.clone());
    let id = load(&api, self_checks(&base)).await.expect("loads");
    assert!(api.check_piece(piece(&id, "a body")).await.expect("answers").into_inner().passed);
    let long = api.check_piece(piece(&id, &"x".repeat(3_000))).await.expect_err("gives no verdict");
    let sentence = "the text is too long for the prompt of `self check output`";
    assert_eq!((long.code(), long.message()), (Code::InvalidArgument, sentence));
    let sentence = "the text is too long for the prompt of `self check input`";
    // By the configuration's own limit, and by that of its model.
    for text in ["x".repeat(20_000), "say-too-long".to_owned()] {
        let long = input(&api, &id, &text).await.expect_err("gives no verdict");
        assert_eq!((long.code(), long.message()), (Code::InvalidArgument, sentence));
        for path in ["/v1/checks", "/v1/chat/completions"] {
            let messages =
                json!([{ "role": "user", "content": text }, { "role": "user", "content": "hello" }]);
            let body = json!({ "model": "any", "config_id": "checked", "messages": messages });
            let (status, answer) = call(&guard, "POST", path, &body.to_string()).await;
            let error = json!({ "message": sentence, "type": "invalid_request_error", "param": "messages",
                "code": "context_length_exceeded" });
            assert_eq!((status, &answer["error"]), (StatusCode::BAD_REQUEST, &error), "{path}");
        }
    }
    // Of what else the model refuses the caller is told as well.
    let messages = json!([{ "role": "user", "content": "say-400" }]);
    let body = json!({ "model": "any", "config_id": "checked", "messages": messages });
    let (status, answer) = call(&guard, "POST", "/v1/chat/completions", &body.to_string()).await;
    let sentence = "the configuration's model refuses the request with status 400 Bad Request";
    let error =
        json!({ "message": sentence, "type": "invalid_request_error", "param": "messages", "code": null });
    assert_eq!((status, &answer["error"]), (StatusCode::BAD_REQUEST, &error));
    asked(&mut seen);
    // What the model answers is as long as the request has it.
    let messages = json!([{ "role": "user", "content": "x".repeat(3_000) }]);
    let body = json!({ "model": "any", "config_id": "checked", "messages": messages });
    let (status, answer) = call(&guard, "POST", "/v1/chat/completions", &body.to_string()).await;
    assert_eq!((status, &answer["error"]["param"]), (StatusCode::BAD_REQUEST, &json!("max_tokens")));
    assert_eq!(asked(&mut seen), 2, "the judge of the message, and the model");
}
