//! A scripted model in place of the inference service, or of anything that speaks OpenAI's API.

use axum::{
    Json, Router,
    body::{Body, Bytes, to_bytes},
    extract::State,
    response::{IntoResponse, Response},
};
use http::{Request, StatusCode};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use maily_contracts::inference::{Inference, Script};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tower::{BoxError, util::BoxCloneSyncService};

/// The names that the configurations of these tests call it by.
const MODELS: [&str; 2] = ["judge-1", "m"];

/// An OpenAI-compatible server that answers by what the prompt asks it to, and hands on what it was sent.
pub(super) async fn scripted() -> (String, mpsc::UnboundedReceiver<Value>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let app = Router::new().fallback(answer).with_state(sender);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let address = listener.local_addr().expect("is bound");
    tokio::spawn(async move { axum::serve(listener, app).await });
    (format!("http://{address}/v1"), receiver)
}

async fn answer(State(seen): State<mpsc::UnboundedSender<Value>>, request: Request<Body>) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.expect("is short");
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let messages = asked["messages"].as_array();
    let prompt = messages.and_then(|m| m.last()).map(|m| m["content"].to_string()).unwrap_or_default();
    seen.send(asked).ok();
    if let Some(status) = said_status(&prompt) {
        return status.into_response();
    }
    match () {
        () if prompt.contains("say-too-long") => {
            let error = json!({ "error": { "code": "context_length_exceeded" } });
            (StatusCode::BAD_REQUEST, Json(error)).into_response()
        }
        () if prompt.contains("say-no-temperature") => {
            let error = json!({ "error": { "code": "unsupported_value", "param": "temperature" } });
            (StatusCode::BAD_REQUEST, Json(error)).into_response()
        }
        // The judges of it find nothing in it.
        () if prompt.contains("say-cut-off") && !prompt.contains("Block") => {
            let reason = prompt.rsplit("say-cut-off: ").next().unwrap_or_default().trim_matches('"');
            let choice = json!({ "message": { "content": "It ends" }, "finish_reason": reason });
            Json(json!({ "choices": [choice] })).into_response()
        }
        () if prompt.contains("say-nothing") => std::future::pending().await,
        () if prompt.contains("say-html") => "<html>".into_response(),
        () if prompt.contains("say-long") => "x".repeat(2 << 20).into_response(),
        () => {
            let script = Script { models: &MODELS, say: |_: &_| said(&prompt) };
            let request = Request::from_parts(head, body);
            maily_contracts::inference::scripted(script, &request).map(Body::from)
        }
    }
}

/// The inference service with these models, of which each says no.
pub(super) fn inference(models: &'static [&'static str]) -> crate::judge::Inference {
    let answer = move |request: Request<Body>| async move {
        let (head, body) = request.into_parts();
        let request = Request::from_parts(head, to_bytes(body, 1 << 20).await?);
        let script = Script { models, say: |_: &Value| "No.".to_owned() };
        let answer = maily_contracts::inference::scripted(script, &request);
        Ok::<_, BoxError>(answer.map(Body::from))
    };
    BoxCloneSyncService::new(tower::service_fn(answer))
}

/// The status of `say-500`.
fn said_status(prompt: &str) -> Option<StatusCode> {
    let (_, behind) = prompt.split_once("say-")?;
    let code: String = behind.chars().take_while(char::is_ascii_digit).collect();
    StatusCode::from_bytes(code.as_bytes()).ok()
}

fn said(prompt: &str) -> String {
    match () {
        () if prompt.contains("say-garbage") => "I would rather not judge".to_owned(),
        () if prompt.contains("say-yes") => "Yes".to_owned(),
        () if prompt.contains("one-half") && prompt.contains("other-half") => "Yes".to_owned(),
        () if prompt.contains("Block") => "No.".to_owned(),
        () => format!("echo: {}", prompt.trim_matches('"')),
    }
}

/// The scripted model as its callers reach it.
struct Fake {
    base: String,
}

impl Inference for Fake {
    async fn call(&self, request: Request<Bytes>) -> http::Response<Bytes> {
        let mut request = request.map(Body::from);
        let path = request.uri().path().trim_start_matches("/v1").to_owned();
        *request.uri_mut() = format!("{}{path}", self.base).parse().expect("is a URI");
        let client = Client::builder(TokioExecutor::new()).build_http();
        let (head, body) = client.request(request).await.expect("answers").into_parts();
        http::Response::from_parts(head, to_bytes(Body::new(body), 1 << 20).await.expect("is short"))
    }
}

async fn start() -> Fake {
    Fake { base: scripted().await.0 }
}

maily_contracts::inference_suite!(start);
