//! Refusals in OpenAI's shape: `{"error": {"message", "type", "param", "code"}}`.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header::RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use maily_chassis::Problem;
use serde::Serialize;
use serde_json::{Value, json};

/// The longest piece of a request that a refusal repeats back, in characters.
const ECHO: usize = 64;

/// Why a request gets no answer. It goes to the caller alone: the message may repeat a name that the caller
/// sent, so it is never logged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Refusal {
    message: String,
    #[serde(rename = "type")]
    kind: &'static str,
    param: Option<String>,
    code: Option<&'static str>,
    #[serde(skip)]
    status: u16,
    #[serde(skip)]
    retry_after: Option<u16>,
}

impl Refusal {
    fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { message, kind, param: None, code: None, status: status.as_u16(), retry_after: None }
    }

    /// 400 for the value of one parameter (`messages[0].role`).
    pub(crate) fn param(param: &str, code: &'static str, message: impl Into<String>) -> Self {
        let mut refusal = Self::request(message);
        refusal.param = Some(shorten(param));
        refusal.code = Some(code);
        refusal
    }

    /// 400 for the request as a whole.
    pub(crate) fn request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", message)
    }

    /// 400: this parameter, with this value, asks for something that is not served here.
    pub(crate) fn unsupported(param: &str) -> Self {
        let message =
            format!("Unsupported parameter: '{}' is not supported with this model.", shorten(param));
        Self::param(param, "unsupported_parameter", message)
    }

    /// 400: no such parameter.
    pub(crate) fn unknown(param: &str) -> Self {
        Self::param(param, "unknown_parameter", format!("Unknown parameter: '{}'.", shorten(param)))
    }

    /// 400: no answer can be made to obey this schema.
    pub(crate) fn schema(reason: &str) -> Self {
        let message = format!("Invalid schema for response_format: {reason}");
        Self::param("response_format", "invalid_json_schema", message)
    }

    /// 404: another model than the served one.
    pub(crate) fn model_not_found(model: &str) -> Self {
        let message =
            format!("The model `{}` does not exist or you do not have access to it.", shorten(model));
        let code = Some("model_not_found");
        Self { code, ..Self::new(StatusCode::NOT_FOUND, "invalid_request_error", message) }
    }

    /// 404: no such path.
    pub(crate) fn not_found(method: &str, path: &str) -> Self {
        let message = format!("Invalid URL ({method} {})", shorten(path));
        Self::new(StatusCode::NOT_FOUND, "invalid_request_error", message)
    }

    /// 405: the path exists, for another method.
    pub(crate) fn method(method: &str) -> Self {
        let message = format!("Method {} is not allowed here.", shorten(method));
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "invalid_request_error", message)
    }

    /// 413: the body is longer than `limit` bytes.
    pub(crate) fn too_large(limit: usize) -> Self {
        let message = format!("The request body is longer than {limit} bytes.");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "invalid_request_error", message)
    }

    /// 415: the body is not declared as JSON.
    pub(crate) fn media_type() -> Self {
        let message = "The request needs the header 'Content-Type: application/json'.";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "invalid_request_error", message)
    }

    /// 429: as many requests wait as may.
    pub(crate) fn queue_full() -> Self {
        let message = "Too many requests are waiting for the model. Try again later.";
        let refusal = Self::new(StatusCode::TOO_MANY_REQUESTS, "requests", message);
        Self { code: Some("rate_limit_exceeded"), retry_after: Some(2), ..refusal }
    }

    /// 503: the checkpoint is still being read.
    pub(crate) fn loading() -> Self {
        Self::unavailable("The model is still being loaded. Try again in a moment.")
    }

    /// 503: the process is about to end.
    pub(crate) fn stopping() -> Self {
        Self::unavailable("The server is stopping. Try again in a moment.")
    }

    /// 503: the machine had no time or room for a template.
    pub(crate) fn not_rendered() -> Self {
        Self::unavailable("The messages can't be rendered just now. Try again in a moment.")
    }

    fn unavailable(message: &'static str) -> Self {
        let refusal = Self::new(StatusCode::SERVICE_UNAVAILABLE, "server_error", message);
        Self { code: Some("model_not_ready"), retry_after: Some(2), ..refusal }
    }

    /// 504: the deadline of the request passed.
    pub(crate) fn deadline() -> Self {
        let message = "The request took longer than this server allows.";
        let refusal = Self::new(StatusCode::GATEWAY_TIMEOUT, "server_error", message);
        Self { code: Some("timeout"), ..refusal }
    }

    /// 500: a fault of ours, without its details.
    pub(crate) fn internal() -> Self {
        let message = "The server had an error while processing your request.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "server_error", message)
    }

    /// What the listener refused before any of this saw it.
    pub(crate) fn by_the_listener(problem: &Problem) -> Response {
        let status = problem.status();
        let (kind, code) = match status {
            StatusCode::UNAUTHORIZED => ("invalid_request_error", Some("invalid_api_key")),
            StatusCode::FORBIDDEN => ("invalid_request_error", Some("insufficient_permissions")),
            StatusCode::TOO_MANY_REQUESTS => ("requests", Some("rate_limit_exceeded")),
            status if status.is_server_error() => ("server_error", None),
            _ => ("invalid_request_error", None),
        };
        Self { code, ..Self::new(status, kind, problem.sentence()) }.into_response()
    }

    /// The error as OpenAI writes it, also as an event of a stream that has begun.
    pub(crate) fn body(&self) -> Value {
        json!({ "error": self })
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self.body())).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// The first characters of what a caller sent: a refusal is not an echo.
pub(crate) fn shorten(text: &str) -> String {
    let begin = text.char_indices().nth(ECHO).and_then(|(end, _)| text.get(..end));
    begin.map_or_else(|| text.to_owned(), |begin| format!("{begin}…"))
}
