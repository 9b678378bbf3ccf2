//! Why a stack could not be started or stopped.

use std::{io, path::PathBuf};

/// Why a stack could not be started or stopped: one sentence for the person at the terminal.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder could not be read or written.
    #[error("{path}: {source}", path = path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A certificate could not be made.
    #[error("making a certificate failed: {0}")]
    Certificate(#[from] rcgen::Error),
    /// A program is not where it should be.
    #[error("{0} is missing; `cargo xtask up` builds and fetches what is needed")]
    Missing(PathBuf),
    /// A port is taken.
    #[error("port {0} on 127.0.0.1 is in use; stop what uses it, or use `--port-base`")]
    Port(u16),
    /// A process ended instead of becoming or staying ready.
    #[error("{name} ended: {why} (log: {log})", log = log.display())]
    Ended {
        /// Which.
        name: String,
        /// Its last words, or its exit status.
        why: String,
        /// Where its log is.
        log: PathBuf,
    },
    /// A process did not become ready in time.
    #[error("{name} was not ready after {seconds} s: {why} (log: {log})", log = log.display())]
    NotReady {
        /// Which.
        name: String,
        /// What `/readyz` said last.
        why: String,
        /// The deadline.
        seconds: u64,
        /// Where its log is.
        log: PathBuf,
    },
    /// A real part of a test refuses what it is asked.
    #[error("{0}")]
    Refused(String),
    /// A stack is running on this data folder already.
    #[error("a stack runs on {0} already; `cargo xtask down --data {0}` stops it")]
    Running(PathBuf),
}

impl Error {
    /// Whether starting again without a change would fail the same way.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        !matches!(self, Self::NotReady { .. })
    }

    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        |source| Self::File { path, source }
    }
}
