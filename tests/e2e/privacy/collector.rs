//! An OpenTelemetry collector that keeps every byte: gRPC over plain HTTP/2, whatever the method.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::Response,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use http_body_util::{BodyExt as _, Full};
use tokio::runtime::Runtime;

type Kept = Arc<Mutex<Vec<u8>>>;

/// A running collector.
pub(crate) struct Collector {
    runtime: Runtime,
    kept: Kept,
    port: u16,
}

impl Collector {
    pub(crate) fn start() -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let kept = Kept::default();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let port = listener.local_addr().unwrap().port();
        let router = Router::new().fallback(keep).with_state(Arc::clone(&kept));
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self { runtime, kept, port }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Everything that was sent.
    pub(crate) fn stop(self) -> Vec<u8> {
        self.runtime.shutdown_background();
        std::mem::take(&mut *self.kept.lock().unwrap())
    }
}

/// Keeps path, headers and body; answers an empty message, which is what success is in OTLP.
async fn keep(State(kept): State<Kept>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let mut bytes = format!("{} {:?}\n", head.uri, head.headers).into_bytes();
    bytes.extend_from_slice(&body);
    kept.lock().unwrap().append(&mut bytes);
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let empty = Full::new(Bytes::from_static(&[0; 5])).with_trailers(async { Some(Ok(trailers)) });
    let mut response = Response::new(Body::new(empty));
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    response
}
