//! The language model: OpenAI's chat completions of the inference service.

use std::error::Error;

use axum::body::Body;
use http::{Method, Request, Response, header};
use http_body_util::LengthLimitError;
use maily_chassis::broke_off;
use serde::{Deserialize, Serialize};
use tower::{BoxError, ServiceExt as _, util::BoxCloneSyncService};

use super::{PeerError, persist};
use crate::copy::{Chat, Options};

const PEER: &str = "inference";
/// A completion on a laptop's two cores, behind others that wait for them.
const COMPLETION: std::time::Duration = std::time::Duration::from_secs(300);
/// An answer is a few kilobytes.
const REPLY: usize = 1 << 20;

/// Anything that answers HTTP requests: a peer's client, or a router in tests.
pub(crate) type HttpService = BoxCloneSyncService<Request<Body>, Response<Body>, BoxError>;

/// The inference service.
#[derive(Clone)]
pub(crate) struct Inference(HttpService);

#[derive(Deserialize)]
struct Models {
    data: Vec<Model>,
}

#[derive(Deserialize)]
struct Model {
    id: String,
}

#[derive(Serialize)]
struct Asked<'a> {
    model: &'a str,
    messages: Vec<Turn<'a>>,
    n: usize,
    max_tokens: usize,
    temperature: f32,
    top_p: f32,
    seed: u64,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop: &'a [String],
}

#[derive(Serialize)]
struct Turn<'a> {
    role: &'a str,
    content: &'a str,
}

#[derive(Deserialize)]
struct Completion {
    choices: Vec<Choice>,
}

#[derive(Deserialize)]
struct Choice {
    index: usize,
    message: Said,
}

#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    content: Option<String>,
}

impl Inference {
    pub(crate) fn new(service: HttpService) -> Self {
        Self(service)
    }

    /// The model that writes: the first that the service names.
    pub(crate) async fn model(&self) -> Result<Writer<'_>, PeerError> {
        let models: Models = self.call(Method::GET, "/v1/models", None).await?;
        let first = models.data.into_iter().next();
        let first = first.ok_or(PeerError::Contract { peer: PEER, what: "it serves no model" })?;
        Ok(Writer { inference: self, model: first.id })
    }

    async fn call<T: serde::de::DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> Result<T, PeerError> {
        let once = || async {
            let sent = self.send(method.clone(), path, body.clone());
            tokio::time::timeout(COMPLETION, sent).await.unwrap_or(Err(PeerError::Away { peer: PEER }))
        };
        let bytes = persist(once).await?;
        serde_json::from_slice(&bytes).map_err(|_| PeerError::Contract { peer: PEER, what: "its JSON" })
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> Result<axum::body::Bytes, PeerError> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, "application/json")
            .body(body.map(Body::from).unwrap_or_default())
            .map_err(|_| PeerError::Contract { peer: PEER, what: "a path" })?;
        let response = self.0.clone().oneshot(request).await.map_err(|error| unanswered(&*error))?;
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), REPLY).await;
        match status.is_success() {
            true => body.map_err(|error| unanswered(&error)),
            // A status is an answer, also where its sentence is lost.
            false => Err(PeerError::http(PEER, status.as_u16(), &body.unwrap_or_default())),
        }
    }
}

/// Why there is no answer, or no whole one.
fn unanswered(error: &(dyn Error + 'static)) -> PeerError {
    let too_long = error.source().is_some_and(|source| source.is::<LengthLimitError>());
    match (too_long, broke_off(error)) {
        (true, _) => PeerError::Contract { peer: PEER, what: "an answer of this length" },
        (false, true) => PeerError::Broke { peer: PEER },
        (false, false) => PeerError::Away { peer: PEER },
    }
}

/// One model of the service.
pub(crate) struct Writer<'a> {
    inference: &'a Inference,
    /// Its name, for the report.
    pub(crate) model: String,
}

impl Writer<'_> {
    /// Has it draw `options.n` candidates; they come in a fixed order.
    pub(crate) async fn complete(&self, chat: &Chat, options: &Options) -> Result<Vec<String>, PeerError> {
        let asked = Asked {
            model: &self.model,
            messages: chat.messages().iter().map(|m| Turn { role: &m.role, content: &m.content }).collect(),
            n: options.n,
            max_tokens: options.max_tokens,
            temperature: options.temperature,
            top_p: options.top_p,
            // OpenAI's seed is a signed integer.
            seed: options.seed >> 1,
            stop: &options.stop,
        };
        let unsaid = |_| PeerError::Contract { peer: PEER, what: "a request that has a JSON form" };
        let body = serde_json::to_vec(&asked).map_err(unsaid)?;
        let reply: Completion = self.inference.call(Method::POST, "/v1/chat/completions", Some(body)).await?;
        let mut choices = reply.choices;
        if choices.len() != options.n {
            return Err(PeerError::Contract { peer: PEER, what: "the number of choices" });
        }
        choices.sort_by_key(|choice| choice.index);
        Ok(choices.into_iter().map(|choice| choice.message.content.unwrap_or_default()).collect())
    }
}
