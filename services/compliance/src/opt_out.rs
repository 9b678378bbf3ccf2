//! One-click unsubscribe (RFC 8058) at the edge: `/u/{token}`.
//!
//! Only `POST` with the body `List-Unsubscribe=One-Click` opts out. `GET` shows a page with a button that sends
//! it and changes nothing, because link scanners follow links. A token that was not issued here is 404, after
//! the same work. No cookies, no caching, nothing personal in any page.

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Path, State as Shared};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures::stream;

use crate::{Error, State};

/// Longest body: `multipart/form-data` has its boundaries and headers.
const MAX_BODY: usize = 4 << 10;

const ASK: &str = include_str!("opt_out/ask.html");
const DONE: &str = include_str!("opt_out/done.html");
const UNKNOWN: &str = include_str!("opt_out/unknown.html");
const WRONG: &str = include_str!("opt_out/wrong.html");
const LATER: &str = include_str!("opt_out/later.html");

/// The edge listener's routes.
pub fn router(state: State) -> Router {
    Router::new().route("/u/{token}", get(ask).post(opt_out)).with_state(state)
}

async fn ask(Shared(state): Shared<State>, Path(token): Path<String>) -> Response {
    if state.knows(&token) { page(StatusCode::OK, ASK) } else { page(StatusCode::NOT_FOUND, UNKNOWN) }
}

async fn opt_out(
    Shared(state): Shared<State>,
    Path(token): Path<String>,
    request: Request<Body>,
) -> Response {
    if !state.knows(&token) {
        return page(StatusCode::NOT_FOUND, UNKNOWN);
    }
    let (head, body) = request.into_parts();
    let one_click = match to_bytes(body, MAX_BODY).await {
        Ok(body) => is_one_click(&head.headers, body).await,
        Err(_) => false,
    };
    if !one_click {
        return page(StatusCode::BAD_REQUEST, WRONG);
    }
    match state.opt_out(&token).await {
        Ok(()) => page(StatusCode::OK, DONE),
        Err(Error::NotFound(_)) => page(StatusCode::NOT_FOUND, UNKNOWN),
        Err(error) => {
            tracing::error!(error = %error, "an opt-out failed");
            page(StatusCode::SERVICE_UNAVAILABLE, LATER)
        }
    }
}

/// Whether the body is RFC 8058's one pair, as a form or as multipart; without a type it is taken for a form.
async fn is_one_click(headers: &HeaderMap, body: Bytes) -> bool {
    let kind = headers.get(CONTENT_TYPE).map(|value| value.to_str().unwrap_or("?"));
    let essence = kind.map(|kind| kind.split(';').next().unwrap_or("").trim().to_ascii_lowercase());
    let pairs = match (essence.as_deref(), kind) {
        (None | Some("application/x-www-form-urlencoded"), _) => url::form_urlencoded::parse(&body)
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect(),
        (Some("multipart/form-data"), Some(kind)) => multipart(kind, body).await.unwrap_or_default(),
        _ => Vec::new(),
    };
    matches!(pairs.as_slice(), [(name, value)] if name == "List-Unsubscribe" && value == "One-Click")
}

async fn multipart(kind: &str, body: Bytes) -> Result<Vec<(String, String)>, multer::Error> {
    let chunks = stream::iter([Ok::<_, multer::Error>(body)]);
    let mut parts = multer::Multipart::new(chunks, multer::parse_boundary(kind)?);
    let mut pairs = Vec::new();
    while let Some(part) = parts.next_field().await? {
        pairs.push((part.name().unwrap_or_default().to_owned(), part.text().await?));
    }
    Ok(pairs)
}

fn page(status: StatusCode, html: &'static str) -> Response {
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        ),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (status, headers, html).into_response()
}
