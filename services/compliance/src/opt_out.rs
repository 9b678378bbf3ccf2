//! One-click unsubscribe (RFC 8058) at the edge: `/u/{token}`.
//!
//! Only `POST` with the pair `List-Unsubscribe=One-Click` opts out: as a form, as multipart, among other fields, under any
//! content type, for that is how mail providers send it; or with no body at all, as some clients do, for that can mean
//! nothing else. `GET` shows a page with a button that sends it and changes
//! nothing, because link scanners follow links. A token that was not issued here is 404, after the same work. An
//! authentic one is not counted by the rate limit ([`vouch`]): an objection is never refused. No cookies, no caching,
//! nothing personal in any page; its language is what the browser asks for.

mod language;
mod page;
mod sentences;

use std::borrow::Cow;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Path, State as Shared};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Request};
use axum::response::Response;
use axum::routing::get;
use futures::stream;
use maily_chassis::Vouch;
use percent_encoding::percent_decode_str;

use crate::{Error, State};
use page::Page;

/// Longest body: `multipart/form-data` has its boundaries and headers, and others may have fields of their own.
const MAX_BODY: usize = 8 << 10;
/// The pair of RFC 8058, 3.1.
const NAME: &str = "List-Unsubscribe";
const VALUE: &str = "One-Click";

/// The edge listener's routes.
pub fn router(state: State) -> Router {
    Router::new().route("/u/{token}", get(ask).post(opt_out)).with_state(state)
}

/// Vouches for requests whose link was issued here.
#[must_use]
pub fn vouch(state: State) -> Vouch {
    Vouch::new(move |request| token_of(request.uri().path()).is_some_and(|token| state.knows(&token)))
}

/// The token of a link, decoded as the handlers have it: `%2D` spells the same link (RFC 3986, 6.2.2.2).
fn token_of(path: &str) -> Option<Cow<'_, str>> {
    percent_decode_str(path.strip_prefix("/u/")?).decode_utf8().ok()
}

async fn ask(Shared(state): Shared<State>, Path(token): Path<String>, headers: HeaderMap) -> Response {
    let page = if state.knows(&token) { Page::Ask } else { Page::Unknown };
    page.answer(&headers)
}

async fn opt_out(
    Shared(state): Shared<State>,
    Path(token): Path<String>,
    request: Request<Body>,
) -> Response {
    let (head, body) = request.into_parts();
    opted_out(&state, &token, &head.headers, body).await.answer(&head.headers)
}

async fn opted_out(state: &State, token: &str, headers: &HeaderMap, body: Body) -> Page {
    if !state.knows(token) {
        return Page::Unknown;
    }
    let one_click = match to_bytes(body, MAX_BODY).await {
        Ok(body) => body.is_empty() || is_one_click(headers, body).await,
        Err(_) => false,
    };
    if !one_click {
        return Page::Wrong;
    }
    match state.opt_out(token).await {
        Ok(()) => Page::Done,
        Err(Error::NotFound(_)) => Page::Unknown,
        Err(error) => {
            tracing::error!(error = %error, "an opt-out failed");
            Page::Later
        }
    }
}

/// Whether RFC 8058's pair is in the body, whatever the content type says of it.
async fn is_one_click(headers: &HeaderMap, body: Bytes) -> bool {
    if is_among(&url::form_urlencoded::parse(&body)) {
        return true;
    }
    // Plain text has a pair on each line.
    let lines = body.split(|byte| matches!(byte, b'\n' | b'\r'));
    if lines.clone().any(|line| is_among(&url::form_urlencoded::parse(line))) {
        return true;
    }
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let declared = multer::parse_boundary(kind).ok();
    // A multipart body begins with its boundary, also where no header says which.
    let first = body.split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
    let seen = first.strip_prefix(b"--").and_then(|boundary| std::str::from_utf8(boundary).ok());
    for boundary in [declared.as_deref(), seen.map(str::trim_end)].into_iter().flatten() {
        if multipart(boundary, body.clone()).await.unwrap_or_default() {
            return true;
        }
    }
    false
}

fn is_among(pairs: &url::form_urlencoded::Parse<'_>) -> bool {
    let mut pairs = *pairs;
    pairs.any(|(name, value)| is_the_pair(&name, &value))
}

fn is_the_pair(name: &str, value: &str) -> bool {
    name.trim().eq_ignore_ascii_case(NAME) && value.trim().eq_ignore_ascii_case(VALUE)
}

async fn multipart(boundary: &str, body: Bytes) -> Result<bool, multer::Error> {
    let chunks = stream::iter([Ok::<_, multer::Error>(body)]);
    let mut parts = multer::Multipart::new(chunks, boundary);
    while let Some(part) = parts.next_field().await? {
        let name = part.name().unwrap_or_default().to_owned();
        if is_the_pair(&name, &part.text().await?) {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_read_as_the_handlers_read_it() {
        for (path, token) in [
            ("/u/AB-C", Some("AB-C")),
            ("/u/AB%2DC", Some("AB-C")),
            ("/u/%41b%2d%43", Some("Ab-C")),
            ("/u/AB+C", Some("AB+C")),
            ("/u/%ff", None),
            ("/v/AB-C", None),
        ] {
            assert_eq!(token_of(path).as_deref(), token, "{path}");
        }
    }
}
