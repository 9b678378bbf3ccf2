//! When a step gives up: the same failure again and again is told from a peer that is away.
//!
//! * A peer that is away, overloaded or not set up yet (no connection, no answer in time, gRPC `UNAVAILABLE` and the like,
//!   HTTP 429, 502 to 504) is waited for: Restate repeats the step, and nothing is counted.
//! * An answer that says no (a refusal of the request itself, HTTP 500 or gRPC `INTERNAL` and `UNKNOWN`, an answer that
//!   can't be read), a template that can't be merged, a panic of our own: the fifth that is the same ends the campaign.
//! * A connection that was open and broke off, as it does where the request is what kills the peer. Each of these failures
//!   is three broken connections in a row under one call, and the pauses between them come to four minutes; the seventh
//!   of one peer ends the campaign. A peer that is down has no connection to break, so no outage is counted, however
//!   long it is.
//!   Who is away when patience ends counts as broken off where it broke off under the same call: it may take long to come
//!   back from what it was asked.
//! * A judge that does not answer in time may have been asked what takes too long, or be overloaded: the twentieth ends the
//!   campaign, after a quarter of an hour of pauses alone.
//!
//! What is counted is in Restate's journal, as results of the step: a restart of anything forgets none of it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Tries with the same answer.
const SAME: usize = 5;
/// Tries that ended with a broken connection.
const BROKEN: usize = 7;
/// Tries that failed in whatever ways: a failure that never says the same is one, too.
const ALL: usize = 20;
/// A peer that may have died is given this many times longer to come back.
const REVIVAL: u32 = 10;
/// The longest pause, as a multiple of the first.
const LONGEST: u32 = 60;

/// What kind of failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    /// An answer, or something of our own: it took no luck to get it.
    Answer,
    /// A connection broke off.
    Break,
    /// A judge gave no answer in time.
    Delay,
}

/// One failure that counts, as the journal has it: no personal data, no copy, no peer's words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Fault {
    pub(super) kind: Kind,
    /// The same for the same failure.
    pub(super) print: String,
    /// One sentence.
    pub(super) reason: String,
}

/// What comes of a failure.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Another try, after this pause.
    Again(Duration),
    /// The end, with this sentence.
    GiveUp(String),
}

/// The failures of one step so far.
#[derive(Default)]
pub(super) struct Faults(Vec<Fault>);

impl Faults {
    /// Counts a failure of what `step` names; `first` is the pause after the first of its kind.
    pub(super) fn add(&mut self, fault: Fault, step: &str, first: Duration) -> Next {
        let alike = |other: &&Fault| other.kind == fault.kind && other.print == fault.print;
        let same = 1 + self.0.iter().filter(alike).count();
        let (most, unit) = match fault.kind {
            Kind::Answer => (SAME, 1),
            Kind::Break => (BROKEN, REVIVAL),
            Kind::Delay => (ALL, REVIVAL),
        };
        let reason = format!("{}: {} ({same} times)", sentence(step), fault.reason);
        self.0.push(fault);
        if same >= most || self.0.len() >= ALL {
            return Next::GiveUp(reason);
        }
        let doubled = u32::try_from(same - 1).ok().and_then(|n| 1_u32.checked_shl(n)).unwrap_or(LONGEST);
        Next::Again(first * unit.saturating_mul(doubled).min(LONGEST))
    }
}

/// What did not get done.
fn sentence(step: &str) -> &'static str {
    match step {
        "plan" => "the campaign could not be planned",
        "copy" => "the copy of a cohort could not be written",
        "pages" => "messages could not be handed off",
        "report" => "the report could not be made",
        _ => "the end of the campaign could not be recorded",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Duration = Duration::from_secs(1);

    fn fault(kind: Kind, print: &str) -> Fault {
        Fault { kind, print: print.into(), reason: "inference answered HTTP status 500".into() }
    }

    /// The pauses in seconds until it gives up, and the sentence.
    fn until_it_gives_up(kind: Kind, print: impl Fn(usize) -> String) -> (Vec<u64>, String) {
        let (mut faults, mut pauses) = (Faults::default(), Vec::new());
        loop {
            match faults.add(fault(kind, &print(pauses.len())), "copy", FIRST) {
                Next::Again(pause) => pauses.push(pause.as_secs()),
                Next::GiveUp(sentence) => return (pauses, sentence),
            }
        }
    }

    #[test]
    fn the_fifth_of_the_same_answer_is_the_last() {
        let (pauses, sentence) = until_it_gives_up(Kind::Answer, |_| "same".into());
        assert_eq!(pauses, [1, 2, 4, 8]);
        let said = "the copy of a cohort could not be written: inference answered HTTP status 500 (5 times)";
        assert_eq!(sentence, said);
    }

    #[test]
    fn what_kills_a_peer_ends_after_minutes() {
        let (pauses, _) = until_it_gives_up(Kind::Break, |_| "same".into());
        assert_eq!(pauses, [10, 20, 40, 60, 60, 60]);
        assert!(pauses.iter().sum::<u64>() >= 4 * 60);
    }

    #[test]
    fn a_judge_that_is_late_each_time_ends_it_after_a_quarter_of_an_hour() {
        let (pauses, _) = until_it_gives_up(Kind::Delay, |_| "same".into());
        assert_eq!(pauses.len() + 1, ALL);
        assert!(pauses.iter().sum::<u64>() >= 15 * 60, "{pauses:?}");
    }

    #[test]
    fn what_is_never_the_same_ends_too() {
        let (pauses, _) = until_it_gives_up(Kind::Answer, |n| n.to_string());
        assert_eq!(pauses.len() + 1, ALL);
    }

    #[test]
    fn another_failure_between_does_not_count() {
        let mut faults = Faults::default();
        for _ in 0..SAME - 1 {
            assert!(matches!(faults.add(fault(Kind::Answer, "a"), "copy", FIRST), Next::Again(_)));
            assert!(matches!(faults.add(fault(Kind::Break, "b"), "copy", FIRST), Next::Again(_)));
        }
        assert!(matches!(faults.add(fault(Kind::Answer, "a"), "copy", FIRST), Next::GiveUp(_)));
    }
}
