//! NeMo Guardrails' server API (0.24): `/v1/rails/configs`, `/v1/checks` and `/v1/chat/completions`.
//!
//! Requests and answers have NeMo's shapes, errors OpenAI's envelope as NeMo's have. A field that would
//! change nothing here is refused by name: a client should not believe that it did. Nothing of a request's JSON is left when its
//! texts wait for their turn.

mod chat;
mod checks;
mod error;
mod request;

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, State},
    routing::{get, post},
};
use serde_json::{Value, json};

use crate::guard::Guard;

/// Bytes of one request.
const MAX_BODY: usize = 256 << 10;

/// The API over the configurations of the folder.
pub(crate) fn router(guard: Guard) -> Router {
    Router::new()
        .route("/v1/rails/configs", get(configs))
        .route("/v1/checks", post(checks::check))
        .route("/v1/chat/completions", post(chat::complete))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(guard)
}

/// The ids of the configurations.
async fn configs(State(guard): State<Guard>) -> Json<Value> {
    Json(guard.store.names().map(|id| json!({ "id": id })).collect())
}
