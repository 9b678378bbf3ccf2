//! The inference service's part of OpenAI's API: `GET /v1/models` and `POST /v1/chat/completions`, not streamed.

pub mod checks;
mod scripted;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header::CONTENT_TYPE};
use serde_json::{Value, json};

pub use scripted::{Script, scripted};

/// What keeps the contract.
pub trait Inference: Sync {
    /// Its answer to a request whose URI is a path.
    fn call(&self, request: Request<Bytes>) -> impl Future<Output = Response<Bytes>> + Send;
}

const CHAT: &str = "/v1/chat/completions";

/// A chat as the orchestrator asks for one, of this model.
#[must_use]
pub fn request(model: &Value) -> Value {
    json!({
        "model": model,
        "messages": [
            { "role": "system", "content": "You write short e-mails." },
            { "role": "user", "content": "Write one sentence about spring in the garden." },
        ],
        "n": 1, "max_tokens": 12, "temperature": 0.8, "top_p": 0.95, "seed": 7,
    })
}

/// The calls that most checks make.
trait Calls: Inference {
    async fn send(&self, method: Method, path: &str, kind: &str, body: Bytes) -> (StatusCode, Value) {
        let request = Request::builder().method(method).uri(path).header(CONTENT_TYPE, kind);
        let response = self.call(request.body(body).unwrap()).await;
        let (status, body) = (response.status(), response.into_body());
        let body =
            serde_json::from_slice(&body).unwrap_or_else(|_| panic!("{status} without JSON: {body:?}"));
        (status, body)
    }

    async fn models(&self) -> Value {
        let (status, body) = self.send(Method::GET, "/v1/models", "application/json", Bytes::new()).await;
        assert_eq!(status, StatusCode::OK);
        body
    }

    /// A request as the orchestrator makes it, for the first model there is, with these keys over it.
    async fn request(&self, more: Value) -> Value {
        let mut request = request(&self.models().await["data"][0]["id"]);
        for (key, value) in more.as_object().unwrap() {
            request[key] = value.clone();
        }
        request
    }

    async fn post(&self, request: &Value) -> (StatusCode, Value) {
        self.send(Method::POST, CHAT, "application/json", request.to_string().into()).await
    }

    async fn chat(&self, more: Value) -> Value {
        let request = self.request(more).await;
        let (status, body) = self.post(&request).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        body
    }
}

impl<I: Inference> Calls for I {}

/// What each choice says, in the order of its index.
fn contents(answer: &Value) -> Vec<String> {
    let mut choices = answer["choices"].as_array().unwrap().clone();
    choices.sort_by_key(|choice| choice["index"].as_u64().unwrap());
    choices.iter().map(|choice| choice["message"]["content"].as_str().unwrap().to_owned()).collect()
}
