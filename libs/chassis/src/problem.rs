//! Errors at the edge: RFC 9457 problem details.

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

/// An RFC 9457 problem, `application/problem+json`. It holds no personal data and no secret.
#[derive(Clone, Debug, Serialize)]
pub struct Problem {
    #[serde(rename = "type")]
    kind: &'static str,
    title: String,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    #[serde(skip)]
    retry_after: Option<u64>,
}

impl Problem {
    /// A problem with this status and a short, constant title.
    pub fn new(status: StatusCode, title: impl Into<String>) -> Self {
        Self {
            kind: "about:blank",
            title: title.into(),
            status: status.as_u16(),
            detail: None,
            retry_after: None,
        }
    }

    /// What is wrong with this very request.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// The response's status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The title, and behind it the detail, if there is one.
    #[must_use]
    pub fn sentence(&self) -> String {
        self.detail.as_ref().map_or_else(|| self.title.clone(), |detail| format!("{}: {detail}", self.title))
    }

    /// Seconds after which a retry may help (`Retry-After`).
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        let body = serde_json::to_string(&self).unwrap_or_default();
        let mut response =
            (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        // For an API that says it in its own words.
        response.extensions_mut().insert(self);
        response
    }
}

/// How an API with a form of its own for errors says a problem of the chassis: a key that is not accepted, too many requests. Its
/// status is the API's, too, which may have another for the same.
pub type Words = fn(&Problem) -> Response;

/// The response in these words, if it is a problem; its headers (`Retry-After`, `WWW-Authenticate`) stay.
pub(crate) fn reworded(mut response: Response, words: Words) -> Response {
    let Some(problem) = response.extensions_mut().remove::<Problem>() else { return response };
    let mut said = words(&problem);
    for (name, value) in response.headers() {
        if ![header::CONTENT_TYPE, header::CONTENT_LENGTH].contains(name) {
            said.headers_mut().insert(name.clone(), value.clone());
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn said(response: Response) -> (StatusCode, String, http::HeaderMap) {
        let (head, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 4_096).await.unwrap();
        (head.status, String::from_utf8(body.to_vec()).unwrap(), head.headers)
    }

    #[tokio::test]
    async fn an_api_says_a_problem_in_its_own_words_and_nothing_else() {
        let words: Words = |problem| {
            (StatusCode::SERVICE_UNAVAILABLE, format!("Oh no: {}", problem.sentence())).into_response()
        };
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too many").detail("of you").retry_after(7);
        let (status, body, headers) = said(reworded(problem.into_response(), words)).await;
        assert_eq!((status, body.as_str()), (StatusCode::SERVICE_UNAVAILABLE, "Oh no: too many: of you"));
        assert_eq!(headers[header::RETRY_AFTER], "7");
        assert_eq!(headers[header::CONTENT_TYPE], "text/plain; charset=utf-8");
        let (status, body, _) = said(reworded((StatusCode::GONE, "its own").into_response(), words)).await;
        assert_eq!((status, body.as_str()), (StatusCode::GONE, "its own"));
    }
}
