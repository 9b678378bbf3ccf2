//! Steps of a pattern that has to be tried: what CPython's `_compile` makes of a tree (`Lib/re/_compiler.py`).

use crate::rails::regex::{
    set::Set,
    tree::{At, How, Look, Node, Repeat},
    unicode::Fold,
};

/// One step. Numbers are those of steps, slots and sets.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// One character of the set.
    One(usize),
    At(At),
    Jump(usize),
    /// Go on here, or else there.
    Either(usize, usize),
    /// Note the place in the slot.
    Mark(usize),
    /// Begin a loop, whose counter and last place are in the slot and the next.
    Enter(usize),
    Loop {
        slot: usize,
        min: usize,
        max: usize,
        lazy: bool,
        body: usize,
        after: usize,
    },
    /// Another round of a lazy loop, after going on without it failed.
    Again {
        slot: usize,
        max: usize,
        body: usize,
    },
    /// What the group whose slot this is matched.
    Same(usize, Fold),
    /// Go on, or there if the group of the slot matched nothing.
    IfGroup(usize, usize),
    /// The steps up to `after` match ahead, or so many characters back.
    Look {
        behind: usize,
        negative: bool,
        after: usize,
    },
    /// The steps up to `after`, so many times, each once matched and never otherwise.
    Once {
        min: usize,
        max: usize,
        after: usize,
    },
    /// The end of the pattern, or of the steps of one of the two above.
    Done,
}

/// A set with its ASCII part at hand.
#[derive(Clone, Debug)]
pub(super) struct Test {
    ascii: u128,
    set: Set,
}

impl Test {
    pub(super) fn new(set: Set) -> Self {
        let bit = |code: u32| if set.contains(code) { 1 << code } else { 0 };
        Self { ascii: (0..128).map(bit).fold(0, |all, bit| all | bit), set }
    }

    pub(super) fn has(&self, c: char) -> bool {
        if c.is_ascii() { self.ascii & (1 << u32::from(c)) != 0 } else { self.set.contains(c.into()) }
    }
}

#[derive(Debug, Default)]
pub(super) struct Program {
    steps: Vec<Step>,
    pub(super) tests: Vec<Test>,
    pub(super) slots: usize,
}

impl Program {
    pub(super) fn new(node: &Node) -> Self {
        // Two slots for each group, and then what loops need.
        let mut program = Self { slots: 2 * groups(node), ..Self::default() };
        program.add(node);
        program.steps.push(Step::Done);
        program
    }

    /// The step with a number; behind the last the pattern has ended.
    pub(super) fn step(&self, number: usize) -> &Step {
        self.steps.get(number).unwrap_or(&Step::Done)
    }

    fn here(&self) -> usize {
        self.steps.len()
    }

    /// A step that is known later.
    fn hold(&mut self) -> usize {
        self.steps.push(Step::Done);
        self.here() - 1
    }

    /// Makes a step that was held known.
    fn fill(&mut self, held: usize, step: Step) {
        if let Some(place) = self.steps.get_mut(held) {
            *place = step;
        }
    }

    fn add(&mut self, node: &Node) {
        match node {
            Node::One(set) => {
                self.steps.push(Step::One(self.tests.len()));
                self.tests.push(Test::new(set.clone()));
            }
            Node::At(at) => self.steps.push(Step::At(*at)),
            Node::Sequence(nodes) => nodes.iter().for_each(|node| self.add(node)),
            Node::Choice(nodes) => self.choice(nodes),
            Node::Repeat(repeat) => self.repeat(repeat),
            Node::Group(group, node) => {
                self.steps.push(Step::Mark(2 * (group - 1)));
                self.add(node);
                self.steps.push(Step::Mark(2 * (group - 1) + 1));
            }
            Node::Same(group, fold) => self.steps.push(Step::Same(2 * (group - 1), *fold)),
            Node::IfGroup(group, yes, no) => {
                let test = self.hold();
                self.add(yes);
                let jump = self.hold();
                self.fill(test, Step::IfGroup(2 * (group - 1), self.here()));
                self.add(no);
                self.fill(jump, Step::Jump(self.here()));
            }
            Node::Look(Look { behind, negative, node }) => {
                let look = self.hold();
                self.add(node);
                self.steps.push(Step::Done);
                let behind = behind.unwrap_or_default();
                self.fill(look, Step::Look { behind, negative: *negative, after: self.here() });
            }
            Node::Atomic(node) => self.once(node, 1, 1),
        }
    }

    fn choice(&mut self, nodes: &[Node]) {
        let mut jumps = Vec::new();
        for (number, node) in nodes.iter().enumerate() {
            if number + 1 == nodes.len() {
                self.add(node);
                break;
            }
            let either = self.hold();
            self.add(node);
            jumps.push(self.hold());
            self.fill(either, Step::Either(either + 1, self.here()));
        }
        for jump in jumps {
            self.fill(jump, Step::Jump(self.here()));
        }
    }

    fn repeat(&mut self, repeat: &Repeat) {
        let size = |limit: u32| usize::try_from(limit).unwrap_or(usize::MAX);
        let (min, max) = (size(repeat.min), repeat.max.map_or(usize::MAX, size));
        if repeat.how == How::Possessive {
            return self.once(&repeat.node, min, max);
        }
        let lazy = repeat.how == How::Lazy;
        let slot = self.slots;
        self.slots += 2;
        self.steps.push(Step::Enter(slot));
        let turn = self.hold();
        let again = self.hold();
        let body = self.here();
        self.add(&repeat.node);
        self.steps.push(Step::Jump(turn));
        self.fill(turn, Step::Loop { slot, min, max, lazy, body, after: self.here() });
        self.fill(again, Step::Again { slot, max, body });
    }

    fn once(&mut self, node: &Node, min: usize, max: usize) {
        let once = self.hold();
        self.add(node);
        self.steps.push(Step::Done);
        self.fill(once, Step::Once { min, max, after: self.here() });
    }
}

/// The highest number of a group.
fn groups(node: &Node) -> usize {
    let own = match node {
        Node::Group(group, _) | Node::Same(group, _) | Node::IfGroup(group, ..) => *group,
        _ => 0,
    };
    node.parts().into_iter().map(groups).fold(own, usize::max)
}
