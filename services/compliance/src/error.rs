//! What can go wrong, and what a caller is told of it.

use maily_chassis::WorkError;
use maily_store::StoreFailure;
use tonic::{Code, Status};

use crate::import::list::ListFault;

/// Why a call failed. No variant holds personal data.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration can't be used.
    #[error("configuration: {0}")]
    Config(&'static str),
    /// The subscriber list can't be read: nothing of it was kept.
    #[error("{0}")]
    List(#[from] ListFault),
    /// The request is malformed.
    #[error("{0}")]
    Request(&'static str),
    /// What the request names does not exist.
    #[error("{0}")]
    NotFound(&'static str),
    /// The campaign was imported with other bytes, judged at another moment, or for another sender.
    #[error("the campaign was imported already, with another list, another as_of or another sender")]
    OtherList,
    /// The same campaign is being imported right now.
    #[error("the campaign is being imported by another call")]
    Importing,
    /// As many imports are under way as the memory and the disk are made for, or something waited too long for others.
    #[error("too many imports are under way, or what has to be waited for takes too long")]
    Busy,
    /// The list came most slowly of the lists of whoever had most of them, and another was waiting.
    #[error("the list gave way to another: it came too slowly, or too many of this caller's were under way")]
    GaveWay,
    /// The import is no more.
    #[error("the import of this campaign was taken back: nobody is written to by it")]
    Undone,
    /// The rows' time is over.
    #[error("the rows of this campaign were removed when their time was over")]
    Removed,
    /// The page was handed off with another segment.
    #[error("the page was handed off already, with another segment")]
    OtherSegment,
    /// Keys are only released for what was handed off.
    #[error("the page was not handed off")]
    NotHandedOff,
    /// The list comes too slowly.
    #[error("the list stopped arriving")]
    Stalled,
    /// The list's stream broke off.
    #[error("the list broke off")]
    BrokenOff,
    /// The disk refused the staged list.
    #[error("the list can't be staged: {0}")]
    Stage(#[source] std::io::Error),
    /// The store can't be opened.
    #[error(transparent)]
    Open(#[from] maily_store::StoreError),
    /// The store failed.
    #[error("object store: {0}")]
    Objects(#[from] object_store::Error),
    /// Something sealed can't be opened.
    #[error("sealed: {0}")]
    Crypto(#[from] maily_crypto::Error),
    /// The keys failed.
    #[error("keys: {0}")]
    Keys(#[from] maily_keys::Error),
    /// The database failed.
    #[error("database: {0}")]
    Store(#[from] slatedb::Error),
    /// What was read back is not what was written.
    #[error("the record is damaged: {0}")]
    Damaged(&'static str),
    /// A database was closed under us: this process is to end.
    #[error("{0}")]
    Lost(&'static str),
    /// A task of ours was cut off, at the shutdown.
    #[error("the work was interrupted")]
    Interrupted,
    /// A task of ours panicked.
    #[error("the service failed")]
    Panicked,
}

impl From<WorkError> for Error {
    fn from(error: WorkError) -> Self {
        match error {
            WorkError::Panicked => Self::Panicked,
            WorkError::Interrupted => Self::Interrupted,
        }
    }
}

impl Error {
    /// Whether trying the same again cannot help.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::Keys(error) => error.is_permanent(),
            Self::Open(error) => error.is_permanent(),
            Self::Objects(error) => StoreFailure::of_objects(error).is_permanent(),
            Self::Store(error) => StoreFailure::of_database(error).is_permanent(),
            Self::Importing
            | Self::Busy
            | Self::GaveWay
            | Self::Stalled
            | Self::BrokenOff
            | Self::Stage(_)
            | Self::Interrupted => false,
            _ => true,
        }
    }

    /// Whether what is kept is damaged or lost, for good.
    pub(crate) fn is_damage(&self) -> bool {
        self.code() == Code::DataLoss
    }

    /// Whether our program is at fault, or the database's: the same call fails again.
    pub(crate) fn is_fault(&self) -> bool {
        self.code() == Code::Internal
    }

    fn code(&self) -> Code {
        match self {
            Self::List(_) | Self::Request(_) => Code::InvalidArgument,
            Self::NotFound(_) => Code::NotFound,
            Self::OtherList => Code::AlreadyExists,
            Self::Importing => Code::Aborted,
            // Nothing but the disk is told by this code: the caller gives up at once.
            Self::Stage(_) => Code::ResourceExhausted,
            Self::OtherSegment | Self::NotHandedOff | Self::Undone | Self::Removed => {
                Code::FailedPrecondition
            }
            Self::Stalled => Code::DeadlineExceeded,
            Self::BrokenOff => Code::Cancelled,
            Self::Damaged(_) | Self::Crypto(_) => Code::DataLoss,
            Self::Keys(error) if error.is_damage() => Code::DataLoss,
            Self::Store(error) | Self::Keys(maily_keys::Error::Store(error)) => {
                match StoreFailure::of_database(error) {
                    StoreFailure::Damaged => Code::DataLoss,
                    // The database's program is at fault, or ours.
                    StoreFailure::Invalid => Code::Internal,
                    // The database may be on its way to another process: the caller should try again there.
                    _ => Code::Unavailable,
                }
            }
            Self::Config(_) | Self::Open(_) | Self::Panicked | Self::Keys(maily_keys::Error::Panicked) => {
                Code::Internal
            }
            Self::Keys(_)
            | Self::Objects(_)
            | Self::Lost(_)
            | Self::Interrupted
            | Self::Busy
            | Self::GaveWay => Code::Unavailable,
        }
    }
}

/// What a caller is told of the disk: nothing that names a path.
fn staging(error: &std::io::Error) -> String {
    use std::io::ErrorKind::{QuotaExceeded, StorageFull};
    match error.kind() {
        StorageFull | QuotaExceeded => "the list can't be staged: the service's disk is full".to_owned(),
        kind => format!("the list can't be staged: the service's disk fails ({kind})"),
    }
}

impl From<Error> for Status {
    /// The caller learns what it can act on; our own trouble is logged here, where it is handled.
    fn from(error: Error) -> Self {
        let code = error.code();
        match &error {
            Error::Open(_)
            | Error::Objects(_)
            | Error::Crypto(_)
            | Error::Keys(_)
            | Error::Store(_)
            | Error::Stage(_)
            | Error::Damaged(_)
            | Error::Config(_) => {
                tracing::error!(error = %error, "a call failed");
                let message = match (&error, code) {
                    (Error::Stage(error), _) => staging(error),
                    (_, Code::DataLoss) => "a record is damaged".to_owned(),
                    (_, Code::Internal) => "the service failed".to_owned(),
                    _ => "the database is not available".to_owned(),
                };
                Self::new(code, message)
            }
            _ => Self::new(code, error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    fn told(error: Error) -> (Code, String) {
        let status = Status::from(error);
        (status.code(), status.message().to_owned())
    }

    #[test]
    fn a_key_that_is_lost_is_damage_and_a_store_that_fails_is_not() {
        let gone = maily_keys::Error::RootVersionGone { scope: "x".into(), version: 1 };
        let sealed = maily_crypto::Error::Authentication;
        for lost in [maily_keys::Error::Crypto(sealed), maily_keys::Error::EpochEnded(1), gone] {
            assert_eq!(told(lost.into()), (Code::DataLoss, "a record is damaged".into()));
        }
        assert_eq!(told(sealed.into()).0, Code::DataLoss);
        let full = object_store::Error::Generic { store: "S3", source: "no room".into() };
        let away = slatedb::Error::unavailable("x".into()).with_source(Box::new(std::sync::Arc::new(full)));
        assert_eq!(told(away.into()), (Code::Unavailable, "the database is not available".into()));
        let refused = object_store::Error::PermissionDenied { path: "x".into(), source: "a policy".into() };
        assert_eq!(told(refused.into()).0, Code::Unavailable);
        let passing = [
            maily_keys::Error::RootsUnavailable("x".into()),
            maily_keys::Error::RootsRefused("x".into()),
            maily_keys::Error::Store(slatedb::Error::unavailable("x".into())),
        ];
        for passing in passing {
            assert_eq!(told(passing.into()).0, Code::Unavailable);
        }
    }

    #[test]
    fn what_comes_again_is_told_from_what_passes() {
        type Make = fn(String) -> slatedb::Error;
        let stores: [(Make, _); 4] = [
            (slatedb::Error::data, (Code::DataLoss, "a record is damaged")),
            (slatedb::Error::internal, (Code::Internal, "the service failed")),
            (slatedb::Error::invalid, (Code::Internal, "the service failed")),
            (slatedb::Error::unavailable, (Code::Unavailable, "the database is not available")),
        ];
        for (make, (code, sentence)) in stores {
            assert_eq!(told(make("x".into()).into()), (code, sentence.into()));
            assert_eq!(told(maily_keys::Error::Store(make("x".into())).into()), (code, sentence.into()));
        }
        let closed = slatedb::Error::closed("x".into(), slatedb::CloseReason::Fenced);
        assert_eq!(told(closed.into()).0, Code::Unavailable);
        assert_eq!(told(WorkError::Interrupted.into()).0, Code::Unavailable);
        assert_eq!(told(WorkError::Panicked.into()), (Code::Internal, "the service failed".into()));
    }

    #[tokio::test]
    async fn a_panic_beside_the_request_is_a_failure_and_no_outage() {
        async fn panicking() -> Result<(), Error> {
            std::panic::resume_unwind(Box::new("person@example.org"))
        }
        let error = crate::state::uninterrupted(panicking()).await.unwrap_err();
        assert_eq!(told(error), (Code::Internal, "the service failed".into()));
    }

    #[test]
    fn a_full_disk_is_told_from_a_service_that_is_busy() {
        let full = Error::Stage(io::ErrorKind::StorageFull.into());
        let sentence = "the list can't be staged: the service's disk is full";
        assert_eq!(told(full), (Code::ResourceExhausted, sentence.into()));
        let path = Error::Stage(io::Error::new(io::ErrorKind::PermissionDenied, "/a/path"));
        let sentence = "the list can't be staged: the service's disk fails (permission denied)";
        assert_eq!(told(path), (Code::ResourceExhausted, sentence.into()));
        assert_eq!(told(Error::Busy).0, Code::Unavailable);
    }
}
