//! What the tests call the service with: its own router, or that router behind a socket.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Request, StatusCode, header::CONTENT_TYPE};
use http_body_util::BodyExt as _;
use maily_inference::{Config, Server, Worker};
use maily_model::{Engine, LoadOptions};
use serde_json::{Value, json};
use tower::ServiceExt as _;

/// What the tests call the model, whatever its file is called.
pub(crate) const MODEL: &str = "smollm2-135m-instruct";

/// The path of the real model.
pub(crate) fn checkpoint() -> PathBuf {
    let home = || PathBuf::from(std::env::var_os("HOME").expect("HOME is set"));
    let default = || home().join(".cache/maily/models/SmolLM2-135M-Instruct.gguf");
    let path = std::env::var_os("MAILY_MODEL").map_or_else(default, PathBuf::from);
    assert!(path.exists(), "no model at {}: run `cargo xtask model`, or set MAILY_MODEL", path.display());
    path
}

/// The real model, loaded once for all tests.
pub(crate) fn engine() -> Arc<Engine> {
    static ENGINE: OnceLock<Arc<Engine>> = OnceLock::new();
    let load = || Arc::new(Engine::load(&checkpoint(), &LoadOptions::default()).expect("the model loads"));
    Arc::clone(ENGINE.get_or_init(load))
}

/// A running service. Its thread ends with the process.
pub(crate) struct Client {
    pub router: Router,
}

/// An answer that is not a stream.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: StatusCode,
    pub retry_after: Option<String>,
    pub body: Value,
}

impl Client {
    pub(crate) fn new() -> Self {
        Self::with(Config::default())
    }

    pub(crate) fn with(mut config: Config) -> Self {
        config.name.get_or_insert_with(|| MODEL.to_owned());
        let server = Server::with_engine(config, engine());
        let router = server.router();
        Worker::spawn(server, |loaded| loaded.expect("it was loaded before")).unwrap();
        Self { router }
    }

    /// Sends a chat request; the response may still be under way.
    pub(crate) async fn post(&self, request: &Value) -> axum::response::Response {
        let body = Body::from(request.to_string());
        let request = Request::post("/v1/chat/completions")
            .header(CONTENT_TYPE, "application/json")
            .body(body)
            .unwrap();
        self.send(request).await
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> axum::response::Response {
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub(crate) async fn chat(&self, request: &Value) -> Answer {
        answer(self.post(request).await).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        answer(self.send(Request::get(path).body(Body::empty()).unwrap()).await).await
    }

    /// Sends a chat request and reads the data of its events.
    pub(crate) async fn stream(&self, request: &Value) -> Vec<Value> {
        let response = self.post(request).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()[CONTENT_TYPE], "text/event-stream");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        events(&body)
    }
}

pub(crate) async fn answer(response: axum::response::Response) -> Answer {
    let retry_after = response.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
    let status = response.status();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    let body = serde_json::from_slice(&bytes).expect("the body is JSON");
    Answer { status, retry_after, body }
}

/// The data of the events of a stream that ended as it should.
fn events(body: &Bytes) -> Vec<Value> {
    let text = std::str::from_utf8(body).unwrap();
    let mut data: Vec<&str> = text
        .split("\n\n")
        .filter(|event| !event.is_empty() && !event.starts_with(':'))
        .map(|event| event.strip_prefix("data: ").expect("only data and comments"))
        .collect();
    assert_eq!(data.pop(), Some("[DONE]"));
    data.into_iter().map(|data| serde_json::from_str(data).unwrap()).collect()
}

/// A request with one message of the user, and these keys.
pub(crate) fn ask(text: &str, more: Value) -> Value {
    let mut request = json!({
        "model": MODEL, "messages": [{ "role": "user", "content": text }], "seed": 7, "max_tokens": 24,
    });
    for (key, value) in more.as_object().unwrap() {
        request[key] = value.clone();
    }
    request
}

/// The text of one choice of an answer.
pub(crate) fn content(answer: &Answer, index: usize) -> &str {
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    answer.body["choices"][index]["message"]["content"].as_str().unwrap()
}
