//! What a peer did instead of what it was asked, and whether the same call will meet the same again.

use std::error::Error as _;

use aws_lc_rs::digest::{SHA256, digest};
use maily_chassis::{broke_off, status_is_permanent};
use tonic::Code;

use super::{compliance, guardrails};
use crate::copy::CopyError;

/// A peer that did not do what it was asked. Never shows a message of the peer that could name a person.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PeerError {
    /// A gRPC service refused or failed.
    #[error("{peer} answered {code:?}")]
    Status { peer: &'static str, code: Code, permanent: bool, message: String },
    /// An HTTP service refused or failed; `body` is a digest of what it said.
    #[error("{peer} answered HTTP status {status}")]
    Http { peer: &'static str, status: u16, body: String },
    /// No connection came to be, or no answer in time.
    #[error("{peer} can't be reached")]
    Away { peer: &'static str },
    /// The peer was there, and broke the connection off or ended.
    #[error("{peer} broke the connection off")]
    Broke { peer: &'static str },
    /// An answer that breaks the contract.
    #[error("{peer} answered something else than its contract says: {what}")]
    Contract { peer: &'static str, what: &'static str },
    /// Storage failed.
    #[error("storage failed: {0}")]
    Storage(String, bool),
}

/// The model of a self check, by which guardrails was answered with a break.
const JUDGE: &str = "guardrails' judge";

/// What the next try of the same call may meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failing {
    /// Anything: the peer is away, overloaded, or not set up yet.
    Passing,
    /// The same answer: it came, and it is no.
    Answering,
    /// The same end, if what was asked is what ends the peer.
    Breaking,
    /// The same delay, if what was asked is what takes that long.
    Late,
    /// The same: the campaign is no more.
    Ended,
}

impl PeerError {
    pub(super) fn status(peer: &'static str, status: &tonic::Status) -> Self {
        match (status.code(), status.source()) {
            // What tonic makes of a connection's trouble has the trouble as its source; what a peer says has none.
            (Code::Unknown | Code::Internal | Code::Cancelled | Code::DeadlineExceeded, Some(trouble)) => {
                match broke_off(trouble) {
                    true => Self::Broke { peer },
                    false => Self::Away { peer },
                }
            }
            (Code::Aborted, None) if peer == guardrails::PEER => Self::Broke { peer: JUDGE },
            _ => Self::Status {
                peer,
                code: status.code(),
                permanent: status_is_permanent(status),
                message: status.message().to_owned(),
            },
        }
    }

    /// An HTTP service's answer that tells of an error.
    pub(super) fn http(peer: &'static str, status: u16, body: &[u8]) -> Self {
        Self::Http { peer, status, body: print(body) }
    }

    /// What the caller may be told: the sentence of a refusal, which the contracts keep free of personal data.
    pub(crate) fn refusal(&self) -> Option<&str> {
        use Code::{AlreadyExists, InvalidArgument, ResourceExhausted};
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
            Self::Status { code, .. } => *code == Code::InvalidArgument,
            Self::Http { status, .. } => matches!(status, 400 | 413 | 422),
            _ => false,
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
        matches!(self, Self::Status { peer: compliance::PEER, code: Code::FailedPrecondition, .. })
    }

    pub(crate) fn code(&self) -> Option<Code> {
        match self {
            Self::Status { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// Whether a call that is made again at once can't help.
    pub(crate) fn is_permanent(&self) -> bool {
        match self {
            Self::Status { permanent, .. } => *permanent,
            Self::Http { .. } => self.is_about_the_request(),
            Self::Away { .. } | Self::Broke { .. } => false,
            Self::Contract { .. } => true,
            Self::Storage(_, permanent) => *permanent,
        }
    }

    /// What another try may meet. In doubt it is another thing: an outage must not end a campaign.
    pub(crate) fn failing(&self) -> Failing {
        match self {
            Self::Status { .. } if self.is_ended() => Failing::Ended,
            // Unknown is what a handler's panic shows as; FailedPrecondition is asked again where the rails have been loaded.
            Self::Status {
                code:
                    Code::InvalidArgument
                    | Code::OutOfRange
                    | Code::DataLoss
                    | Code::Internal
                    | Code::Unknown
                    | Code::FailedPrecondition,
                ..
            } => Failing::Answering,
            Self::Status { peer: guardrails::PEER, code: Code::DeadlineExceeded, .. } => Failing::Late,
            Self::Http { status, .. } if *status == 500 || self.is_about_the_request() => Failing::Answering,
            Self::Contract { .. } | Self::Storage(_, true) => Failing::Answering,
            Self::Broke { .. } => Failing::Breaking,
            Self::Status { .. } | Self::Http { .. } | Self::Away { .. } | Self::Storage(_, false) => {
                Failing::Passing
            }
        }
    }

    /// The same for the same failure: of an answer, a digest of what was said beside what is shown.
    pub(crate) fn print(&self) -> String {
        match self {
            Self::Status { message, .. } => format!("{self} {}", print(message.as_bytes())),
            Self::Http { body, .. } => format!("{self} {body}"),
            other => other.to_string(),
        }
    }
}

/// Enough of a digest to tell two answers apart.
fn print(said: &[u8]) -> String {
    format!("{:.16}", hex::encode(digest(&SHA256, said).as_ref()))
}

impl From<&PeerError> for CopyError {
    fn from(error: &PeerError) -> Self {
        match error.is_about_the_request() {
            true => Self::Refused(error.reason()),
            false => Self::Unavailable(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{io, sync::Arc};

    use tonic::Status;

    use super::*;

    fn status(code: Code) -> PeerError {
        PeerError::status("guardrails", &Status::new(code, ""))
    }

    fn http(status: u16) -> PeerError {
        PeerError::http("inference", status, b"")
    }

    #[test]
    fn only_a_fault_of_the_request_blocks_a_cohort() {
        for blocks in [status(Code::InvalidArgument), http(400), http(413), http(422)] {
            assert!(matches!(CopyError::from(&blocks), CopyError::Refused(_)));
        }
        let codes = [Code::Unauthenticated, Code::PermissionDenied, Code::NotFound, Code::Unimplemented];
        let codes = codes.into_iter().chain([Code::FailedPrecondition, Code::Unavailable, Code::Internal]);
        let contract = PeerError::Contract { peer: "inference", what: "its JSON" };
        let away = PeerError::Away { peer: "inference" };
        let others =
            codes.map(status).chain([401, 403, 404, 429, 500, 503].map(http)).chain([contract, away]);
        for passes in others {
            assert!(matches!(CopyError::from(&passes), CopyError::Unavailable(_)));
        }
    }

    #[test]
    fn an_outage_is_told_from_an_answer_and_from_a_break() {
        for code in [Code::Unavailable, Code::ResourceExhausted, Code::PermissionDenied] {
            assert_eq!(status(code).failing(), Failing::Passing, "{code:?}");
        }
        let codes = [Code::Internal, Code::Unknown, Code::InvalidArgument, Code::DataLoss];
        for code in codes.into_iter().chain([Code::FailedPrecondition]) {
            assert_eq!(status(code).failing(), Failing::Answering, "{code:?}");
        }
        // The judge's, and its alone.
        assert_eq!(status(Code::Aborted).failing(), Failing::Breaking);
        assert_eq!(status(Code::DeadlineExceeded).failing(), Failing::Late);
        for code in [Code::Aborted, Code::DeadlineExceeded] {
            let other = PeerError::status(compliance::PEER, &Status::new(code, ""));
            assert_eq!(other.failing(), Failing::Passing, "{code:?}");
        }
        for (code, failing) in [
            (400, Failing::Answering),
            (500, Failing::Answering),
            (403, Failing::Passing),
            (429, Failing::Passing),
            (503, Failing::Passing),
            (504, Failing::Passing),
        ] {
            assert_eq!(http(code).failing(), failing, "{code}");
        }
        let with = |source: io::ErrorKind| {
            let mut status = Status::unknown("transport error");
            status.set_source(Arc::new(io::Error::from(source)));
            PeerError::status("guardrails", &status).failing()
        };
        assert_eq!(with(io::ErrorKind::ConnectionReset), Failing::Breaking);
        assert_eq!(with(io::ErrorKind::ConnectionRefused), Failing::Passing);
        assert_eq!(
            PeerError::Storage("storage failed with status 500".into(), false).failing(),
            Failing::Passing
        );
    }

    #[test]
    fn the_same_answer_has_the_same_print_and_shows_nothing_of_it() {
        let said = |words: &str| PeerError::http("inference", 500, words.as_bytes());
        assert_eq!(said("a").print(), said("a").print());
        assert_ne!(said("a").print(), said("b").print());
        assert!(!said("person@example.org").print().contains("person"));
        assert_eq!(said("a").to_string(), "inference answered HTTP status 500");
    }
}
