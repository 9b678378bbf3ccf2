//! The one error that ends a service: a sentence for the operator and an exit code.

use std::fmt;

/// Exit codes, from `sysexits.h`.
pub(crate) const USAGE: u8 = 64;
const UNAVAILABLE: u8 = 69;

/// Why a service can't start or go on: one sentence, without secrets, and the process's exit code.
#[derive(Debug)]
pub struct Error {
    message: String,
    code: u8,
}

impl Error {
    /// The configuration, or something that it names, can't be used: exit code 64.
    pub fn new(message: impl fmt::Display) -> Self {
        Self { message: message.to_string(), code: USAGE }
    }

    /// Something outside the service is missing or was lost, and starting again may help: exit code 69.
    pub fn unavailable(message: impl fmt::Display) -> Self {
        Self { message: message.to_string(), code: UNAVAILABLE }
    }

    /// The process's exit code.
    #[must_use]
    pub fn code(&self) -> u8 {
        self.code
    }

    /// Whether starting again without a change would end the same way.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        self.code == USAGE
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl From<crate::config::ConfigError> for Error {
    fn from(error: crate::config::ConfigError) -> Self {
        Self::new(error)
    }
}
