//! The inference service's contract: a model that always writes the same.

use axum::body::{Body, to_bytes};
use http::{Request, Response};
use maily_contracts::inference::{Script, scripted};
use tower::{BoxError, util::BoxCloneSyncService};

use crate::peers::HttpService;

const SAID: &str = "Spring is here, and your garden is waiting for you.";

pub(crate) fn service() -> HttpService {
    BoxCloneSyncService::new(tower::service_fn(answer))
}

async fn answer(request: Request<Body>) -> Result<Response<Body>, BoxError> {
    let (head, body) = request.into_parts();
    let request = Request::from_parts(head, to_bytes(body, 1 << 20).await?);
    let script = Script { models: &["scripted"], say: |_: &_| SAID.to_owned() };
    Ok(scripted(script, &request).map(Body::from))
}
