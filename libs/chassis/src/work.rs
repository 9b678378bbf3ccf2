//! Work beside the threads that serve, and why it may have no result.
//!
//! A panic there is no outage: the same request meets it again. So it is told from work that was cut off because the process
//! ends, which the next process does.

use tokio::task::JoinError;

/// Why work on another thread, or in another task, has no result. What a panic said stays in the log: it may quote what it
/// was about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WorkError {
    /// It panicked: trying again can't help.
    #[error("the service failed")]
    Panicked,
    /// It was cut off, as when the process ends: another process may do it.
    #[error("the work was interrupted")]
    Interrupted,
}

impl From<JoinError> for WorkError {
    fn from(error: JoinError) -> Self {
        if error.is_panic() { Self::Panicked } else { Self::Interrupted }
    }
}

/// Does work that computes or waits for files on a thread that is meant for it. It begins at once, and goes on to its end also
/// where nobody waits for it.
///
/// # Errors
/// It has no result.
#[expect(clippy::disallowed_methods, reason = "the one place that tells a panic from a shutdown")]
pub fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> impl Future<Output = Result<T, WorkError>> + Send {
    let task = tokio::task::spawn_blocking(work);
    async move { Ok(task.await?) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_told_from_an_end() {
        assert_eq!(blocking(|| 1).await, Ok(1));
        assert_eq!(blocking(|| -> u32 { panic!("ann@example.com") }).await, Err(WorkError::Panicked));
        assert!(!WorkError::Panicked.to_string().contains("ann"));
        let task = tokio::spawn(std::future::pending::<()>());
        task.abort();
        assert_eq!(task.await.map_err(WorkError::from), Err(WorkError::Interrupted));
    }
}
