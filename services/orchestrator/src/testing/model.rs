//! The inference service's contract: a model that always writes the same.

use axum::{
    Json, Router,
    body::Body,
    routing::{get, post},
};
use serde_json::{Value, json};
use tower::{BoxError, ServiceExt as _, util::BoxCloneSyncService};

use crate::peers::HttpService;

pub(crate) fn service() -> HttpService {
    let router: Router = Router::new()
        .route("/v1/models", get(|| async { Json(json!({ "data": [{ "id": "scripted" }] })) }))
        .route("/v1/chat/completions", post(complete));
    let service = tower::service_fn(move |request: http::Request<Body>| {
        let router = router.clone();
        async move { router.oneshot(request).await.map_err(BoxError::from) }
    });
    BoxCloneSyncService::new(service)
}

async fn complete(Json(request): Json<Value>) -> Json<Value> {
    let n = request["n"].as_u64().unwrap_or(1);
    let said = "Spring is here, and your garden is waiting for you.";
    let choice = |index| json!({ "index": index, "message": { "role": "assistant", "content": said } });
    Json(json!({ "choices": (0..n).map(choice).collect::<Vec<_>>() }))
}
