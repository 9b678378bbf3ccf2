//! The services that the orchestrator asks, behind the few calls that it needs.

mod compliance;
mod guardrails;
mod inference;
pub(crate) mod objects;
mod s3;

use std::time::Duration;

use maily_chassis::status_is_permanent;

use crate::copy::CopyError;

pub(crate) use compliance::{Compliance, ImportError, Upload};
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
        use tonic::Code::{AlreadyExists, InvalidArgument, ResourceExhausted};
        match self {
            Self::Status { message, .. } if self.is_ended() => Some(message),
            Self::Status { code: InvalidArgument | AlreadyExists | ResourceExhausted, message, .. } => {
                Some(message)
            }
            _ => None,
        }
    }

    /// Whether it is what was asked for that is at fault. Any other refusal tells of a deployment that is not right
    /// yet, which somebody will mend.
    pub(crate) fn is_about_the_request(&self) -> bool {
        match self {
            Self::Status { code, .. } => *code == tonic::Code::InvalidArgument,
            Self::Http { status, .. } => matches!(status, 400 | 413 | 422),
            Self::Contract { .. } | Self::Storage(..) => false,
        }
    }

    /// What a report says of a request that is at fault: the peer's own sentence too, where it has one.
    pub(crate) fn reason(&self) -> String {
        match self.refusal().filter(|sentence| !sentence.is_empty()) {
            Some(sentence) => format!("{self}: {sentence}"),
            None => self.to_string(),
        }
    }

    /// Whether the campaign is no more: its import was taken back, or its time was over. (Rails that are not loaded answer
    /// with the same code, and are loaded again.)
    pub(crate) fn is_ended(&self) -> bool {
        matches!(self, Self::Status { peer: compliance::PEER, code: tonic::Code::FailedPrecondition, .. })
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
            Self::Http { .. } => self.is_about_the_request(),
            Self::Contract { .. } => true,
            Self::Storage(_, permanent) => *permanent,
        }
    }
}

impl From<PeerError> for CopyError {
    fn from(error: PeerError) -> Self {
        match error.is_about_the_request() {
            true => Self::Refused(error.reason()),
            false => Self::Unavailable(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use tonic::{Code, Status};

    use super::*;

    #[test]
    fn only_a_fault_of_the_request_blocks_a_cohort() {
        let status = |code| PeerError::status("guardrails", &Status::new(code, ""));
        let http = |status| PeerError::Http { peer: "inference", status };
        for blocks in [status(Code::InvalidArgument), http(400), http(413), http(422)] {
            assert!(matches!(CopyError::from(blocks), CopyError::Refused(_)));
        }
        let codes = [Code::Unauthenticated, Code::PermissionDenied, Code::NotFound, Code::Unimplemented];
        let codes = codes.into_iter().chain([Code::FailedPrecondition, Code::Unavailable, Code::Internal]);
        let contract = PeerError::Contract { peer: "inference", what: "its JSON" };
        let others = codes.map(status).chain([0, 401, 403, 404, 429, 500, 503].map(http)).chain([contract]);
        for passes in others {
            assert!(matches!(CopyError::from(passes), CopyError::Unavailable(_)));
        }
    }
}
