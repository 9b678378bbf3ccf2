//! Errors in OpenAI's envelope, as NeMo's server answers them.

use axum::{
    Json,
    extract::rejection::BytesRejection,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde_json::json;

use crate::guard::GuardError;

/// An error response: one sentence without anything of the request's messages.
#[derive(Debug)]
pub(super) struct Refused {
    status: StatusCode,
    message: String,
}

impl Refused {
    /// The request is understood and can't be served as it is.
    pub(super) fn unprocessable(message: impl Into<String>) -> Self {
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, message: message.into() }
    }

    /// The request is no JSON.
    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, message: message.into() }
    }
}

impl From<BytesRejection> for Refused {
    fn from(rejection: BytesRejection) -> Self {
        Self {
            status: rejection.status(),
            message: "the request's body is too long or did not arrive".to_owned(),
        }
    }
}

impl From<GuardError> for Refused {
    fn from(error: GuardError) -> Self {
        let status = if error.is_permanent() {
            StatusCode::INTERNAL_SERVER_ERROR
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        };
        Self { status, message: error.to_string() }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let kind = if self.status.is_client_error() { "invalid_request_error" } else { "server_error" };
        let body = json!({ "error": { "message": self.message, "type": kind, "param": null, "code": null } });
        (self.status, Json(body)).into_response()
    }
}
