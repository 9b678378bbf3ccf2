//! A panic costs its own request and nothing else.
//!
//! Who asked is told that the service failed, in their protocol, and no more: the panic's message may quote what it was
//! about. The hook of the process has logged it, once, by its place (`start.rs`), so nothing is logged here.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    body::{Body, Bytes},
    extract::Request,
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures::FutureExt as _;
use http_body::{Frame, SizeHint};

use crate::{closed::is_grpc, problem::Problem};

const WHY: &str = "the service failed";

/// Answers a panic of what handles the request, and ends the body of an answer that panics while it is sent.
pub(crate) async fn catch(request: Request, next: Next) -> Response {
    let grpc = is_grpc(request.headers());
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response.map(|body| Body::new(Caught { body: Some(body), grpc })),
        Err(_) if grpc => tonic::Status::internal(WHY).into_http(),
        Err(_) => Problem::new(StatusCode::INTERNAL_SERVER_ERROR, WHY).into_response(),
    }
}

/// The body of an answer, up to its end or its panic.
struct Caught {
    /// None once it has panicked.
    body: Option<Body>,
    grpc: bool,
}

impl Caught {
    /// What comes in place of the rest. A call of gRPC ends with its status; any other body breaks off, so that its
    /// beginning is not taken for the whole.
    fn end(&self) -> Result<Frame<Bytes>, axum::Error> {
        match self.grpc {
            true => Ok(Frame::trailers(trailers())),
            false => Err(axum::Error::new(std::io::Error::other(WHY))),
        }
    }
}

fn trailers() -> HeaderMap {
    let (head, _) = tonic::Status::internal(WHY).into_http::<Body>().into_parts();
    let mut trailers = head.headers;
    trailers.remove(header::CONTENT_TYPE);
    trailers
}

impl http_body::Body for Caught {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Some(body) = self.body.as_mut() else { return Poll::Ready(None) };
        match catch_unwind(AssertUnwindSafe(|| Pin::new(body).poll_frame(cx))) {
            Ok(polled) => polled,
            Err(_) => {
                self.body = None;
                Poll::Ready(Some(self.end()))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

#[cfg(test)]
mod tests {
    use axum::{Router, middleware, routing::get};
    use futures::{StreamExt as _, stream};
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    use super::*;

    /// A handler that panics, and one whose body does behind its first part.
    fn router() -> Router {
        let parts = || stream::iter([0, 1]).map(|part| if part == 0 { Ok("part") } else { broken() });
        Router::new()
            .route("/handler", get(|| async { broken().map_err(|error| error.to_string()) }))
            .route("/body", get(move || async move { Body::from_stream(parts()) }))
            .route("/sound", get(|| async { "sound" }))
            .layer(middleware::from_fn(catch))
    }

    fn broken() -> Result<&'static str, std::io::Error> {
        panic!("ann@example.com")
    }

    async fn ask(path: &str, kind: &str) -> Response {
        let request = Request::get(path).header(header::CONTENT_TYPE, kind).body(Body::empty()).unwrap();
        router().oneshot(request).await.unwrap()
    }

    #[tokio::test]
    async fn a_handlers_panic_is_answered_in_the_callers_protocol() {
        let answer = ask("/handler", "text/plain").await;
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(answer.headers()[header::CONTENT_TYPE], "application/problem+json");
        let said = answer.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(&said[..], br#"{"type":"about:blank","title":"the service failed","status":500}"#);

        let answer = ask("/handler", "application/grpc").await;
        assert_eq!(
            (answer.status(), &answer.headers()["grpc-status"]),
            (StatusCode::OK, &"13".parse().unwrap())
        );
        assert_eq!(answer.headers()["grpc-message"], "the%20service%20failed");
    }

    #[tokio::test]
    async fn a_bodys_panic_ends_it_and_is_no_end_of_the_text() {
        let mut body = ask("/body", "text/plain").await.into_body();
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "part");
        let error = body.frame().await.unwrap().unwrap_err().to_string();
        assert!(error.contains("the service failed") && !error.contains("ann@"), "{error}");
        assert!(body.frame().await.is_none());

        let mut body = ask("/body", "application/grpc+proto").await.into_body();
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "part");
        let trailers = body.frame().await.unwrap().unwrap().into_trailers().unwrap();
        assert_eq!((&trailers["grpc-status"], trailers.len()), (&"13".parse().unwrap(), 2));
        assert!(body.frame().await.is_none());
    }

    #[tokio::test]
    async fn what_is_sound_is_as_it_was() {
        let answer = ask("/sound", "text/plain").await;
        assert_eq!(answer.headers()[header::CONTENT_LENGTH], "5");
        assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "sound");
    }
}
