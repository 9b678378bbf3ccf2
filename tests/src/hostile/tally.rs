//! What was sent, and how it was answered.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// Counts of one kind of caller.
#[derive(Debug, Default)]
pub struct Tally {
    sent: AtomicU64,
    answers: Mutex<BTreeMap<String, u64>>,
}

impl Tally {
    /// How many were sent.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::SeqCst)
    }

    /// How many were answered in which way.
    #[must_use]
    pub fn answers(&self) -> BTreeMap<String, u64> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many were answered in one of these ways.
    pub(super) fn of(&self, answers: &[&str]) -> u64 {
        let all = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.iter().filter_map(|answer| all.get(*answer)).sum()
    }

    pub(super) fn send(&self) {
        self.sent.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn answer(&self, answer: impl Into<String>) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        *answers.entry(answer.into()).or_default() += 1;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} sent", self.sent())?;
        self.answers().iter().try_for_each(|(answer, count)| write!(f, "; {answer}: {count}"))
    }
}
