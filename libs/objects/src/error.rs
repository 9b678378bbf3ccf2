//! Failures of a call to storage. None carries a key's secret or an object's bytes.

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::http::Response;

/// A failed call.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The settings can't be used.
    #[error("{0}")]
    Config(String),
    /// There is no such object or bucket.
    #[error("no such object")]
    NotFound,
    /// The condition of the write does not hold.
    #[error("the object is there already")]
    Condition,
    /// The object is longer than asked for.
    #[error("the object is longer than {0} bytes")]
    TooLong(u64),
    /// The service refused.
    #[error("storage refused ({code}): {message}")]
    Refused {
        /// S3's name of the error.
        code: String,
        /// The service's words.
        message: String,
    },
    /// The service failed; a retry may help.
    #[error("storage failed with status {0}")]
    Failed(u16),
    /// The service did not answer; a retry may help.
    #[error("storage is not reachable: {0}")]
    Unreachable(String),
}

impl Error {
    /// Whether trying the same again cannot help.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        !matches!(self, Self::Failed(_) | Self::Unreachable(_))
    }

    /// S3's name of the refusal.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { code, .. } => Some(code),
            _ => None,
        }
    }
}

impl<E: ProvideErrorMetadata> From<SdkError<E, Response>> for Error {
    fn from(error: SdkError<E, Response>) -> Self {
        match error {
            SdkError::ServiceError(context) => {
                let status = context.raw().status().as_u16();
                answer(status, context.err().code(), context.err().message())
            }
            SdkError::ResponseError(context) => match context.raw().status().as_u16() {
                status @ 500.. => Self::Failed(status),
                _ => Self::Unreachable("the answer broke off".into()),
            },
            SdkError::TimeoutError(_) => Self::Unreachable("it took too long".into()),
            SdkError::DispatchFailure(failure) => {
                let why = failure.as_connector_error().map(ToString::to_string);
                Self::Unreachable(why.unwrap_or_else(|| "no connection".into()))
            }
            _ => Self::Config("the request could not be built".into()),
        }
    }
}

fn answer(status: u16, code: Option<&str>, message: Option<&str>) -> Error {
    match (status, code.unwrap_or_default()) {
        (404, "" | "NoSuchKey" | "NotFound" | "NoSuchBucket") => Error::NotFound,
        (412, _) => Error::Condition,
        // s3s says so with 400; the body was cut or slow, which the next attempt's need not be.
        (400, "RequestTimeout" | "IncompleteBody") => Error::Failed(status),
        // 408: the body came too slowly; 429: the edge's rate; both pass.
        (408 | 429 | 500.., _) => Error::Failed(status),
        (_, code) => {
            Error::Refused { code: code.to_owned(), message: message.unwrap_or("no reason given").to_owned() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_pass_is_tried_again() {
        assert!(!answer(503, Some("SlowDown"), None).is_permanent());
        assert!(!answer(429, None, None).is_permanent());
        assert!(!answer(400, Some("RequestTimeout"), None).is_permanent());
        assert!(!answer(400, Some("IncompleteBody"), None).is_permanent());
        assert!(answer(400, Some("InvalidRequest"), None).is_permanent());
        assert!(answer(403, Some("AccessDenied"), None).is_permanent());
        assert!(matches!(answer(404, Some("NoSuchKey"), None), Error::NotFound));
        assert!(matches!(answer(412, Some("PreconditionFailed"), None), Error::Condition));
    }
}
