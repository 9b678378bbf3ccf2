//! Patterns with look-around, back-references, conditions or what gives nothing back: tried step by step as CPython's
//! `_sre` does (`Modules/_sre/sre_lib.h`), with a bounded number of steps.
//!
//! Another engine would mean something else by them: possessive loops are atomic in each round here, a loop ends where
//! a round takes nothing, case is compared by simple lower case, and `\b` is Python's.

mod program;

use self::program::{Program, Step, Test};
use super::{
    budget::{Budget, Spent},
    tree::{At, Node},
    unicode::{lower, word},
};

/// Steps that one pattern may take on one text.
const STEP_LIMIT: usize = 1_000_000;
/// Places at which nothing can begin that are looked at in the time of a step.
const PLACES_OF_A_STEP: usize = 8;
const UNSET: usize = usize::MAX;

/// A compiled pattern.
pub(crate) struct Machine {
    program: Program,
    /// What a match begins with, if that is known.
    begins: Option<Test>,
}

/// Why a pattern was not tried to its end.
#[derive(Debug)]
enum Exhausted {
    /// It took more steps than one pattern may take on one text.
    Pattern,
    /// All patterns have taken what they may take together.
    Check,
}

impl From<Spent> for Exhausted {
    fn from(_: Spent) -> Self {
        Self::Check
    }
}

/// A place to go back to.
struct Choice {
    step: usize,
    at: usize,
    changes: usize,
}

struct Run<'a> {
    program: &'a Program,
    text: &'a [char],
    slots: Vec<usize>,
    choices: Vec<Choice>,
    /// Slots that were written and what they held, to go back.
    changes: Vec<(usize, usize)>,
    steps: usize,
    budget: &'a Budget,
}

impl Machine {
    pub(crate) fn new(node: &Node) -> Self {
        Self { program: Program::new(node), begins: node.begins().map(Test::new) }
    }

    /// Whether the pattern is found; a text on which that takes too long counts as one.
    pub(crate) fn finds(&self, text: &[char], budget: &Budget) -> Result<bool, Spent> {
        budget.take(text.len() / PLACES_OF_A_STEP + 1)?;
        let mut run = Run {
            program: &self.program,
            text,
            slots: vec![UNSET; self.program.slots],
            choices: Vec::new(),
            changes: Vec::new(),
            steps: 0,
            budget,
        };
        for start in 0..=text.len() {
            let begins = |test: &Test| text.get(start).is_some_and(|c| test.has(*c));
            if !self.begins.as_ref().is_none_or(begins) {
                continue;
            }
            match run.steps(0, start) {
                Ok(None) => {}
                Ok(Some(_)) | Err(Exhausted::Pattern) => return Ok(true),
                Err(Exhausted::Check) => return Err(Spent),
            }
        }
        Ok(false)
    }
}

impl Run<'_> {
    /// Runs from a step up to `Done`, and says where that is. If it fails, all is as it was.
    fn steps(&mut self, step: usize, at: usize) -> Result<Option<usize>, Exhausted> {
        let (choices, changes) = (self.choices.len(), self.changes.len());
        let (mut step, mut at) = (step, at);
        loop {
            self.spend(1)?;
            if let Step::Done = self.program.step(step) {
                self.choices.truncate(choices);
                return Ok(Some(at));
            }
            if let Some(next) = self.step(step, at)? {
                (step, at) = next;
                continue;
            }
            if self.choices.len() == choices {
                self.back(changes);
                return Ok(None);
            }
            let Some(choice) = self.choices.pop() else { return Ok(None) };
            self.back(choice.changes);
            (step, at) = (choice.step, choice.at);
        }
    }

    /// One step: where to go on, or nothing if it fails.
    fn step(&mut self, step: usize, at: usize) -> Result<Option<(usize, usize)>, Exhausted> {
        let on = |goes: bool| goes.then_some((step + 1, at));
        Ok(match *self.program.step(step) {
            Step::One(test) => {
                let one = self.text.get(at).zip(self.program.tests.get(test));
                one.is_some_and(|(c, test)| test.has(*c)).then_some((step + 1, at + 1))
            }
            Step::At(place) => on(self.stands(place, at)),
            Step::Jump(to) => Some((to, at)),
            Step::Either(first, other) => {
                self.choose(other, at);
                Some((first, at))
            }
            Step::Mark(slot) => {
                self.set(slot, at);
                on(true)
            }
            Step::Enter(slot) => {
                self.set(slot, 0);
                self.set(slot + 1, UNSET);
                on(true)
            }
            Step::Loop { slot, min, max, lazy, body, after } => {
                let round = self.slot(slot);
                if round < min {
                    self.set(slot, round + 1);
                    Some((body, at))
                } else if lazy {
                    self.choose(step + 1, at);
                    Some((after, at))
                } else if round < max && self.slot(slot + 1) != at {
                    self.choose(after, at);
                    self.round(slot, at);
                    Some((body, at))
                } else {
                    Some((after, at))
                }
            }
            Step::Again { slot, max, body } => {
                if self.slot(slot) >= max || self.slot(slot + 1) == at {
                    return Ok(None);
                }
                self.round(slot, at);
                Some((body, at))
            }
            Step::Same(slot, fold) => {
                let Some((first, last)) = self.group(slot) else { return Ok(None) };
                let end = at + (last - first);
                let same =
                    |a: &char, b: &char| a == b || lower((*a).into(), fold) == lower((*b).into(), fold);
                // Each character that is compared is a step.
                self.spend(last - first)?;
                let both = self.text.get(at..end).zip(self.text.get(first..last));
                let alike =
                    |(here, group): (&[char], &[char])| here.iter().zip(group).all(|(a, b)| same(a, b));
                both.is_some_and(alike).then_some((step + 1, end))
            }
            Step::IfGroup(slot, otherwise) => match self.group(slot) {
                Some(_) => on(true),
                None => Some((otherwise, at)),
            },
            Step::Look { behind, negative, after } => {
                let Some(from) = at.checked_sub(behind) else { return Ok(negative.then_some((after, at))) };
                let changes = self.changes.len();
                let found = self.steps(step + 1, from)?.is_some();
                if negative {
                    self.back(changes);
                }
                (found != negative).then_some((after, at))
            }
            Step::Once { min, max, after } => {
                let (mut at, mut last) = (at, UNSET);
                for round in 0..max {
                    if round >= min {
                        if at == last {
                            break;
                        }
                        last = at;
                    }
                    match self.steps(step + 1, at)? {
                        Some(next) => at = next,
                        None if round < min => return Ok(None),
                        None => break,
                    }
                }
                Some((after, at))
            }
            Step::Done => None,
        })
    }

    /// Counts steps, against what the pattern may take and what the check may.
    fn spend(&mut self, steps: usize) -> Result<(), Exhausted> {
        self.budget.take(steps)?;
        self.steps += steps;
        if self.steps > STEP_LIMIT { Err(Exhausted::Pattern) } else { Ok(()) }
    }

    fn stands(&self, place: At, at: usize) -> bool {
        let before = at.checked_sub(1).and_then(|at| self.text.get(at)).copied();
        let after = self.text.get(at).copied();
        match place {
            At::Start => before.is_none(),
            At::LineStart => before.is_none_or(|c| c == '\n'),
            At::End => after.is_none(),
            At::LineEnd => after.is_none_or(|c| c == '\n'),
            At::LastLineEnd => after.is_none() || (after == Some('\n') && at + 1 == self.text.len()),
            At::Boundary { ascii, negative } => {
                let inside = |c: Option<char>| c.is_some_and(|c| word(c, ascii));
                (inside(before) != inside(after)) != negative
            }
        }
    }

    fn slot(&self, slot: usize) -> usize {
        self.slots.get(slot).copied().unwrap_or(UNSET)
    }

    /// Where a group begins and ends, if it matched.
    fn group(&self, slot: usize) -> Option<(usize, usize)> {
        let (first, last) = (self.slot(slot), self.slot(slot + 1));
        (first != UNSET && last != UNSET && first <= last).then_some((first, last))
    }

    fn choose(&mut self, step: usize, at: usize) {
        self.choices.push(Choice { step, at, changes: self.changes.len() });
    }

    /// Begins another round of a loop that may end.
    fn round(&mut self, slot: usize, at: usize) {
        self.set(slot, self.slot(slot) + 1);
        self.set(slot + 1, at);
    }

    fn set(&mut self, slot: usize, value: usize) {
        if let Some(held) = self.slots.get_mut(slot) {
            self.changes.push((slot, std::mem::replace(held, value)));
        }
    }

    /// Takes back what was written since.
    fn back(&mut self, changes: usize) {
        while self.changes.len() > changes {
            let Some((slot, value)) = self.changes.pop() else { return };
            if let Some(held) = self.slots.get_mut(slot) {
                *held = value;
            }
        }
    }
}
