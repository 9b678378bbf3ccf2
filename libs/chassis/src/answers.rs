//! Answers under way: each has to be read, and a connection whose answers all wait for their reader gives way.
//!
//! The body of an answer is asked for its next bytes when the client has room for them: at once, or when it has read. The time
//! in between is the client's, and counted; that in which a handler has nothing to send is not.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    task::{Context, Poll},
    time::Duration,
};

use axum::body::{Body, Bytes};
use http_body::{Body as _, Frame, SizeHint};
use tokio::{task::AbortHandle, time::Instant};

use crate::{
    body::LEAST,
    under_way::{AT_WORK, Open},
};

/// How long a client is waited for until it has read [`LEAST`] bytes more, or the end: whoever reads may be busy for a while
/// with what came before.
const PATIENCE: Duration = Duration::from_secs(60);

/// The body of an answer, in pieces of [`LEAST`] bytes at most, until its client has not read for too long.
pub(crate) struct Answer {
    state: Arc<Mutex<State>>,
    watch: AbortHandle,
}

impl Answer {
    /// Has to be made where tasks can be spawned.
    pub(crate) fn new(body: Body, open: Open) -> Self {
        let rest = Some(Rest { body, piece: Bytes::new(), open });
        let state = Arc::new(Mutex::new(State { rest, reader: Reader::new() }));
        let watch = tokio::spawn(keep_looking(Arc::downgrade(&state))).abort_handle();
        Self { state, watch }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.watch.abort();
        let rest = self.state().rest.take();
        drop(rest);
    }
}

struct State {
    /// `None` when the client is not waited for any more.
    rest: Option<Rest>,
    reader: Reader,
}

struct Rest {
    body: Body,
    /// What the body has given and the connection has not taken.
    piece: Bytes,
    open: Open,
}

/// The client has not read its answer.
#[derive(Debug, thiserror::Error)]
#[error("the answer was not read")]
struct Unread;

impl Rest {
    fn next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.piece.is_empty() {
            match Pin::new(&mut self.body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) if data.len() > LEAST => self.piece = data,
                    Ok(data) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                other => return other,
            }
        }
        let cut = self.piece.split_to(self.piece.len().min(LEAST));
        // Copied: a slice that nobody reads would keep all that it was cut from.
        Poll::Ready(Some(Ok(Frame::data(Bytes::copy_from_slice(&cut)))))
    }
}

impl State {
    /// Looks at a client that may be waited for, and gives up what it has not read for too long.
    fn look(&mut self, now: Instant) -> Option<Rest> {
        let waited = self.reader.waited(now)?;
        if self.reader.left <= waited {
            return self.rest.take();
        }
        if let Some(rest) = self.rest.as_ref().filter(|_| waited >= AT_WORK) {
            rest.open.is_unread(true);
        }
        None
    }
}

/// Looks at an answer again and again, for nobody else does while its client reads nothing.
async fn keep_looking(answer: Weak<Mutex<State>>) {
    loop {
        tokio::time::sleep(AT_WORK).await;
        let Some(state) = answer.upgrade() else { return };
        let given_up = state.lock().unwrap_or_else(PoisonError::into_inner).look(Instant::now());
        if given_up.is_some() {
            tracing::debug!("an answer was given up: its client does not read it");
            return;
        }
    }
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let mut state = self.state();
        let State { rest, reader } = &mut *state;
        let Some(rest) = rest else {
            // An end here would make a torn body look whole.
            return Poll::Ready(Some(Err(axum::Error::new(Unread))));
        };
        reader.has_room(Instant::now());
        rest.open.is_unread(false);
        let polled = rest.next(cx);
        if let Poll::Ready(Some(Ok(frame))) = &polled {
            reader.gets(frame.data_ref().map_or(0, Bytes::len), Instant::now());
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        let state = self.state();
        state.rest.as_ref().is_some_and(|rest| rest.piece.is_empty() && rest.body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        let state = self.state();
        let Some(rest) = &state.rest else { return SizeHint::default() };
        let (inner, piece) = (rest.body.size_hint(), u64::try_from(rest.piece.len()).unwrap_or(u64::MAX));
        let mut hint = SizeHint::new();
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper.saturating_add(piece));
        }
        hint.set_lower(inner.lower().saturating_add(piece));
        hint
    }
}

/// How long a client was waited for since it read [`LEAST`] bytes.
struct Reader {
    left: Duration,
    bytes: usize,
    /// Since when it has something to read; `None` while a handler has nothing for it.
    waits: Option<Instant>,
}

impl Reader {
    /// The head of an answer is there, and nobody has asked for more.
    fn new() -> Self {
        Self { left: PATIENCE, bytes: 0, waits: Some(Instant::now()) }
    }

    /// What it got before is on its way.
    fn has_room(&mut self, now: Instant) {
        if let Some(since) = self.waits.take() {
            self.left = self.left.saturating_sub(now.saturating_duration_since(since));
        }
        if self.bytes >= LEAST {
            (self.bytes, self.left) = (0, PATIENCE);
        }
    }

    fn gets(&mut self, bytes: usize, now: Instant) {
        self.bytes = self.bytes.saturating_add(bytes);
        self.waits = Some(now);
    }

    fn waited(&self, now: Instant) -> Option<Duration> {
        self.waits.map(|since| now.saturating_duration_since(since))
    }
}

#[cfg(test)]
mod tests;
