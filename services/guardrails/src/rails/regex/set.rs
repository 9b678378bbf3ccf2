//! Sets of characters as sorted runs of code points, surrogates among them: a pattern of Python's may name one.

/// The last code point.
pub(crate) const LAST: u32 = 0x0010_FFFF;

/// Sorted runs that neither overlap nor touch; ends are inclusive.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Set(Vec<(u32, u32)>);

impl Set {
    pub(crate) fn new(mut runs: Vec<(u32, u32)>) -> Self {
        runs.sort_unstable();
        let mut out: Vec<(u32, u32)> = Vec::with_capacity(runs.len());
        for (first, last) in runs {
            match out.last_mut() {
                Some(run) if first <= run.1.saturating_add(1) => run.1 = run.1.max(last),
                _ => out.push((first, last)),
            }
        }
        Self(out)
    }

    pub(crate) fn one(code: u32) -> Self {
        Self(vec![(code, code)])
    }

    pub(crate) fn all() -> Self {
        Self(vec![(0, LAST)])
    }

    pub(crate) fn runs(&self) -> &[(u32, u32)] {
        &self.0
    }

    pub(crate) fn contains(&self, code: u32) -> bool {
        let after = self.0.partition_point(|run| run.0 <= code);
        after.checked_sub(1).and_then(|at| self.0.get(at)).is_some_and(|run| code <= run.1)
    }

    pub(crate) fn meets(&self, first: u32, last: u32) -> bool {
        let after = self.0.partition_point(|run| run.0 <= last);
        after.checked_sub(1).and_then(|at| self.0.get(at)).is_some_and(|run| first <= run.1)
    }

    pub(crate) fn not(&self) -> Self {
        let mut out = Vec::with_capacity(self.0.len() + 1);
        let mut next = 0;
        for &(first, last) in &self.0 {
            if first > next {
                out.push((next, first - 1));
            }
            next = last + 1;
        }
        if next <= LAST {
            out.push((next, LAST));
        }
        Self(out)
    }

    pub(crate) fn or(&self, other: &Self) -> Self {
        Self::new([self.0.as_slice(), other.0.as_slice()].concat())
    }

    pub(crate) fn and(&self, other: &Self) -> Self {
        self.not().or(&other.not()).not()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_joined_and_turned_round() {
        let set = Set::new(vec![(5, 9), (0, 2), (3, 3), (8, 12)]);
        assert_eq!(set.runs(), [(0, 3), (5, 12)]);
        assert_eq!(set.not().runs(), [(4, 4), (13, LAST)]);
        assert_eq!(set.not().not(), set);
        assert!(set.contains(12) && !set.contains(4) && set.meets(4, 5) && !set.meets(13, 20));
        assert_eq!(set.and(&Set::new(vec![(2, 6)])).runs(), [(2, 3), (5, 6)]);
        assert_eq!(Set::all().not(), Set::default());
    }
}
