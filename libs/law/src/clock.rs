//! Whether a clock is believed that says that somebody's time is over.
//!
//! What goes is gone, so a clock that has leapt ahead ([`LEAP`]) is not believed at once: it may be wrong, or the platform was
//! off for so long. It is when it has gone on steadily for a while ([`STEADY`]), in which whoever keeps it sets it right. That
//! time adds up over processes, however short they are, as long as the clock neither goes back nor leaps again.

use jiff::{SignedDuration, Timestamp};

/// By more than this, since it was believed last, a clock has leapt.
const LEAP: SignedDuration = SignedDuration::from_hours(30 * 24);
/// For how long it then has to agree with the time that passes.
const STEADY: SignedDuration = SignedDuration::from_hours(6);
/// By how much it may disagree from one look to the next.
const SET: SignedDuration = SignedDuration::from_secs(60);

/// What is known of a clock, to be kept from one look to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KnownClock {
    /// The latest moment at which it was believed; none where nothing was ever looked at.
    pub believed: Option<Timestamp>,
    /// Where it was at the last look, since it leapt.
    pub shown: Option<Timestamp>,
    /// For how long it has gone on steadily since.
    pub steady: SignedDuration,
}

impl KnownClock {
    /// Believed at this moment.
    #[must_use]
    pub fn at(believed: Timestamp) -> Self {
        Self { believed: Some(believed), ..Self::default() }
    }

    /// What is known after a look at the clock, and whether what is old by it may go. `passed` is the time since the last look
    /// of this process, by what no clock is set by; nothing at its first.
    #[must_use]
    pub fn look(self, now: Timestamp, passed: SignedDuration) -> (Self, bool) {
        let Some(believed) = self.believed else { return (Self::at(now), true) };
        let ahead = now.duration_since(believed);
        if ahead.abs() <= LEAP {
            // A little behind, it is not ahead when it is set right.
            return (Self::at(now.max(believed)), true);
        }
        let steady = self.shown.map_or(SignedDuration::ZERO, |shown| {
            let off = now.duration_since(shown).saturating_sub(passed);
            match off {
                off if off < -SET || off > LEAP => SignedDuration::ZERO,
                off if off <= SET => self.steady.saturating_add(passed),
                // Nobody looked meanwhile, or the machine was asleep.
                _ => self.steady,
            }
        });
        if steady >= STEADY {
            return (Self::at(now), true);
        }
        // By a clock that is behind nothing goes too early.
        (Self { believed: Some(believed), shown: Some(now), steady }, ahead.is_negative())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(hours: i64) -> Timestamp {
        "2026-04-01T07:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_hours(hours)
    }

    const HOUR: SignedDuration = SignedDuration::from_hours(1);
    const NONE: SignedDuration = SignedDuration::ZERO;
    const YEAR: i64 = 8_760;

    /// Looks, each with its moment and the hours since the one before, and whether it is believed.
    fn looks(mut clock: KnownClock, looks: &[(i64, i64, bool)]) -> KnownClock {
        for (at, (now, passed, believed)) in looks.iter().enumerate() {
            let (next, is_believed) = clock.look(hours(*now), HOUR * i32::try_from(*passed).unwrap());
            assert_eq!(is_believed, *believed, "look {at}");
            clock = next;
        }
        clock
    }

    #[test]
    fn a_clock_that_leaps_is_believed_when_it_has_gone_on_steadily() {
        assert_eq!(KnownClock::default().look(hours(0), NONE), (KnownClock::at(hours(0)), true));
        let clock = KnownClock::at(hours(0));
        assert_eq!(looks(clock, &[(720, 0, true)]), KnownClock::at(hours(720)));
        let leapt: Vec<_> = (0..6).map(|hour| (YEAR + hour, i64::from(hour > 0), false)).collect();
        let held = looks(clock, &leapt);
        assert_eq!(looks(held, &[(YEAR + 6, 1, true)]), KnownClock::at(hours(YEAR + 6)));
        // Set back, or by another leap: from there anew.
        for set in [YEAR + 1, YEAR + 2_000] {
            assert_eq!(looks(held, &[(set, 1, false)]).steady, NONE);
        }
        // Set right.
        assert_eq!(looks(held, &[(13, 1, true), (YEAR, 1, false)]).steady, NONE, "another leap");
    }

    #[test]
    fn short_sessions_add_up() {
        let mut clock = KnownClock::at(hours(0));
        for day in 0..6 {
            // An hour and a half each: what nobody saw does not count, and takes nothing away.
            clock = looks(clock, &[(YEAR + 24 * day, 0, false), (YEAR + 24 * day + 1, 1, day == 5)]);
            // Nor does a machine that sleeps for a while.
            if day < 5 {
                clock = looks(clock, &[(YEAR + 24 * day + 9, 0, false)]);
            }
        }
        assert_eq!(clock, KnownClock::at(hours(YEAR + 24 * 5 + 1)));
    }

    #[test]
    fn a_clock_that_was_set_back_once_is_believed_when_it_is_right_again() {
        let clock = KnownClock::at(hours(0));
        assert_eq!(looks(clock, &[(-700, 0, true)]), clock);
        // Since 1970, as where nothing keeps the time while it is off.
        let behind = looks(clock, &[(-56 * YEAR, 0, true), (-56 * YEAR + 1, 1, true)]);
        assert_eq!(looks(behind, &[(2, 1, true)]), KnownClock::at(hours(2)));
        // A clock that was wrong from the first is followed when it is right for long.
        let ahead = KnownClock::at(hours(10 * YEAR));
        let right: Vec<_> = (0..7).map(|hour| (hour, i64::from(hour > 0), true)).collect();
        assert_eq!(looks(ahead, &right), KnownClock::at(hours(6)));
        assert!(!KnownClock::at(hours(6)).look(hours(10 * YEAR), NONE).1);
    }
}
