//! Why a command was not carried out, and how it ends.

use std::process::ExitCode;

use crate::printable;

// Exit codes, from `sysexits.h`.
/// The command was used wrongly.
pub const USAGE: u8 = 64;
/// What it was given can't be used.
pub const DATA: u8 = 65;
/// The service does not answer.
pub const UNAVAILABLE: u8 = 69;
/// A file or this machine failed.
pub const IO: u8 = 74;
/// The key is not accepted, or not for this.
pub const NOPERM: u8 = 77;
/// Ctrl-C or SIGTERM (128 + SIGINT).
pub const INTERRUPTED: u8 = 130;

/// Why a command was not carried out: one sentence and an exit code.
#[derive(Debug, thiserror::Error)]
#[error("{sentence}")]
pub struct Failure {
    /// The process's exit code.
    pub code: u8,
    sentence: String,
}

impl Failure {
    /// A failure with this exit code.
    pub fn new(code: u8, sentence: impl std::fmt::Display) -> Self {
        Self { code, sentence: sentence.to_string() }
    }

    /// Says it on standard error; the process's exit code.
    #[must_use]
    pub fn tell(&self) -> ExitCode {
        eprintln!("maily: {}", printable(&self.sentence));
        ExitCode::from(self.code)
    }
}

/// Runs a command to its end, or until Ctrl-C or SIGTERM, which ends it with the sentence that `interrupted` then gives.
pub fn run<S: std::fmt::Display>(
    command: impl Future<Output = Result<(), Failure>>,
    interrupted: impl FnOnce() -> S,
) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Failure::new(IO, error).tell(),
    };
    let result = runtime.block_on(async {
        tokio::select! {
            result = command => result,
            () = told_to_end() => Err(Failure::new(INTERRUPTED, interrupted())),
        }
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.tell(),
    }
}

/// Waits for Ctrl-C or SIGTERM.
async fn told_to_end() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
