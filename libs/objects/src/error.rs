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
    /// The object's bytes are not what was written, or its record can't be read.
    #[error("the object is damaged")]
    Damaged,
    /// The service did not answer; a retry may help.
    #[error("storage is not reachable: {0}")]
    Unreachable(String),
    /// The service was reached, and broke the connection off; a retry may help.
    #[error("storage broke the connection off")]
    Broke,
}

/// What the storage service says of a damaged object; S3 has no code for it.
const DAMAGED: &str = "The stored object is damaged.";

impl Error {
    /// Whether trying the same again cannot help.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        !matches!(self, Self::Failed(_) | Self::Unreachable(_) | Self::Broke)
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
                _ => Self::Broke,
            },
            SdkError::TimeoutError(_) => Self::Unreachable("it took too long".into()),
            SdkError::DispatchFailure(failure) => {
                let error = failure.as_connector_error();
                if error.is_some_and(|error| maily_chassis::broke_off(error)) {
                    return Self::Broke;
                }
                Self::Unreachable(error.map_or_else(|| "no connection".into(), ToString::to_string))
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
        (500, "InternalError") if message == Some(DAMAGED) => Error::Damaged,
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
        assert!(
            !answer(503, Some("ServiceUnavailable"), Some("The service failed; try again.")).is_permanent()
        );
        assert!(!answer(500, Some("InternalError"), Some("The service failed.")).is_permanent());
        assert!(answer(500, Some("InternalError"), Some(DAMAGED)).is_permanent());
        assert!(answer(400, Some("InvalidRequest"), None).is_permanent());
        assert!(answer(403, Some("AccessDenied"), None).is_permanent());
        assert!(matches!(answer(404, Some("NoSuchKey"), None), Error::NotFound));
        assert!(matches!(answer(412, Some("PreconditionFailed"), None), Error::Condition));
    }
}
