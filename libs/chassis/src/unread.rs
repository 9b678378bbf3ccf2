//! The rest of a body that nobody reads, thrown away before the answer: whoever still sends when a connection is closed, or an
//! HTTP/2 stream is reset, may lose what was answered.
//!
//! RFC 9112, 9.6 has a server go on reading for this; RFC 9113, 8.1 forbids clients to forget an answer for a reset without an
//! error, and curl before 8 does. What comes is not kept. Whoever sends more than is thrown away is told that the connection
//! closes, so that no other request is sent on it.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::body::{Body, Bytes};
use futures::StreamExt as _;
use http::{
    HeaderValue, Request, Response, Version,
    header::{CONNECTION, EXPECT},
};
use http_body::{Body as _, Frame, SizeHint};
use tokio::time::timeout;

use crate::{closed::is_grpc, under_way::AT_WORK};

/// Bytes that are thrown away at most.
const MOST: usize = 4 << 20;
/// How long they may take: up to where a connection counts as one that does nothing.
const LONGEST: Duration = AT_WORK;

/// Where the rest of a request's body comes when its handler lets go of it.
pub(crate) struct Unread {
    rest: Arc<Mutex<Option<Rest>>>,
    /// Nothing is sent before the body is asked for.
    expects: bool,
    version: Version,
}

struct Rest {
    body: Body,
    begun: bool,
}

/// Lends a request's body to its handler. One of gRPC is given: services keep to RFC 9113, and what they send is as long as a list of
/// people.
pub(crate) fn lend(request: Request<Body>) -> (Request<Body>, Unread) {
    let rest = Arc::default();
    let unread = Unread {
        rest: Arc::clone(&rest),
        expects: request.headers().contains_key(EXPECT),
        version: request.version(),
    };
    let grpc = is_grpc(request.headers());
    let lent = |body: Body| match grpc || body.is_end_stream() {
        true => body,
        false => Body::new(Lent { body, begun: false, rest }),
    };
    (request.map(lent), unread)
}

impl Unread {
    /// Throws away what was not read for this answer, which says so where that is not all.
    pub(crate) async fn settle<B>(self, answer: &mut Response<B>) {
        let rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(rest) = rest else { return };
        let over = match self.expects && !rest.begun {
            true => false,
            false => timeout(LONGEST, ends(rest.body)).await.unwrap_or(false),
        };
        if !over && self.version <= Version::HTTP_11 {
            answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
    }
}

/// Whether a body ends before it is too long.
async fn ends(body: Body) -> bool {
    let mut pieces = body.into_data_stream();
    let mut bytes = 0_usize;
    while let Some(Ok(piece)) = pieces.next().await {
        bytes = bytes.saturating_add(piece.len());
        if bytes > MOST {
            return false;
        }
    }
    true
}

struct Lent {
    body: Body,
    begun: bool,
    rest: Arc<Mutex<Option<Rest>>>,
}

impl Drop for Lent {
    fn drop(&mut self) {
        if !self.body.is_end_stream() {
            let body = std::mem::take(&mut self.body);
            let rest = Rest { body, begun: self.begun };
            *self.rest.lock().unwrap_or_else(PoisonError::into_inner) = Some(rest);
        }
    }
}

impl http_body::Body for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.begun = true;
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
mod tests {
    use std::{
        convert::Infallible,
        sync::atomic::{AtomicUsize, Ordering},
    };

    use axum::{Router, routing::put};
    use http::StatusCode;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpStream,
    };
    use tower::ServiceExt as _;

    use super::*;
    use crate::{config::Limits, serve::Security, serve_tests::serve_within};

    const PIECE: usize = 64 << 10;

    fn router() -> Router {
        let first = async |body: Body| {
            let _ = body.into_data_stream().next().await;
            StatusCode::FORBIDDEN
        };
        Router::new()
            .route("/refuse", put(async || StatusCode::FORBIDDEN))
            .route("/first", put(first))
            .route("/gather", put(async |body: Bytes| body.len().to_string()))
    }

    /// What is answered to a body of so many pieces, one every `pause`; what of it was read.
    async fn sent(
        request: http::request::Builder,
        pieces: usize,
        pause: Duration,
    ) -> (StatusCode, Option<HeaderValue>, usize) {
        let read = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&read);
        let pieces = futures::stream::iter(0..pieces).then(move |_| {
            let counted = Arc::clone(&counted);
            async move {
                tokio::time::sleep(pause).await;
                counted.fetch_add(1, Ordering::Relaxed);
                Ok::<_, Infallible>(vec![0_u8; PIECE])
            }
        });
        let (request, unread) = lend(request.body(Body::from_stream(pieces)).unwrap());
        let mut answer = router().oneshot(request).await.unwrap();
        unread.settle(&mut answer).await;
        (answer.status(), answer.headers().get(CONNECTION).cloned(), read.load(Ordering::Relaxed))
    }

    #[tokio::test(start_paused = true)]
    async fn the_rest_is_thrown_away_before_the_answer() {
        let (none, slow) = (Duration::ZERO, Duration::from_millis(300));
        let close = || Some(HeaderValue::from_static("close"));
        let no = StatusCode::FORBIDDEN;
        let to = |path: &str| Request::put(path);
        assert_eq!(sent(to("/refuse"), 64, none).await, (no, None, 64));
        assert_eq!(sent(to("/first"), 64, none).await, (no, None, 64));
        assert_eq!(sent(to("/gather"), 8, none).await, (StatusCode::OK, None, 8));
        assert_eq!(sent(to("/refuse"), 1_000, none).await, (no, close(), 65), "too long");
        assert_eq!(sent(to("/refuse"), 10, slow).await, (no, close(), 3), "too slow");
        let http2 = || to("/refuse").version(Version::HTTP_2);
        assert_eq!(sent(http2(), 1_000, none).await, (no, None, 65), "its connection goes on");
        let grpc = to("/refuse").header("content-type", "application/grpc");
        assert_eq!(sent(grpc, 10, none).await, (no, None, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_to_be_asked_is_not() {
        let close = Some(HeaderValue::from_static("close"));
        let to = |path: &str| Request::put(path).header(EXPECT, "100-continue");
        assert_eq!(sent(to("/refuse"), 9, Duration::ZERO).await, (StatusCode::FORBIDDEN, close, 0));
        assert_eq!(sent(to("/first"), 9, Duration::ZERO).await, (StatusCode::FORBIDDEN, None, 9), "it was");
    }

    /// A body that hyper alone would have closed the connection for.
    #[tokio::test]
    async fn a_connection_goes_on_behind_a_refusal() {
        let running = serve_within(Security::Plain, router(), Limits::default()).await;
        let mut stream = TcpStream::connect(&running.address).await.unwrap();
        let long = vec![b'x'; 1 << 20];
        let answers = async {
            for (path, body) in [("/refuse", long.as_slice()), ("/gather", b"hello")] {
                let head =
                    format!("PUT {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", body.len());
                stream.write_all(head.as_bytes()).await.unwrap();
                stream.write_all(body).await.unwrap();
                let mut status = [0; 12];
                stream.read_exact(&mut status).await.unwrap();
                let said = str::from_utf8(&status).unwrap();
                assert_eq!(said, if path == "/gather" { "HTTP/1.1 200" } else { "HTTP/1.1 403" });
                // To the end of the head; the refusal has no body.
                let mut last = [0; 4];
                while &last != b"\r\n\r\n" {
                    last.rotate_left(1);
                    stream.read_exact(&mut last[3..]).await.unwrap();
                }
            }
        };
        timeout(Duration::from_secs(20), answers).await.unwrap();
    }
}
