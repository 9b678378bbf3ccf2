//! Whether the service can do its work now, and if not, why.

use std::sync::{Arc, Mutex, PoisonError};

/// A shared answer for `/readyz` and gRPC health. A service is ready once it serves and nothing holds it back.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    serving: bool,
    reason: Option<String>,
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

    /// `Ok` when ready, else the reason.
    ///
    /// # Errors
    /// Why the service is not ready.
    pub fn check(&self) -> Result<(), String> {
        self.with(|state| match (&state.reason, state.serving) {
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
