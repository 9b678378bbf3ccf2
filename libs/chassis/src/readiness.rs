//! Whether the service can do its work now, and if not, why.

use std::sync::{Arc, Mutex, PoisonError};

/// A shared answer for `/readyz` and gRPC health. A service is ready once it serves and nothing holds it back.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    serving: bool,
    reason: Option<String>,
    closed: Option<String>,
}

impl Readiness {
    /// Holds the service back (`false`) or lets go of every reason to (`true`).
    pub fn set(&self, ready: bool) {
        self.with(|state| state.reason = (!ready).then(|| "not ready yet".to_owned()));
    }

    /// Holds the service back with a reason that operators may read (no personal data, no secret).
    pub fn fail(&self, reason: impl Into<String>) {
        let reason = reason.into();
        self.with(|state| state.reason = Some(reason));
    }

    /// Closes the service: until [`Self::reopen`] it is not ready and refuses every request, for this reason (no
    /// personal data, no secret).
    pub fn close(&self, reason: impl Into<String>) {
        let reason = reason.into();
        self.with(|state| state.closed = Some(reason));
    }

    /// Ends what [`Self::close`] began.
    pub fn reopen(&self) {
        self.with(|state| state.closed = None);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.with(|state| state.closed.is_some())
    }

    /// `Ok` when ready, else the reason.
    ///
    /// # Errors
    /// Why the service is not ready.
    pub fn check(&self) -> Result<(), String> {
        self.with(|state| match (state.closed.as_ref().or(state.reason.as_ref()), state.serving) {
            (Some(reason), _) => Err(reason.clone()),
            (None, false) => Err("starting or stopping".to_owned()),
            (None, true) => Ok(()),
        })
    }

    pub(crate) fn serving(&self, serving: bool) {
        self.with(|state| state.serving = serving);
    }

    fn with<R>(&self, f: impl FnOnce(&mut State) -> R) -> R {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
