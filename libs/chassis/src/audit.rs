//! The audit record: who did what to what, and what became of it.
//!
//! It is lines of the log with the target `audit`, which are written whatever `telemetry.log` says. They hold the name of a
//! key, and never a person's data.

use std::fmt::Display;

/// A line of the record. It is written when this is dropped, so that what is given up halfway is told, too.
#[must_use = "the line is written when this is dropped"]
pub struct Audit {
    action: String,
    owner: String,
    subject: String,
    outcome: String,
}

impl Audit {
    /// `owner` (the name of a key) begins `action` on `subject`.
    pub fn new(action: impl Into<String>, owner: impl Into<String>, subject: impl Into<String>) -> Self {
        Self {
            action: action.into(),
            owner: owner.into(),
            subject: subject.into(),
            outcome: "given up".to_owned(),
        }
    }

    /// Writes the line: `done`, or the code of a refusal.
    pub fn ended(mut self, outcome: impl Display) {
        self.outcome = outcome.to_string();
    }
}

impl Drop for Audit {
    fn drop(&mut self) {
        let Self { action, owner, subject, outcome } = self;
        tracing::info!(target: "audit", action, owner, subject, outcome, "audit");
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_ends_and_what_is_given_up_has_a_line() {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber =
            tracing_subscriber::fmt().json().flatten_event(true).with_writer(move || writer.clone()).finish();
        tracing::subscriber::with_default(subscriber, || {
            Audit::new("import", "ann", "spring").ended(409);
            drop(Audit::new("export", "bob", "autumn"));
        });
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2, "{text}");
        for (line, (action, owner, subject, outcome)) in
            lines.iter().zip([("import", "ann", "spring", "409"), ("export", "bob", "autumn", "given up")])
        {
            assert_eq!(line["target"], "audit");
            assert_eq!((&line["action"], &line["owner"]), (&action.into(), &owner.into()));
            assert_eq!((&line["subject"], &line["outcome"]), (&subject.into(), &outcome.into()));
        }
    }
}
