//! What a client is told when a call fails.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use maily_chassis::Problem;
use tracing::warn;

use crate::{
    campaign::Fault,
    peers::{ImportError, PeerError},
    restate::RestateError,
    workflow::StepError,
};

/// A call that was refused or failed.
pub(crate) struct Refusal(Problem);

impl Refusal {
    fn new(status: StatusCode, title: &str, detail: impl Into<String>) -> Self {
        Self(Problem::new(status, title).detail(detail))
    }

    pub(crate) fn not_found(detail: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not found", detail)
    }

    pub(crate) fn conflict(detail: &str) -> Self {
        Self::new(StatusCode::CONFLICT, "not possible in this state", detail)
    }

    pub(crate) fn unusable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "the input can't be used", detail)
    }

    /// What failed fails again until somebody mends it.
    fn failed(status: StatusCode, detail: impl Into<String>) -> Self {
        Self::new(status, "the service failed", detail)
    }

    pub(crate) fn later(detail: &str) -> Self {
        Self(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "try again").detail(detail).retry_after(1))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::unusable(fault.0)
    }
}

impl From<PeerError> for Refusal {
    fn from(error: PeerError) -> Self {
        match (error.refusal(), error.code()) {
            (Some(sentence), Some(tonic::Code::InvalidArgument)) => Self::unusable(sentence),
            (Some(sentence), Some(tonic::Code::ResourceExhausted)) => {
                warn!(%error, "a call at the edge failed");
                Self::failed(StatusCode::INSUFFICIENT_STORAGE, sentence)
            }
            (Some(sentence), _) => Self::conflict(sentence),
            _ => {
                warn!(%error, "a call at the edge failed");
                Self::later("a service that this needs does not answer as it should")
            }
        }
    }
}

impl From<ImportError> for Refusal {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::Peer(error) => error.into(),
            ImportError::Upload => Self::new(StatusCode::BAD_REQUEST, "torn upload", "the upload broke off"),
        }
    }
}

impl From<StepError> for Refusal {
    fn from(error: StepError) -> Self {
        // Nothing failed: it is not to be had any more.
        let error = match error {
            StepError::Peer(error) if error.is_ended() => return error.into(),
            error => error,
        };
        warn!(%error, permanent = error.is_permanent(), "a call at the edge failed");
        match error.is_permanent() {
            true => Self::failed(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
            false => Self::later("a service that this needs does not answer as it should"),
        }
    }
}

impl From<RestateError> for Refusal {
    fn from(error: RestateError) -> Self {
        warn!(%error, "Restate failed a call at the edge");
        Self::later("the workflow engine does not answer as it should")
    }
}
