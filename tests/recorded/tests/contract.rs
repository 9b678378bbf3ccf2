//! The service with recorded answers keeps what callers rely on of the real one.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use axum::{Router, body::Body};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use maily_contracts::inference::Inference;
use maily_inference::Worker;
use maily_recorded::{Recorded, Settings, server};
use maily_testkit::{cache, workspace};
use tower::ServiceExt as _;

maily_template::worker_of_tests!();

struct Service(Router);

impl Inference for Service {
    async fn call(&self, request: Request<Bytes>) -> Response<Bytes> {
        let response = self.0.clone().oneshot(request.map(Body::from)).await.unwrap();
        let (head, body) = response.into_parts();
        Response::from_parts(head, body.collect().await.unwrap().to_bytes())
    }
}

/// Its thread ends with the process.
async fn start() -> Service {
    let answers = std::env::var_os("MAILY_RECORD").map(Into::into);
    let recorded =
        Recorded { workspace: workspace(), record: answers.is_some(), answers, ..Recorded::default() };
    let inference = maily_inference::Config {
        model: cache::needed(cache::model()),
        ..maily_inference::Config::default()
    };
    let server = server(Settings { recorded, inference });
    let router = server.router();
    let (ready, loaded) = tokio::sync::oneshot::channel();
    Worker::spawn(server, |result| ready.send(result.map_err(|error| error.to_string())).unwrap()).unwrap();
    loaded.await.unwrap().unwrap();
    Service(router)
}

maily_contracts::inference_suite!(start);
