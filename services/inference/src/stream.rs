//! An answer as server-sent events, chunk by chunk as OpenAI sends them.

use std::convert::Infallible;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt, stream};
use serde_json::{Value, json};

use crate::chat::{Asked, Replies};
use crate::openai::Usage;
use crate::queue::Reply;

/// Streams the answer that begins with `first`. Comments keep the connection open while a model thinks.
pub(crate) fn respond(asked: Asked, first: Reply, replies: Replies) -> Response {
    let events = chunks(asked, first, replies).map(|data| Ok::<_, Infallible>(Event::default().data(data)));
    Sse::new(events).keep_alive(KeepAlive::default()).into_response()
}

struct Streaming {
    asked: Asked,
    replies: Replies,
    /// What to tell next; `None` at the end.
    next: Next,
}

enum Next {
    Roles(Reply),
    Said(Reply),
    Wait,
    End,
}

/// The data of the events, in order, `[DONE]` included.
fn chunks(asked: Asked, first: Reply, replies: Replies) -> impl Stream<Item = String> {
    let start = Streaming { asked, replies, next: Next::Roles(first) };
    stream::unfold(start, |mut state| async move {
        let data = state.advance().await?;
        Some((stream::iter(data), state))
    })
    .flatten()
}

impl Streaming {
    async fn advance(&mut self) -> Option<Vec<String>> {
        let reply = match std::mem::replace(&mut self.next, Next::Wait) {
            Next::End => return None,
            Next::Roles(first) => {
                self.next = Next::Said(first);
                return Some(self.roles());
            }
            Next::Said(reply) => reply,
            Next::Wait => self.replies.next().await,
        };
        if matches!(reply, Reply::Done { .. } | Reply::Failed(_)) {
            self.next = Next::End;
        }
        Some(self.data(reply))
    }

    fn roles(&self) -> Vec<String> {
        let delta = json!({ "role": "assistant", "content": "", "refusal": null });
        (0..self.asked.n).map(|index| self.chunk(index, delta.clone(), None)).collect()
    }

    fn data(&self, reply: Reply) -> Vec<String> {
        match reply {
            Reply::Text { index, pieces } => {
                let mut chunks = Vec::new();
                if self.asked.include_reasoning && !pieces.reasoning.is_empty() {
                    chunks.push(self.chunk(index, json!({ "reasoning_content": pieces.reasoning }), None));
                }
                if !pieces.content.is_empty() {
                    chunks.push(self.chunk(index, json!({ "content": pieces.content }), None));
                }
                chunks
            }
            Reply::Finished { index, finish } => vec![self.chunk(index, json!({}), Some(finish))],
            Reply::Done { completion_tokens } => self.ending(completion_tokens),
            // The status was sent long ago: OpenAI's clients look for `error` in the data.
            Reply::Failed(refusal) => vec![refusal.body().to_string()],
        }
    }

    fn ending(&self, completion_tokens: usize) -> Vec<String> {
        let usage = Usage::new(self.asked.prompt_tokens, completion_tokens);
        let usage = self.asked.include_usage.then(|| self.asked.stamp.usage_chunk(usage).to_string());
        usage.into_iter().chain(["[DONE]".to_owned()]).collect()
    }

    fn chunk(&self, index: usize, delta: Value, finish: Option<&str>) -> String {
        self.asked.stamp.chunk(index, delta, finish, self.asked.include_usage).to_string()
    }
}
