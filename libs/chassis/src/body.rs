//! Bodies under way: all of them together bounded in bytes, and each has to keep coming.
//!
//! A limit for each body bounds nothing where many are sent at once and none is finished. So what has come of a body is
//! counted, in KiB, until its request is answered, and a body that finds no room, of all or of its client's share, is
//! refused; and whoever sends too little for too long is refused, so that what they hold is free again. Before that, whoever is slow
//! gives way to others ([`Sending`]). What an answer keeps in memory while it is sent takes of the same room, where its service says how
//! much that is.

use std::{
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    extract::{Request, State},
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse, Response},
};
use http_body::{Body as _, Frame, SizeHint};
use tokio::time::{Instant, Sleep};

use crate::{
    closed::is_grpc,
    problem::Problem,
    shares::{Payer, Shares},
    under_way::{AT_WORK, Sending},
};

const KIB: usize = 1 << 10;
/// Bytes that have to come while a client is waited for as long as its listener's patience.
pub(crate) const LEAST: usize = 16 << 10;
/// Patience with people's clients: 1.6 KiB a second is less than any line that a body is sent over.
pub(crate) const AT_THE_EDGE: Duration = Duration::from_secs(10);
/// Patience with other services. They pass on what people's clients send, whose own listener notices first and says it.
pub(crate) const INSIDE: Duration = Duration::from_secs(30);
/// When it may be tried again where there is no room.
const AGAIN_SECONDS: u64 = 5;

/// What a piece of a body takes at least: a [`Bytes`] has 32 bytes, in a queue that doubles as it grows.
const PIECE: usize = 64;

/// How many bytes of a request's body are in memory at most, where its service passes them on as they come; `None` where
/// they are gathered.
pub type Streams = fn(&Request) -> Option<usize>;

/// The bodies of all listeners of a process.
#[derive(Clone)]
pub(crate) struct Budget(Arc<Shares>);

impl Budget {
    pub(crate) fn new(bytes: usize) -> Self {
        Self(Arc::new(Shares::new(bytes / KIB)))
    }
}

/// What bounds the bodies of one listener.
#[derive(Clone)]
pub(crate) struct Bodies {
    pub(crate) budget: Budget,
    pub(crate) streams: Option<Streams>,
    /// How long a client may take for [`LEAST`].
    pub(crate) patience: Duration,
}

/// Whose share a request's body and its answer take; an extension of every request, for services that check the caller themselves,
/// and for those whose answers are long.
#[derive(Clone)]
pub struct BodyShare(Weak<Account>);

impl BodyShare {
    /// From here on the body counts for the key with this name, which the request has proven. Where that key has its share
    /// already, the body is refused.
    pub fn is_of_key(&self, name: &str) {
        if let Some(account) = self.0.upgrade() {
            account.is_of(Payer::key(name));
        }
    }

    /// Counts so many bytes for the answer, until that has been sent or given up; false where there is no room for them, of all
    /// or of the caller's share, and the answer must not be begun.
    #[must_use]
    pub fn holds(&self, bytes: usize) -> bool {
        // Without an account nobody waits for the answer any more.
        self.0.upgrade().is_some_and(|account| account.hold(bytes))
    }

    /// With what status the listener answers a request whose body it has refused, whatever the service says of the torn body:
    /// 503 where there is no room, 408 where it came too slowly; or as an API with words of its own puts these.
    #[must_use]
    pub fn refused(&self) -> Option<StatusCode> {
        let refused = self.0.upgrade()?.counted().refused;
        refused.map(Refusal::status)
    }
}

impl fmt::Debug for BodyShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BodyShare(..)")
    }
}

/// Lets a request through with its body counted and hurried.
pub(crate) async fn bounded(State(bodies): State<Bodies>, mut request: Request, next: Next) -> Response {
    let grpc = is_grpc(request.headers());
    let most = bodies.streams.and_then(|streams| streams(&request)).unwrap_or(usize::MAX);
    let payer = Payer::of(request.extensions());
    let counted = Mutex::new(Counted { payer, bytes: 0, held: 0, answer: 0, refused: None });
    let account = Arc::new(Account { room: Arc::clone(&bodies.budget.0), most, counted });
    request.extensions_mut().insert(BodyShare(Arc::downgrade(&account)));
    let sending = request.extensions_mut().remove::<Sending>();
    let received = |body: Body| match body.is_end_stream() {
        true => body,
        false => {
            let pace = Pace::new(bodies.patience);
            Body::new(Received { body, pace, account: Arc::clone(&account), sending })
        }
    };
    let response = next.run(request.map(received)).await;
    // Whatever a handler made of a body that failed: this is why it did.
    let refused = account.counted().refused;
    match refused {
        Some(refusal) => refusal.answer(grpc),
        None => response.map(|body| Body::new(Holding::new(body, account))),
    }
}

/// Why a body is not read any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("there is no room for the request body now")]
    Full,
    #[error("this client has its share of the request bodies under way")]
    Share,
    #[error("the request body came too slowly")]
    Slow,
}

impl Refusal {
    fn status(self) -> StatusCode {
        match self {
            Self::Full | Self::Share => StatusCode::SERVICE_UNAVAILABLE,
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
        }
    }

    fn answer(self, grpc: bool) -> Response {
        match (self, grpc) {
            (Self::Full | Self::Share, true) => tonic::Status::unavailable(self.to_string()).into_http(),
            (Self::Slow, true) => tonic::Status::deadline_exceeded(self.to_string()).into_http(),
            (Self::Full | Self::Share, false) => {
                Problem::new(self.status(), self.to_string()).retry_after(AGAIN_SECONDS).into_response()
            }
            (Self::Slow, false) => Problem::new(self.status(), self.to_string()).into_response(),
        }
    }
}

/// What one request's body takes of the budget.
struct Account {
    room: Arc<Shares>,
    most: usize,
    counted: Mutex<Counted>,
}

struct Counted {
    payer: Payer,
    bytes: usize,
    /// In KiB.
    held: usize,
    /// In KiB, what the answer holds.
    answer: usize,
    refused: Option<Refusal>,
}

impl Account {
    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn charge(&self, bytes: usize) -> Result<(), Refusal> {
        let mut counted = self.counted();
        counted.bytes = counted.bytes.saturating_add(bytes).min(self.most);
        let more = counted.bytes.div_ceil(KIB).saturating_sub(counted.held);
        if more == 0 {
            return Ok(());
        }
        if let Err(refusal) = self.room.take(&counted.payer, more) {
            counted.refused = Some(refusal);
            return Err(refusal);
        }
        counted.held += more;
        Ok(())
    }

    fn hold(&self, bytes: usize) -> bool {
        let mut counted = self.counted();
        let kib = bytes.div_ceil(KIB);
        let room = self.room.take(&counted.payer, kib).is_ok();
        if room {
            counted.answer += kib;
        }
        room
    }

    fn is_of(&self, payer: Payer) {
        let mut counted = self.counted();
        if counted.payer == payer {
            return;
        }
        if let Err(refusal) = self.room.hand_over(&counted.payer, &payer, counted.held + counted.answer) {
            (counted.held, counted.answer) = (0, 0);
            counted.refused.get_or_insert(refusal);
        }
        counted.payer = payer;
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        let counted = self.counted.get_mut().unwrap_or_else(PoisonError::into_inner);
        self.room.give_back(&counted.payer, counted.held + counted.answer);
    }
}

/// A request's body while it arrives.
struct Received {
    body: Body,
    pace: Pace,
    account: Arc<Account>,
    /// `None` where there is no connection, as in a test.
    sending: Option<Sending>,
}

impl Received {
    fn refused(&self) -> Option<Refusal> {
        self.account.counted().refused
    }

    fn is_unsent(&self, unsent: bool) {
        if let Some(sending) = &self.sending {
            sending.is_unsent(unsent);
        }
    }
}

impl Drop for Received {
    fn drop(&mut self) {
        // From here on nobody waits for its sender, whether all has come or not.
        self.is_unsent(false);
    }
}

impl http_body::Body for Received {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        // Again and again: an end here would make a torn body look whole.
        if let Some(refusal) = self.refused() {
            return Poll::Ready(Some(Err(axum::Error::new(refusal))));
        }
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        let frame = match polled {
            Poll::Ready(Some(Ok(frame))) => frame,
            Poll::Ready(over) => {
                self.is_unsent(false);
                return Poll::Ready(over);
            }
            Poll::Pending => match self.pace.wait(cx) {
                Wait::Short => return Poll::Pending,
                Wait::Long => {
                    self.is_unsent(true);
                    return Poll::Pending;
                }
                Wait::TooLong => {
                    self.account.counted().refused = Some(Refusal::Slow);
                    return Poll::Ready(Some(Err(axum::Error::new(Refusal::Slow))));
                }
            },
        };
        let bytes = frame.data_ref().map_or(0, Bytes::len);
        let slow = self.pace.came(bytes);
        if self.body.is_end_stream() {
            self.is_unsent(false);
        } else if let Some(slow) = slow {
            self.is_unsent(slow);
        }
        // What gathers a body keeps its pieces one by one, and each takes this much however short it is.
        let charged = self.account.charge(bytes.max(PIECE)).map(|()| frame);
        Poll::Ready(Some(charged.map_err(axum::Error::new)))
    }

    fn is_end_stream(&self) -> bool {
        self.refused().is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// How long a client was waited for since its last [`LEAST`] bytes. Time in which nobody reads is not the client's.
struct Pace {
    patience: Duration,
    left: Duration,
    bytes: usize,
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
}

/// How long a client is waited for, all in all, for the same [`LEAST`] bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    Short,
    /// For [`AT_WORK`] and more: what it has begun is no work.
    Long,
    TooLong,
}

impl Pace {
    fn new(patience: Duration) -> Self {
        Self { patience, left: patience, bytes: 0, waiting: None }
    }

    /// While nothing is there: how long that has been, and a waking when the answer will be another.
    fn wait(&mut self, cx: &mut Context<'_>) -> Wait {
        let begin = || {
            let now = Instant::now();
            (now, Box::pin(tokio::time::sleep_until(now)))
        };
        let waited = self.patience.saturating_sub(self.left);
        let (since, alarm) = self.waiting.get_or_insert_with(begin);
        let lost = *since + self.left;
        let slow = *since + AT_WORK.saturating_sub(waited);
        loop {
            let (wait, next) = match Instant::now() {
                now if now >= lost => return Wait::TooLong,
                now if now >= slow => (Wait::Long, lost),
                _ => (Wait::Short, slow.min(lost)),
            };
            if alarm.deadline() != next {
                alarm.as_mut().reset(next);
            }
            // Otherwise it is time for the next answer.
            if alarm.as_mut().poll(cx).is_pending() {
                return wait;
            }
        }
    }

    /// Something came: whether its [`LEAST`] bytes took long, once it has so many.
    fn came(&mut self, bytes: usize) -> Option<bool> {
        if let Some((since, _)) = self.waiting.take() {
            self.left = self.left.saturating_sub(since.elapsed());
        }
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes < LEAST {
            return None;
        }
        let waited = self.patience.saturating_sub(self.left);
        (self.bytes, self.left) = (0, self.patience);
        Some(waited >= AT_WORK)
    }
}

/// An answer that keeps something until its last byte.
pub(crate) struct Holding<T> {
    body: Body,
    _kept: T,
}

impl<T> Holding<T> {
    pub(crate) fn new(body: Body, kept: T) -> Self {
        Self { body, _kept: kept }
    }
}

impl<T: Unpin> http_body::Body for Holding<T> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests;
