//! The services that the orchestrator asks, behind the few calls that it needs.

mod compliance;
mod guardrails;
mod inference;
pub(crate) mod objects;
mod s3;

use std::time::Duration;

use maily_chassis::status_is_permanent;

pub(crate) use compliance::{Broken, Compliance, ImportError};
pub(crate) use guardrails::{Guard, Guardrails};
pub(crate) use inference::{HttpService, Inference};
pub(crate) use objects::{Bucket, Objects};
pub(crate) use s3::S3;

/// How long one call may take before it is made again.
const CALL: Duration = Duration::from_secs(30);
/// How long a call is made again before the step gives up and leaves the rest to the workflow engine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A peer that did not do what it was asked. Never holds a message of the peer that could name a person.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PeerError {
    /// A gRPC service refused or failed.
    #[error("{peer} answered {code:?}")]
    Status { peer: &'static str, code: tonic::Code, permanent: bool, message: String },
    /// An HTTP service refused or failed; 0 where no answer came.
    #[error("{peer} answered HTTP status {status}")]
    Http { peer: &'static str, status: u16 },
    /// An answer that breaks the contract.
    #[error("{peer} answered something else than its contract says: {what}")]
    Contract { peer: &'static str, what: &'static str },
    /// Storage failed.
    #[error("storage failed: {0}")]
    Storage(String, bool),
}

impl PeerError {
    fn status(peer: &'static str, status: &tonic::Status) -> Self {
        Self::Status {
            peer,
            code: status.code(),
            permanent: status_is_permanent(status),
            message: status.message().to_owned(),
        }
    }

    /// What the caller may be told: the sentence of a refusal, which the contracts keep free of personal data.
    pub(crate) fn refusal(&self) -> Option<&str> {
        match self {
            Self::Status {
                code: tonic::Code::InvalidArgument | tonic::Code::AlreadyExists, message, ..
            } => Some(message),
            _ => None,
        }
    }

    pub(crate) fn code(&self) -> Option<tonic::Code> {
        match self {
            Self::Status { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// Whether a retry can't help.
    pub(crate) fn is_permanent(&self) -> bool {
        match self {
            Self::Status { permanent, .. } => *permanent,
            // Other refusals tell of a deployment that is not right yet, not of the request.
            Self::Http { status, .. } => matches!(status, 400 | 413 | 422),
            Self::Contract { .. } => true,
            Self::Storage(_, permanent) => *permanent,
        }
    }
}
