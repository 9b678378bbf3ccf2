//! Stops the stand-in at a chosen write, so that a test can kill terraform exactly there.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// On which side of keeping a write the answers stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// The write is lost with the connection.
    Before,
    /// The write is kept, and the client never learns it.
    After,
}

#[derive(Default)]
pub(crate) struct Freezer(Mutex<State>);

#[derive(Default)]
struct State {
    writes: usize,
    at: Option<(usize, When)>,
}

/// What to do with a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Keep it and answer.
    Go,
    /// Keep it and never answer.
    Keep,
    /// Never answer.
    Drop,
}

impl Freezer {
    /// Counts a write.
    pub(crate) fn write(&self) -> Verdict {
        let mut state = self.state();
        state.writes += 1;
        match state.at {
            Some((at, When::After)) if state.writes == at => Verdict::Keep,
            Some((at, _)) if state.writes >= at => Verdict::Drop,
            _ => Verdict::Go,
        }
    }

    pub(crate) fn arm(&self, count: usize, when: When) {
        let mut state = self.state();
        state.at = Some((state.writes + count, when));
    }

    pub(crate) fn frozen(&self) -> bool {
        let state = self.state();
        state.at.is_some_and(|(at, _)| state.writes >= at)
    }

    pub(crate) fn thaw(&self) {
        self.state().at = None;
    }

    pub(crate) fn writes(&self) -> usize {
        self.state().writes
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_chosen_write_may_be_kept() {
        let freezer = Freezer::default();
        assert_eq!(freezer.write(), Verdict::Go);
        freezer.arm(2, When::After);
        assert_eq!(freezer.write(), Verdict::Go);
        assert!(!freezer.frozen());
        assert_eq!(freezer.write(), Verdict::Keep);
        assert!(freezer.frozen());
        assert_eq!(freezer.write(), Verdict::Drop);
        freezer.thaw();
        assert_eq!(freezer.write(), Verdict::Go);
        freezer.arm(1, When::Before);
        assert_eq!(freezer.write(), Verdict::Drop);
    }
}
