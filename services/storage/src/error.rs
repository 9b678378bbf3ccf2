//! What can go wrong below the S3 protocol, and what the client is told.

use maily_chassis::{Error as Fatal, WorkError};
use maily_store::StoreFailure;
use s3s::{S3Error, S3ErrorCode, s3_error};

/// A failure of the service's own parts.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A region's store can't be opened.
    #[error(transparent)]
    Open(#[from] maily_store::StoreError),
    /// No key could be made.
    #[error(transparent)]
    Crypto(#[from] maily_crypto::Error),
    /// The key hierarchy failed.
    #[error(transparent)]
    Keys(#[from] maily_keys::Error),
    /// The index failed.
    #[error("index: {0}")]
    Index(#[from] slatedb::Error),
    /// The store of blobs failed.
    #[error("object store: {0}")]
    Store(#[from] object_store::Error),
    /// An object's bytes are not what was written.
    #[error("a blob is damaged: {0}")]
    Damaged(String),
    /// A row of the index can't be read.
    #[error("a row of the index is damaged")]
    Row,
    /// The client's body broke off.
    #[error("the request body broke off")]
    Body,
    /// The client sent or took nothing for too long.
    #[error("the client is too slow")]
    Slow,
    /// The store below, or the index on it, took too long.
    #[error("the object store takes too long")]
    StoreSlow,
    /// The body came most slowly of those of the key with most of them, and another was waiting.
    #[error("the body gave way to another")]
    GaveWay,
    /// The body is longer than allowed.
    #[error("the body is longer than {0} bytes")]
    TooLarge(u64),
    /// A worker was cut off, at the shutdown.
    #[error("a worker ended")]
    Worker,
    /// A worker panicked.
    #[error("a worker panicked")]
    Panicked,
    /// A condition of the request does not hold, or the request can't be served as it is.
    #[error("{0}")]
    Refused(S3Error),
    /// A region's database was closed under us: this process can't go on, and the next can.
    #[error("the index of region {0} was closed")]
    Lost(&'static str),
    /// A setting can't be used.
    #[error("{0}")]
    Config(String),
}

impl Error {
    /// Whether trying the same again cannot help.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::Open(error) => error.is_permanent(),
            Self::Keys(error) => error.is_permanent(),
            Self::Index(error) => StoreFailure::of_database(error).is_permanent(),
            Self::Store(error) => StoreFailure::of_objects(error).is_permanent(),
            Self::StoreSlow | Self::Body | Self::Slow | Self::GaveWay | Self::Worker | Self::Lost(_) => false,
            Self::Crypto(_)
            | Self::Damaged(_)
            | Self::Row
            | Self::TooLarge(_)
            | Self::Refused(_)
            | Self::Config(_)
            | Self::Panicked => true,
        }
    }

    /// Whether what was written can't be read any more, or its key is lost.
    fn is_damage(&self) -> bool {
        match self {
            Self::Damaged(_) | Self::Row => true,
            Self::Index(error) => StoreFailure::of_database(error) == StoreFailure::Damaged,
            Self::Keys(error) => error.is_damage(),
            _ => false,
        }
    }

    /// Whether it waits for somebody who keeps the root keys, or a file of secrets.
    fn is_the_keepers(&self) -> bool {
        use maily_keys::Error::{File, RootsRefused};
        matches!(self, Self::Keys(RootsRefused(_) | File { .. }))
    }

    /// Whether the database was closed under us, by another process that took over or by a fatal fault.
    pub(crate) fn is_closed(&self) -> bool {
        let error = match self {
            Self::Index(error) | Self::Keys(maily_keys::Error::Store(error)) => error,
            _ => return false,
        };
        StoreFailure::of_database(error) == StoreFailure::Closed
    }
}

impl From<WorkError> for Error {
    fn from(error: WorkError) -> Self {
        match error {
            WorkError::Panicked => Self::Panicked,
            WorkError::Interrupted => Self::Worker,
        }
    }
}

impl From<S3Error> for Error {
    fn from(error: S3Error) -> Self {
        Self::Refused(error)
    }
}

impl From<S3ErrorCode> for Error {
    fn from(code: S3ErrorCode) -> Self {
        Self::Refused(code.into())
    }
}

impl From<Error> for S3Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(error) => error,
            Error::Body => s3_error!(IncompleteBody, "The request body broke off."),
            Error::Slow => s3_error!(RequestTimeout, "No data came for too long."),
            Error::StoreSlow => {
                tracing::warn!("the object store takes too long");
                s3_error!(SlowDown, "The store is too slow; try again.")
            }
            Error::GaveWay => {
                s3_error!(SlowDown, "Too many uploads are under way, and this one gave way; try again.")
            }
            Error::TooLarge(limit) => s3_error!(EntityTooLarge, "An object may have at most {limit} bytes."),
            error if error.is_damage() => {
                tracing::error!(%error, "an object can't be read");
                s3_error!(InternalError, "The stored object is damaged.")
            }
            error if error.is_closed() => s3_error!(ServiceUnavailable, "The region is being handed over."),
            // 500 is what comes again however often it is asked; what passes is 503.
            error if error.is_permanent() && !error.is_the_keepers() => {
                tracing::error!(%error, "a request failed");
                s3_error!(InternalError, "The service failed.")
            }
            error => {
                tracing::error!(%error, "a request failed");
                s3_error!(ServiceUnavailable, "The service failed; try again.")
            }
        }
    }
}

impl From<Error> for Fatal {
    fn from(error: Error) -> Self {
        if error.is_permanent() { Self::new(error) } else { Self::unavailable(error) }
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;

    use super::*;

    /// As object_store tells that a bucket is not there.
    #[derive(Debug, thiserror::Error)]
    #[error("Server returned non-2xx status code: 404 Not Found: <Code>NoSuchBucket</Code>")]
    struct NoBucket;

    #[test]
    fn what_a_restart_may_mend_is_no_usage_error() {
        assert_eq!(Fatal::from(Error::Config("tenant: no".into())).code(), 64);
        assert_eq!(Fatal::from(Error::Lost("eu")).code(), 69);
        let full = io::Error::from(io::ErrorKind::StorageFull);
        let full = object_store::Error::Generic { store: "local", source: full.into() };
        assert_eq!(Fatal::from(Error::Store(full)).code(), 69);
        let closed = slatedb::Error::closed("x".into(), slatedb::CloseReason::Fenced);
        assert_eq!(Fatal::from(Error::Index(closed)).code(), 69, "the next process opens it again");
        let unknown = "ftp://a".parse::<maily_store::StoreUrl>().unwrap_err();
        assert_eq!(Fatal::from(Error::Open(unknown.into())).code(), 64);
    }

    fn told(error: Error) -> (u16, String) {
        let error = S3Error::from(error);
        let status = error.status_code().map_or(0, |status| status.as_u16());
        (status, error.message().unwrap_or_default().to_owned())
    }

    #[test]
    fn what_comes_again_is_told_from_what_passes() {
        const DAMAGED: &str = "The stored object is damaged.";
        let key = |error: maily_keys::Error| Error::Keys(error);
        for damage in [
            Error::Row,
            Error::Damaged("x".into()),
            Error::Index(slatedb::Error::data("x".into())),
            key(maily_crypto::Error::Authentication.into()),
            key(maily_keys::Error::EpochEnded(1)),
            key(maily_keys::Error::Store(slatedb::Error::data("x".into()))),
        ] {
            assert_eq!(told(damage), (500, DAMAGED.into()));
        }
        for fault in [
            Error::from(WorkError::Panicked),
            Error::Index(slatedb::Error::internal("x".into())),
            key(maily_keys::Error::Panicked),
        ] {
            assert_eq!(told(fault), (500, "The service failed.".into()));
        }
        let refused =
            || object_store::Error::PermissionDenied { path: "blobs/a".into(), source: "a policy".into() };
        let gone = object_store::Error::NotFound { path: "index".into(), source: Box::new(NoBucket) };
        for passing in [
            Error::from(WorkError::Interrupted),
            Error::Store(object_store::Error::Generic { store: "S3", source: "no answer".into() }),
            Error::Store(refused()),
            Error::Index(slatedb::Error::unavailable("x".into()).with_source(Box::new(refused()))),
            Error::Index(slatedb::Error::data("x".into()).with_source(Box::new(Arc::new(gone)))),
            Error::Index(slatedb::Error::unavailable("x".into())),
            key(maily_keys::Error::RootsUnavailable("x".into())),
            key(maily_keys::Error::RootsRefused("x".into())),
        ] {
            assert_eq!(told(passing), (503, "The service failed; try again.".into()));
        }
        let closed = slatedb::Error::closed("x".into(), slatedb::CloseReason::Fenced);
        assert_eq!(told(Error::Index(closed)).0, 503);
    }

    #[tokio::test]
    async fn a_panic_beside_the_request_is_a_failure_and_no_outage() {
        let computed: Result<(), Error> = crate::blobs::compute(1 << 20, || panic!("a secret")).await;
        assert_eq!(told(computed.unwrap_err()), (500, "The service failed.".into()));
    }
}
