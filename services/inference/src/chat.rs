//! `POST /v1/chat/completions`: from bytes to a queued job, and from its replies to an answer.

use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode, header::CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use maily_chassis::Caller;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::openai::{Answer, ChatRequest, Choice, Refusal, Stamp, Usage};
use crate::prompt::{Prepared, prepare};
use crate::queue::{Job, Rejected, Reply};
use crate::server::{Loaded, Server};
use crate::stream;

/// What the answer needs to know of the request.
pub(crate) struct Asked {
    /// What every part of the answer repeats.
    pub stamp: Stamp,
    /// How many answers.
    pub n: usize,
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// A stream ends with a chunk of usage.
    pub include_usage: bool,
    /// Reasoning is given beside the content.
    pub include_reasoning: bool,
}

/// The replies to a job, until its deadline.
pub(crate) struct Replies {
    receiver: UnboundedReceiver<Reply>,
    deadline: Instant,
}

impl Replies {
    /// The next reply. Dropping `self` tells the model's thread to give up.
    pub(crate) async fn next(&mut self) -> Reply {
        match tokio::time::timeout_at(self.deadline.into(), self.receiver.recv()).await {
            Ok(Some(reply)) => reply,
            Ok(None) => Reply::Failed(Refusal::internal()), // the model's thread is gone
            Err(_) => Reply::Failed(Refusal::deadline()),
        }
    }
}

pub(crate) async fn completions(
    State(server): State<Arc<Server>>,
    caller: Caller,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Refusal> {
    let arrived = Instant::now();
    let request = ChatRequest::parse(&json_body(&headers, body, server.config.largest_body())?)?;
    let loaded = server.loaded()?;
    loaded.serves(&request.model)?;
    let (streamed, mut asked) = (request.stream, Asked::new(loaded, &request));
    let deadline = arrived + server.config.deadline();
    let prepared = {
        let own = Arc::clone(&server);
        let work = move || prepare(own.loaded()?, &own.config, request, deadline);
        server.desk.work(caller.clone(), deadline, work).await?
    };
    asked.prompt_tokens = prepared.request.prompt.len();
    let mut replies = enqueue(loaded, prepared, caller, arrived, deadline)?;
    // A stream, too, begins only with something to say, so that a refusal has its HTTP status.
    let first = match replies.next().await {
        Reply::Failed(refusal) => return Err(refusal),
        reply => reply,
    };
    if streamed {
        return Ok(stream::respond(asked, first, replies));
    }
    let body = collect(asked, first, replies).await?;
    Ok(Json(body).into_response())
}

impl Asked {
    fn new(loaded: &Loaded, request: &ChatRequest) -> Self {
        let created = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        Self {
            stamp: Stamp {
                id: format!("chatcmpl-{}", uuid::Uuid::new_v4().simple()),
                created,
                model: loaded.model.id.clone(),
                fingerprint: loaded.fingerprint.clone(),
            },
            n: request.n,
            prompt_tokens: 0,
            include_usage: request.include_usage,
            include_reasoning: request.include_reasoning,
        }
    }
}

fn json_body(
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
    largest: usize,
) -> Result<Bytes, Refusal> {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(Refusal::media_type());
    }
    body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Refusal::too_large(largest),
        _ => Refusal::request("The request body could not be read."),
    })
}

fn enqueue(
    loaded: &Loaded,
    prepared: Prepared,
    caller: Caller,
    arrived: Instant,
    deadline: Instant,
) -> Result<Replies, Refusal> {
    let (reply, receiver) = unbounded_channel();
    let Prepared { request } = prepared;
    match loaded.queue.push(Job { request, caller, arrived, deadline, reply }) {
        Ok(()) => Ok(Replies { receiver, deadline }),
        Err(Rejected::Full) => Err(Refusal::queue_full()),
        Err(Rejected::Closed) => Err(Refusal::stopping()),
    }
}

async fn collect(asked: Asked, first: Reply, mut replies: Replies) -> Result<serde_json::Value, Refusal> {
    let mut choices = vec![Choice::default(); asked.n];
    let mut reply = first;
    let completion_tokens = loop {
        match reply {
            Reply::Failed(refusal) => return Err(refusal),
            Reply::Done { completion_tokens } => break completion_tokens,
            Reply::Text { index, pieces } => {
                if let Some(choice) = choices.get_mut(index) {
                    choice.content.push_str(&pieces.content);
                    choice.reasoning.push_str(&pieces.reasoning);
                }
            }
            Reply::Finished { index, finish } => {
                if let Some(choice) = choices.get_mut(index) {
                    choice.finish = Some(finish);
                }
            }
        }
        reply = replies.next().await;
    };
    let usage = Usage::new(asked.prompt_tokens, completion_tokens);
    Ok(Answer { stamp: asked.stamp, choices, usage }.body(asked.include_reasoning))
}
