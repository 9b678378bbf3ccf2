//! What callers rely on, which their fakes of this service run too.

use axum::body::{Body, Bytes};
use axum::http::{Request, Response};
use http_body_util::BodyExt as _;
use maily_contracts::inference::Inference;

use crate::client::Client;

struct Real(Client);

impl Inference for Real {
    async fn call(&self, request: Request<Bytes>) -> Response<Bytes> {
        let (head, body) = self.0.send(request.map(Body::from)).await.into_parts();
        Response::from_parts(head, body.collect().await.unwrap().to_bytes())
    }
}

async fn start() -> Real {
    Real(Client::new())
}

maily_contracts::inference_suite!(start);
