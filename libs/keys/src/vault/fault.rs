//! What Vault's answers mean. Their texts are dropped here: they may quote what was asked.

use vaultrs::error::ClientError;

use crate::Error;

/// Why a call to Vault failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// No answer, or one that says to try again: sealed, standby, overloaded.
    Away(String),
    /// The token, the login or the policy does not do.
    Refused,
    /// There is no such key, or the request can't be right.
    Bad(u16),
}

impl Fault {
    pub(super) fn of(error: &ClientError) -> Self {
        match status(error) {
            None => Self::Away(said(error)),
            Some(401 | 403) => Self::Refused,
            Some(code @ (400 | 404 | 405)) => Self::Bad(code),
            Some(code) => Self::Away(format!("it answers with status {code}")),
        }
    }

    /// For a caller that was about to do `what`.
    pub(super) fn into_error(self, what: &str) -> Error {
        match self {
            Self::Away(why) => Error::RootsUnavailable(format!("Vault: {why}")),
            // A token may have ended: the keeper looks, and says so if it is more than that.
            Self::Refused => Error::RootsUnavailable(format!("Vault refuses to {what}")),
            Self::Bad(code) => Error::Invalid(format!("Vault can't {what} (status {code})")),
        }
    }
}

/// The HTTP status of an answer, if there was one.
fn status(error: &ClientError) -> Option<u16> {
    match error {
        ClientError::APIError { code, .. } => Some(*code),
        ClientError::RestClientError {
            source: rustify::errors::ClientError::ServerResponseError { code, .. },
        } => Some(*code),
        _ => None,
    }
}

fn said(error: &ClientError) -> String {
    match error {
        ClientError::RestClientError { source: rustify::errors::ClientError::RequestError { .. } } => {
            "it can't be reached".to_owned()
        }
        _ => "its answer can't be read".to_owned(),
    }
}
