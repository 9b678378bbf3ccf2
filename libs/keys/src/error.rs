//! What can go wrong with keys. No variant carries key material.

use std::io;

use maily_store::StoreFailure;

/// A failure of the key hierarchy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A key can't be opened: it belongs elsewhere, or was changed.
    #[error(transparent)]
    Crypto(#[from] maily_crypto::Error),
    /// The root key's version was destroyed: what it wrapped is lost, as was meant.
    #[error("version {version} of root key {scope} is gone")]
    RootVersionGone {
        /// The root key.
        scope: String,
        /// Its version.
        version: u32,
    },
    /// The root keys could not be reached; a retry may help.
    #[error("the root keys are not available: {0}")]
    RootsUnavailable(String),
    /// The root keys' keeper says no: to the login, or to the use of a key.
    #[error("Vault refuses {0}")]
    RootsRefused(String),
    /// A key was wrapped in an epoch that has ended.
    #[error("a key belongs to epoch {0}, which has ended")]
    EpochEnded(u64),
    /// A name, a table row or the keyring's content is not as it must be.
    #[error("{0}")]
    Invalid(String),
    /// A file of secrets can't be used.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// The database failed.
    #[error("key table: {0}")]
    Store(#[from] slatedb::Error),
    /// Our own program is at fault.
    #[error("the service failed")]
    Panicked,
}

impl From<maily_chassis::SecretFileError> for Error {
    fn from(error: maily_chassis::SecretFileError) -> Self {
        let (path, source) = error.into_parts();
        Self::File { path: path.display().to_string(), source }
    }
}

impl Error {
    /// Whether trying the same again cannot help.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::RootsUnavailable(_) => false,
            Self::Store(error) => StoreFailure::of_database(error).is_permanent(),
            _ => true,
        }
    }

    /// Whether a key is lost or was changed, so that what it opens is lost too. The rest is somebody's trouble who can mend it:
    /// a database's, a store's, the keeper's of the root keys.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Store(error) => StoreFailure::of_database(error) == StoreFailure::Damaged,
            Self::Crypto(_) | Self::RootVersionGone { .. } | Self::EpochEnded(_) | Self::Invalid(_) => true,
            Self::RootsUnavailable(_) | Self::RootsRefused(_) | Self::File { .. } | Self::Panicked => false,
        }
    }
}
