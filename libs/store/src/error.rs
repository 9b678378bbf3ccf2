//! Why a store can't be opened. No variant carries a secret.

use std::io;
use std::path::Path;

use crate::{StoreFailure, UrlError};

/// A store that can't be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The URL can't be used.
    #[error("store: {0}")]
    Url(#[from] UrlError),
    /// Another setting can't be used.
    #[error("store: {0}")]
    Setting(String),
    /// A file or a folder that the settings name can't be used.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// The store's client refuses the settings, or the store the client.
    #[error("object store: {0}")]
    Objects(#[from] object_store::Error),
}

impl StoreError {
    pub(crate) fn setting(why: impl Into<String>) -> Self {
        Self::Setting(why.into())
    }

    pub(crate) fn file(path: &Path, source: io::Error) -> Self {
        Self::File { path: path.display().to_string(), source }
    }

    /// Whether trying the same again cannot help.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::Url(_) | Self::Setting(_) => true,
            Self::File { source, .. } => StoreFailure::of_io(source) != Some(StoreFailure::Full),
            Self::Objects(error) => StoreFailure::of_objects(error).is_permanent(),
        }
    }
}

impl From<maily_chassis::SecretFileError> for StoreError {
    fn from(error: maily_chassis::SecretFileError) -> Self {
        let (path, source) = error.into_parts();
        Self::file(&path, source)
    }
}
