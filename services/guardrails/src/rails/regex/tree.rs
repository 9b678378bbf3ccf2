//! A pattern of Python's `re` as a tree: flags are resolved, and each character is the set that it matches.

use super::{
    set::Set,
    unicode::{Fold, category},
};

pub(crate) use super::unicode::Category;

/// A part of a pattern.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    /// One character of a set.
    One(Set),
    At(At),
    Sequence(Vec<Node>),
    Choice(Vec<Node>),
    Repeat(Repeat),
    /// A group that has a number.
    Group(usize, Box<Node>),
    /// What a group matched.
    Same(usize, Fold),
    /// `(?(group)yes|no)`.
    IfGroup(usize, Box<Node>, Box<Node>),
    Look(Look),
    /// `(?>…)`: once matched, never matched otherwise.
    Atomic(Box<Node>),
}

/// A place between characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    /// `\A`, and `^` without the flag `m`.
    Start,
    /// `^` with the flag `m`.
    LineStart,
    /// `\Z`.
    End,
    /// `$` without the flag `m`: the end, or before the line break that ends the text.
    LastLineEnd,
    /// `$` with the flag `m`.
    LineEnd,
    /// `\b`, or `\B` if negative.
    Boundary { ascii: bool, negative: bool },
}

#[derive(Clone, Debug)]
pub(crate) struct Repeat {
    pub(crate) node: Box<Node>,
    pub(crate) min: u32,
    pub(crate) max: Option<u32>,
    pub(crate) how: How,
}

/// How much a repetition takes first, and whether it gives any of it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    Greedy,
    Lazy,
    Possessive,
}

#[derive(Clone, Debug)]
pub(crate) struct Look {
    /// Characters that a look behind goes back.
    pub(crate) behind: Option<usize>,
    pub(crate) negative: bool,
    pub(crate) node: Box<Node>,
}

/// The fewest and the most characters that a part takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Width {
    pub(crate) min: u64,
    pub(crate) max: u64,
}

impl Width {
    fn and(self, other: Self) -> Self {
        Self { min: self.min.saturating_add(other.min), max: self.max.saturating_add(other.max) }
    }

    fn or(self, other: Self) -> Self {
        Self { min: self.min.min(other.min), max: self.max.max(other.max) }
    }
}

impl Node {
    /// As `SubPattern.getwidth` of CPython's `Lib/re/_parser.py`; `groups` are the widths of the groups so far.
    pub(crate) fn width(&self, groups: &[Option<Width>]) -> Width {
        let nothing = Width { min: 0, max: 0 };
        match self {
            Self::One(_) => Width { min: 1, max: 1 },
            Self::At(_) | Self::Look(_) => nothing,
            Self::Sequence(nodes) => nodes.iter().map(|n| n.width(groups)).fold(nothing, Width::and),
            Self::Choice(nodes) => nodes.iter().map(|n| n.width(groups)).reduce(Width::or).unwrap_or(nothing),
            Self::Repeat(repeat) => {
                let width = repeat.node.width(groups);
                let max = repeat.max.map_or(u64::MAX, u64::from);
                Width {
                    min: width.min.saturating_mul(repeat.min.into()),
                    max: if width.max == 0 { 0 } else { width.max.saturating_mul(max) },
                }
            }
            Self::Group(_, node) | Self::Atomic(node) => node.width(groups),
            Self::Same(group, _) => groups.get(*group).copied().flatten().unwrap_or(nothing),
            Self::IfGroup(_, yes, no) => yes.width(groups).or(no.width(groups)),
        }
    }

    /// The parts of this one.
    pub(crate) fn parts(&self) -> Vec<&Self> {
        match self {
            Self::One(_) | Self::At(_) | Self::Same(..) => Vec::new(),
            Self::Sequence(nodes) | Self::Choice(nodes) => nodes.iter().collect(),
            Self::Repeat(repeat) => vec![&repeat.node],
            Self::Look(look) => vec![&look.node],
            Self::Group(_, node) | Self::Atomic(node) => vec![node],
            Self::IfGroup(_, yes, no) => vec![yes, no],
        }
    }

    /// The characters that a match can begin with; none if it may begin anywhere.
    pub(crate) fn begins(&self) -> Option<Set> {
        let (set, nullable) = self.first();
        (!nullable).then_some(set)
    }

    fn first(&self) -> (Set, bool) {
        match self {
            Self::One(set) => (set.clone(), false),
            Self::At(_) | Self::Look(_) => (Set::default(), true),
            Self::Sequence(nodes) => {
                let mut set = Set::default();
                for node in nodes {
                    let (first, nullable) = node.first();
                    set = set.or(&first);
                    if !nullable {
                        return (set, false);
                    }
                }
                (set, true)
            }
            Self::Choice(nodes) => nodes.iter().map(Self::first).fold((Set::default(), false), either),
            Self::Repeat(repeat) => {
                let (set, nullable) = repeat.node.first();
                (set, nullable || repeat.min == 0)
            }
            Self::Group(_, node) | Self::Atomic(node) => node.first(),
            Self::Same(..) => (Set::all(), true),
            Self::IfGroup(_, yes, no) => either(yes.first(), no.first()),
        }
    }
}

fn either(a: (Set, bool), b: (Set, bool)) -> (Set, bool) {
    (a.0.or(&b.0), a.1 || b.1)
}

/// The flags that hold at a place of a pattern.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags(u8);

impl Flags {
    pub(crate) const IGNORE_CASE: Self = Self(1);
    pub(crate) const MULTILINE: Self = Self(2);
    pub(crate) const DOT_ALL: Self = Self(4);
    pub(crate) const VERBOSE: Self = Self(8);
    pub(crate) const ASCII: Self = Self(16);
    pub(crate) const UNICODE: Self = Self(32);

    pub(crate) fn has(self, flag: Self) -> bool {
        self.0 & flag.0 != 0
    }

    pub(crate) fn with(self, flags: Self) -> Self {
        Self(self.0 | flags.0)
    }

    pub(crate) fn without(self, flags: Self) -> Self {
        Self(self.0 & !flags.0)
    }

    pub(crate) fn fold(self) -> Fold {
        match (self.has(Self::IGNORE_CASE), self.has(Self::ASCII)) {
            (false, _) => Fold::None,
            (true, true) => Fold::Ascii,
            (true, false) => Fold::Unicode,
        }
    }

    pub(crate) fn category(self, kind: Category, negative: bool) -> Set {
        let set = category(kind, self.has(Self::ASCII));
        if negative { set.not() } else { set }
    }
}
