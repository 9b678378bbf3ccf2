//! What an error of a store, or of a database on it, means: decided here and nowhere else.

use std::error::Error;
use std::io;
use std::sync::Arc;

use slatedb::ErrorKind;

/// How an answer with an error status begins in object_store 0.14, whose type for it is private. The status follows, with its
/// reason, and the answer's body.
const ANSWERED: &str = "Server returned non-2xx status code: ";
/// What a 404 says where it is the bucket or the container that is missing (S3, GCS; Azure), and nothing about the object.
const NO_STORE: [&str; 3] = ["NoSuchBucket", "ContainerNotFound", "ContainerBeingDeleted"];
/// What stores say that have no room: Ceph, `MinIO` and others.
const FULL: [&str; 3] = ["QuotaExceeded", "StorageFull", "InsufficientStorage"];
/// What S3 says with status 400 of credentials that were good once.
const STALE: [&str; 3] = ["ExpiredToken", "InvalidToken", "TokenRefreshRequired"];
/// What S3 says with status 400 of a body that came too slowly.
const SLOW: &str = "RequestTimeout";

/// Why a request failed, as far as it says who can mend it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreFailure {
    /// There is no such object.
    Missing,
    /// Somebody else was first: the object is there already, or is not what it was.
    Conflict,
    /// The store does not take these credentials, or there is no such store: whoever keeps it can mend that.
    Refused,
    /// There is no room. Deleting may help.
    Full,
    /// No answer in time, or none that says more than that the store fails: it passes.
    Away,
    /// The database was closed under us, or by us: this process can't go on with it, and the next can.
    Closed,
    /// What was written is not there any more, or is another thing.
    Damaged,
    /// The request can't be right, or a program is at fault.
    Invalid,
}

impl StoreFailure {
    /// Of a call to a store.
    #[must_use]
    pub fn of_objects(error: &object_store::Error) -> Self {
        use object_store::Error::{
            AlreadyExists, InvalidPath, NotFound, NotImplemented, NotModified, NotSupported,
            PermissionDenied, Precondition, Unauthenticated, UnknownConfigurationKey,
        };
        match error {
            NotFound { .. } if no_store(error) => Self::Refused,
            NotFound { .. } => Self::Missing,
            AlreadyExists { .. } | Precondition { .. } | NotModified { .. } => Self::Conflict,
            PermissionDenied { .. } | Unauthenticated { .. } => Self::Refused,
            InvalidPath { .. }
            | NotSupported { .. }
            | NotImplemented { .. }
            | UnknownConfigurationKey { .. } => Self::Invalid,
            _ => Self::of_causes(error),
        }
    }

    /// Of a call to a database.
    #[must_use]
    pub fn of_database(error: &slatedb::Error) -> Self {
        match error.kind() {
            ErrorKind::Transaction => Self::Conflict,
            ErrorKind::Closed(_) => Self::Closed,
            ErrorKind::Unavailable => match Self::of_causes(error) {
                cause @ (Self::Refused | Self::Full) => cause,
                _ => Self::Away,
            },
            // A file that the database names is missing; but where the whole store is, that says nothing about the data.
            ErrorKind::Data if Self::of_causes(error) == Self::Refused => Self::Refused,
            ErrorKind::Data => Self::Damaged,
            _ => Self::Invalid,
        }
    }

    /// Of the system, where it says who can mend it.
    pub(crate) fn of_io(error: &io::Error) -> Option<Self> {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Some(Self::Full),
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Some(Self::Refused),
            _ => None,
        }
    }

    /// Whether trying the same again cannot help, whatever becomes of the store.
    #[must_use]
    pub fn is_permanent(self) -> bool {
        match self {
            Self::Missing | Self::Damaged | Self::Invalid => true,
            Self::Conflict | Self::Refused | Self::Full | Self::Away | Self::Closed => false,
        }
    }

    /// What the causes of an error say. Nothing they don't say is held against the data.
    fn of_causes(error: &(dyn Error + 'static)) -> Self {
        let mut causes = causes(error);
        causes.find_map(Self::of_cause).unwrap_or(Self::Away)
    }

    fn of_cause(error: &(dyn Error + 'static)) -> Option<Self> {
        // A database keeps its store's error behind a pointer.
        if let Some(shared) = error.downcast_ref::<Arc<object_store::Error>>() {
            return Some(Self::of_objects(shared));
        }
        if let Some(io) = error.downcast_ref::<io::Error>() {
            return Self::of_io(io);
        }
        let (status, body) = answer(error)?;
        let says = |words: &[&str]| words.iter().any(|word| body.contains(word));
        match status {
            507 => Some(Self::Full),
            _ if says(&FULL) => Some(Self::Full),
            400 if says(&STALE) => Some(Self::Refused),
            400 if says(&[SLOW]) => Some(Self::Away),
            408 | 429 => Some(Self::Away),
            401 | 403 => Some(Self::Refused),
            404 if says(&NO_STORE) => Some(Self::Refused),
            404 => Some(Self::Missing),
            409 | 412 => Some(Self::Conflict),
            // A redirect is another region's.
            300..=499 => Some(Self::Invalid),
            _ => None,
        }
    }
}

/// Whether a 404 is about the bucket.
fn no_store(error: &object_store::Error) -> bool {
    causes(error).filter_map(answer).any(|(_, body)| NO_STORE.iter().any(|word| body.contains(word)))
}

/// The status and the body of an answer, if the error is one.
fn answer(error: &(dyn Error + 'static)) -> Option<(u16, String)> {
    let text = error.to_string();
    let (status, body) = text.strip_prefix(ANSWERED)?.split_at_checked(3)?;
    Some((status.parse().ok()?, body.to_owned()))
}

/// The error and its causes, those inside of an [`io::Error`] as well, which `source` leaves out.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| match error.downcast_ref::<io::Error>() {
        Some(io) => io.get_ref().map(|inner| inner as &(dyn Error + 'static)),
        None => error.source(),
    })
}

#[cfg(test)]
mod tests {
    use object_store::Error as Objects;

    use super::*;

    /// As object_store tells an answer with an error status.
    #[derive(Debug, thiserror::Error)]
    #[error("Server returned non-2xx status code: {0}")]
    struct Answer(&'static str);

    #[derive(Debug, thiserror::Error)]
    #[error("Error performing PUT https://store/NoSuchBucket/QuotaExceeded in 1s")]
    struct Request(#[source] Answer);

    fn generic(source: impl Error + Send + Sync + 'static) -> Objects {
        Objects::Generic { store: "S3", source: Box::new(source) }
    }

    fn missing(answer: &'static str) -> Objects {
        Objects::NotFound { path: "a".into(), source: Box::new(Request(Answer(answer))) }
    }

    #[test]
    fn an_answer_says_who_can_mend_it() {
        for (answer, failure) in [
            ("503 Service Unavailable: <Code>SlowDown</Code>", StoreFailure::Away),
            ("500 Internal Server Error: ", StoreFailure::Away),
            ("429 Too Many Requests: ", StoreFailure::Away),
            ("400 Bad Request: <Code>RequestTimeout</Code>", StoreFailure::Away),
            ("400 Bad Request: <Code>ExpiredToken</Code>", StoreFailure::Refused),
            ("403 Forbidden: <Code>AccessDenied</Code>", StoreFailure::Refused),
            ("403 Forbidden: <Code>QuotaExceeded</Code>", StoreFailure::Full),
            ("507 Insufficient Storage: <Code>XMinioStorageFull</Code>", StoreFailure::Full),
            ("400 Bad Request: <Code>InvalidArgument</Code>", StoreFailure::Invalid),
            ("404 Not Found: <Code>NoSuchBucket</Code>", StoreFailure::Refused),
            ("404 Not Found: ", StoreFailure::Missing),
            ("412 Precondition Failed: ", StoreFailure::Conflict),
            ("301 Moved Permanently: <Code>PermanentRedirect</Code>", StoreFailure::Invalid),
        ] {
            assert_eq!(StoreFailure::of_objects(&generic(Request(Answer(answer)))), failure, "{answer}");
        }
    }

    #[test]
    fn a_bucket_that_is_gone_is_no_missing_object() {
        let object = missing("404 Not Found: <Code>NoSuchKey</Code>");
        assert_eq!(StoreFailure::of_objects(&object), StoreFailure::Missing, "whatever the address says");
        for bucket in ["404 Not Found: <Code>NoSuchBucket</Code>", "404 Not Found: ContainerNotFound"] {
            assert_eq!(StoreFailure::of_objects(&missing(bucket)), StoreFailure::Refused, "{bucket}");
        }
    }

    #[test]
    fn a_disk_says_it_by_the_kind_of_its_error() {
        for (kind, failure) in [
            (io::ErrorKind::StorageFull, StoreFailure::Full),
            (io::ErrorKind::QuotaExceeded, StoreFailure::Full),
            (io::ErrorKind::PermissionDenied, StoreFailure::Refused),
            (io::ErrorKind::ReadOnlyFilesystem, StoreFailure::Refused),
            (io::ErrorKind::ConnectionRefused, StoreFailure::Away),
            (io::ErrorKind::TimedOut, StoreFailure::Away),
        ] {
            assert_eq!(StoreFailure::of_objects(&generic(io::Error::from(kind))), failure, "{kind}");
            // A stream wraps a store's error in one of its own.
            let wrapped = generic(io::Error::other(generic(io::Error::from(kind))));
            assert_eq!(StoreFailure::of_objects(&wrapped), failure, "{kind}, wrapped");
        }
    }

    #[test]
    fn a_database_on_a_store_that_is_away_is_not_damaged() {
        let on = |error: slatedb::Error, cause: Objects| error.with_source(Box::new(Arc::new(cause)));
        let unavailable = || slatedb::Error::unavailable("x".into());
        let data = || slatedb::Error::data("x".into());
        for (error, failure) in [
            (on(unavailable(), generic(Request(Answer("503 Slow Down: ")))), StoreFailure::Away),
            (on(unavailable(), generic(Request(Answer("403 Forbidden: ")))), StoreFailure::Refused),
            (on(unavailable(), generic(io::Error::from(io::ErrorKind::StorageFull))), StoreFailure::Full),
            (on(data(), missing("404 Not Found: <Code>NoSuchBucket</Code>")), StoreFailure::Refused),
            (on(data(), missing("404 Not Found: <Code>NoSuchKey</Code>")), StoreFailure::Damaged),
            (data(), StoreFailure::Damaged),
            (slatedb::Error::closed("x".into(), slatedb::CloseReason::Fenced), StoreFailure::Closed),
            (slatedb::Error::transaction("x".into()), StoreFailure::Conflict),
            (slatedb::Error::internal("x".into()), StoreFailure::Invalid),
            (slatedb::Error::invalid("x".into()), StoreFailure::Invalid),
        ] {
            assert_eq!(StoreFailure::of_database(&error), failure, "{error}");
            assert_eq!(
                failure.is_permanent(),
                matches!(failure, StoreFailure::Damaged | StoreFailure::Invalid),
                "{failure:?}"
            );
        }
    }
}
