//! What can go wrong below the S3 protocol, and what the client is told.

use maily_chassis::Error as Fatal;
use s3s::{S3Error, S3ErrorCode, s3_error};

/// A failure of the service's own parts.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
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
    /// The body came most slowly of those of the key with most of them, and another was waiting.
    #[error("the body gave way to another")]
    GaveWay,
    /// The body is longer than allowed.
    #[error("the body is longer than {0} bytes")]
    TooLarge(u64),
    /// A worker thread ended.
    #[error("a worker ended")]
    Worker,
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
            Self::Keys(error) => error.is_permanent(),
            Self::Index(error) => {
                !matches!(error.kind(), slatedb::ErrorKind::Unavailable | slatedb::ErrorKind::Transaction)
            }
            Self::Store(_) | Self::Body | Self::Slow | Self::GaveWay | Self::Worker | Self::Lost(_) => false,
            Self::Damaged(_) | Self::Row | Self::TooLarge(_) | Self::Refused(_) | Self::Config(_) => true,
        }
    }

    /// Whether the database was closed under us, by another process that took over or by a fatal fault.
    pub(crate) fn is_closed(&self) -> bool {
        let error = match self {
            Self::Index(error) | Self::Keys(maily_keys::Error::Store(error)) => error,
            _ => return false,
        };
        matches!(error.kind(), slatedb::ErrorKind::Closed(_))
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
            Error::GaveWay => s3_error!(SlowDown, "Too many uploads of this key are under way; try again."),
            Error::TooLarge(limit) => s3_error!(EntityTooLarge, "An object may have at most {limit} bytes."),
            Error::Damaged(_) | Error::Row => {
                tracing::error!(%error, "an object can't be read");
                s3_error!(InternalError, "The stored object is damaged.")
            }
            error if error.is_closed() => s3_error!(ServiceUnavailable, "The region is being handed over."),
            error => {
                tracing::error!(%error, "a request failed");
                s3_error!(InternalError, "The service failed; try again.")
            }
        }
    }
}

impl From<Error> for Fatal {
    fn from(error: Error) -> Self {
        // Of a closed database the same process has nothing more to hope for, but the next one opens it again.
        if error.is_permanent() && !error.is_closed() { Self::new(error) } else { Self::unavailable(error) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_restart_may_mend_is_no_usage_error() {
        assert_eq!(Fatal::from(Error::Config("tenant: no".into())).code(), 64);
        assert_eq!(Fatal::from(Error::Lost("eu")).code(), 69);
        let full = object_store::Error::Generic { store: "local", source: "no space left".into() };
        assert_eq!(Fatal::from(Error::Store(full)).code(), 69);
    }
}
