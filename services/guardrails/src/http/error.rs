//! Errors in OpenAI's envelope, as NeMo's server answers them.

use axum::{
    Json,
    extract::rejection::BytesRejection,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header::RETRY_AFTER};
use serde_json::json;

use crate::{
    failure::{Failure, JudgeError},
    guard::GuardError,
};

/// Seconds after which to ask again about what passes, as the inference service has it.
const AGAIN: u16 = 2;

/// An error response: one sentence without anything of the request's messages.
#[derive(Debug)]
pub(super) struct Refused {
    status: StatusCode,
    message: String,
    param: Option<&'static str>,
    code: Option<String>,
    /// Seconds (`Retry-After`).
    retry_after: Option<u16>,
}

impl Refused {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), param: None, code: None, retry_after: None }
    }

    /// The request is understood and can't be served as it is.
    pub(super) fn unprocessable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, message)
    }

    /// The request is no JSON, or something else is wrong with it each time.
    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// As OpenAI's API says that a prompt is too long for its model: clients know the code.
    fn too_long(message: String, param: &'static str) -> Self {
        let refused = Self::new(StatusCode::BAD_REQUEST, message);
        Self { param: Some(param), code: Some("context_length_exceeded".to_owned()), ..refused }
    }

    /// There is no verdict on what the model answered: its length is what the request allowed it.
    pub(super) fn answer(error: GuardError) -> Self {
        let message = || format!("what the model answered can't be judged: {error}");
        match error.failure() {
            Failure::Caller if error.is_too_long() => Self::too_long(message(), "max_tokens"),
            Failure::Caller => Self::new(StatusCode::INTERNAL_SERVER_ERROR, message()),
            _ => error.into(),
        }
    }
}

impl From<BytesRejection> for Refused {
    fn from(rejection: BytesRejection) -> Self {
        Self::new(rejection.status(), "the request's body is too long or did not arrive")
    }
}

impl From<GuardError> for Refused {
    fn from(error: GuardError) -> Self {
        let message = error.to_string();
        match error {
            GuardError::NoInputRails => Self::unprocessable(message),
            error if error.is_too_long() => Self::too_long(message, "messages"),
            GuardError::Judge(JudgeError::Refused(_, said)) => {
                Self { param: said.param, code: said.code, ..Self::bad(message) }
            }
            error if error.failure() == Failure::Caller => {
                Self { param: Some("messages"), ..Self::bad(message) }
            }
            error if error.failure() == Failure::Fault => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, message)
            }
            error => {
                // What a text may do to a model each time is not over by itself.
                let retry_after = (error.failure() == Failure::Outage).then_some(AGAIN);
                Self { retry_after, ..Self::new(StatusCode::SERVICE_UNAVAILABLE, message) }
            }
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let kind = if self.status.is_client_error() { "invalid_request_error" } else { "server_error" };
        let Self { status, message, param, code, retry_after } = self;
        let body = json!({ "error": { "message": message, "type": kind, "param": param, "code": code } });
        let mut response = (status, Json(body)).into_response();
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::turns::NoTurn;

    #[test]
    fn what_passes_says_when_to_ask_again() {
        let answer = |error: GuardError| {
            let response = Refused::from(error).into_response();
            (response.status().as_u16(), response.headers().get(RETRY_AFTER).cloned())
        };
        let again = Some(HeaderValue::from(AGAIN));
        assert_eq!(answer(NoTurn::Busy.into()), (503, again.clone()));
        assert_eq!(answer(JudgeError::NotRendered("why".into()).into()), (503, again));
        assert_eq!(answer(JudgeError::TimedOut.into()), (503, None));
        assert_eq!(answer(JudgeError::Malformed.into()), (500, None));
    }
}
