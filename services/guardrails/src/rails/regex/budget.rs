//! What all patterns may take together on all texts of one check.
//!
//! Each pattern by itself is bounded. But a configuration has hundreds of them, a check has several texts, and a text
//! has two forms: the bounds multiply, to minutes of one processor for one request. So each check has one budget, which
//! all patterns draw on. It is in steps and not in seconds, so that a text has the same verdict on every machine.

use std::cell::Cell;

/// Steps of one check, of some ten nanoseconds each.
const LIMIT: usize = 16_000_000;

/// The budget is used up: no pattern may be tried any further, and what has not been tried is not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spent;

/// What is left of a check's steps.
#[derive(Debug)]
pub(crate) struct Budget {
    left: Cell<usize>,
}

impl Default for Budget {
    fn default() -> Self {
        Self { left: Cell::new(LIMIT) }
    }
}

impl Budget {
    /// Takes steps before, or as, they are taken.
    pub(super) fn take(&self, steps: usize) -> Result<(), Spent> {
        let left = self.left.get().checked_sub(steps);
        self.left.set(left.unwrap_or_default());
        left.map(|_| ()).ok_or(Spent)
    }

    /// Steps that were taken.
    #[cfg(test)]
    pub(super) fn taken(&self) -> usize {
        LIMIT - self.left.get()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Pattern, Patterns};
    use super::*;

    fn patterns(number: usize, pattern: impl Fn(usize) -> String) -> Patterns {
        let compiled = |at| Pattern::new(&pattern(at), false).expect("compiles");
        Patterns::new((0..number).map(compiled).collect())
    }

    /// A text of so many bytes, whose plain form is another.
    fn brief(bytes: usize) -> String {
        "A spring sale\nof teas. ".chars().cycle().take(bytes).collect()
    }

    #[test]
    fn many_look_aheads_end_together() {
        let (all, budget) = (patterns(256, |at| format!("(?=x{at}y)")), Budget::default());
        let reason = all.check(&brief(100_000), &budget).expect("blocks");
        assert_eq!(reason, "the forbidden patterns take too long to be tried on it");
        assert_eq!(budget.taken(), LIMIT, "and not a step more");
        // Nothing is left for another text of the same check.
        assert!(all.check("tea", &budget).is_some());
        assert!(all.check("tea", &Budget::default()).is_none());
    }

    #[test]
    fn places_where_nothing_begins_count_too() {
        let (all, budget) = (patterns(1, |_| "x(?=y)".to_owned()), Budget::default());
        assert!(all.check(&brief(80_000), &budget).is_none());
        assert!(budget.taken() >= 2 * 80_000 / 8, "{}", budget.taken());
    }

    #[test]
    fn texts_of_one_check_share() {
        let (all, budget) = (patterns(8, |at| format!("(?=x{at})")), Budget::default());
        let text = brief(50_000);
        let allowed = (0..100).take_while(|_| all.check(&text, &budget).is_none()).count();
        assert!((5..60).contains(&allowed), "{allowed}");
        assert_eq!(budget.taken(), LIMIT);
    }

    #[test]
    fn linear_patterns_count_by_bytes_and_size() {
        let taken = |number: usize, pattern: &str| {
            let (all, budget) = (patterns(number, |_| pattern.to_owned()), Budget::default());
            assert!(all.check(&brief(40_000), &budget).is_none(), "{pattern}");
            budget.taken()
        };
        let one = taken(1, "xyz");
        assert!(one >= 2 * 40_000 / 4, "{one}");
        assert_eq!(taken(10, "xyz"), 10 * one);
        // A repetition is as many states, all of which may be at work on each character; but not where it is of one kind.
        assert!(taken(1, r"[a-z]{160}x") >= 80 * one);
        assert_eq!(taken(1, r"[a-z]{160}!"), one);
        assert_eq!(taken(1, r"(?i)\bxyz\s+(?:xyz|zzz){1,9}\b"), one);
        // As many patterns as a configuration has, on the longest brief that gRPC takes.
        assert!(taken(256, "xyz") < LIMIT);
        let (all, budget) = (patterns(256, |_| r"[a-z]{160}x".to_owned()), Budget::default());
        assert!(all.check(&brief(100_000), &budget).is_some());
        assert_eq!(budget.taken(), LIMIT);
    }
}
