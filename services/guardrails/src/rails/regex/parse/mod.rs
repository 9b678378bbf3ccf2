//! Reads a pattern as CPython's `Lib/re/_parser.py` does (3.11), with the same refusals.

mod escape;
mod group;
mod source;

use std::{collections::HashMap, fmt};

use self::{
    escape::literal,
    source::{Source, Token},
};
use super::{
    set::Set,
    tree::{At, Flags, How, Node, Repeat, Width},
};

/// Groups, looks around and conditions in each other.
const MAX_DEPTH: usize = 64;
/// What CPython takes for no limit (`MAXREPEAT`).
const MAX_REPEAT: u32 = u32::MAX;

/// Why a pattern is refused. It does not quote the pattern, which may be a list of confidential words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// Python refuses it too.
    Invalid { what: &'static str, at: usize },
    /// Python takes it.
    Unsupported { what: &'static str, at: usize },
}

impl Problem {
    fn invalid(what: &'static str, at: usize) -> Self {
        Self::Invalid { what, at }
    }

    fn unsupported(what: &'static str, at: usize) -> Self {
        Self::Unsupported { what, at }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid { what, at } => {
                write!(f, "the pattern is not one of Python's `re`: {what} at position {at}")
            }
            Self::Unsupported { what, at } => {
                write!(f, "the pattern has, at position {at}, {what}: it can't be had as in Python")
            }
        }
    }
}

/// Reads a pattern.
pub(crate) fn parse(pattern: &str, case_insensitive: bool) -> Result<Node, Problem> {
    let global = if case_insensitive { Flags::IGNORE_CASE } else { Flags::default() };
    let mut parser = Parser {
        source: Source::new(pattern)?,
        groups: vec![None],
        names: HashMap::new(),
        conditions: Vec::new(),
        behind: None,
        global,
    };
    let node = parser.choice(global, 0)?;
    if parser.source.peek().is_some() {
        return Err(Problem::invalid("unbalanced parenthesis", parser.source.at()));
    }
    match parser.conditions.iter().find(|(group, _)| *group >= parser.groups.len()) {
        Some((_, at)) => Err(Problem::invalid("invalid group reference", *at)),
        None => Ok(node),
    }
}

struct Parser {
    source: Source,
    /// What each group takes, by number; none where it is still open. The first is no group.
    groups: Vec<Option<Width>>,
    names: HashMap<String, usize>,
    /// Groups that conditions ask about, and where.
    conditions: Vec<(usize, usize)>,
    /// In a look behind, the number of groups before it.
    behind: Option<usize>,
    /// Flags of the whole pattern, which may stand at its start only.
    global: Flags,
}

impl Parser {
    /// Alternatives, up to a `)` or the end.
    fn choice(&mut self, flags: Flags, depth: usize) -> Result<Node, Problem> {
        let mut items = vec![self.sequence(flags, depth, depth == 0)?];
        while self.source.eat('|')? {
            let flags = if depth == 0 { self.global } else { flags };
            items.push(self.sequence(flags, depth, false)?);
        }
        if items.len() == 1 {
            return Ok(items.remove(0));
        }
        let one = |item: &Node| match item {
            Node::Sequence(nodes) => match nodes.as_slice() {
                [Node::One(set)] => Some(set.clone()),
                _ => None,
            },
            _ => None,
        };
        // Alternatives of one character are a set, as in CPython: one step instead of many.
        let sets: Option<Vec<Set>> = items.iter().map(one).collect();
        Ok(match sets {
            Some(sets) => {
                let runs = sets.iter().flat_map(|set| set.runs().iter().copied());
                Node::Sequence(vec![Node::One(Set::new(runs.collect()))])
            }
            None => Node::Choice(items),
        })
    }

    /// One alternative. `first` says that it begins the pattern. Whatever stands in parentheses comes through here, the
    /// branches of a condition too, so that this bounds the stack.
    fn sequence(&mut self, flags: Flags, depth: usize, first: bool) -> Result<Node, Problem> {
        if depth > MAX_DEPTH {
            return Err(Problem::unsupported("groups in more than 64 groups", self.source.at()));
        }
        let mut flags = flags;
        let mut items: Vec<Node> = Vec::new();
        loop {
            let at = self.source.at();
            let this = match self.source.peek() {
                None | Some(Token::Plain('|' | ')')) => break,
                Some(token) => token,
            };
            self.source.get()?;
            let c = match this {
                Token::Escaped(c) => {
                    items.push(self.escape(c, flags)?);
                    continue;
                }
                Token::Plain(c) => c,
            };
            if flags.has(Flags::VERBOSE) && self.skips(c)? {
                continue;
            }
            let multiline = flags.has(Flags::MULTILINE);
            match c {
                '[' => items.push(Node::One(self.set(flags)?)),
                '*' | '+' | '?' | '{' => self.repeat(c, at, flags, &mut items)?,
                '.' if flags.has(Flags::DOT_ALL) => items.push(Node::One(Set::all())),
                '.' => items.push(Node::One(Set::one('\n'.into()).not())),
                '(' => {
                    let node = self.group(flags, depth, first && items.is_empty())?;
                    if depth == 0 {
                        flags = self.global;
                    }
                    items.extend(node);
                }
                '^' => items.push(Node::At(if multiline { At::LineStart } else { At::Start })),
                '$' => items.push(Node::At(if multiline { At::LineEnd } else { At::LastLineEnd })),
                _ => items.push(Node::One(literal(c.into(), flags, at)?)),
            }
        }
        Ok(Node::Sequence(items))
    }

    /// White space and comments of the flag `x`.
    fn skips(&mut self, c: char) -> Result<bool, Problem> {
        if c == '#' {
            while !matches!(self.source.get()?, None | Some(Token::Plain('\n'))) {}
            return Ok(true);
        }
        Ok(matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{b}' | '\u{c}'))
    }

    /// Repeats the last item; a `{` that begins no repetition is a character.
    fn repeat(&mut self, c: char, at: usize, flags: Flags, items: &mut Vec<Node>) -> Result<(), Problem> {
        let limits = match c {
            '*' => Some((0, None)),
            '+' => Some((1, None)),
            '?' => Some((0, Some(1))),
            _ => self.limits(at)?,
        };
        let Some((min, max)) = limits else {
            items.push(Node::One(literal('{'.into(), flags, at)?));
            return Ok(());
        };
        let node = match items.pop() {
            None | Some(Node::At(_)) => return Err(Problem::invalid("nothing to repeat", at)),
            Some(Node::Repeat(_)) => return Err(Problem::invalid("multiple repeat", at)),
            Some(node) => Box::new(node),
        };
        let how = if self.source.eat('?')? {
            How::Lazy
        } else if self.source.eat('+')? {
            How::Possessive
        } else {
            How::Greedy
        };
        items.push(Node::Repeat(Repeat { node, min, max, how }));
        Ok(())
    }

    /// `{2}`, `{2,}`, `{,3}`, `{2,3}` or `{,}`, of which `{` is read.
    fn limits(&mut self, at: usize) -> Result<Option<(u32, Option<u32>)>, Problem> {
        let here = self.source.at();
        if self.source.sees('}') {
            return Ok(None);
        }
        let digit = |c: char| c.is_ascii_digit();
        let low = self.source.run(usize::MAX, digit)?;
        let high = if self.source.eat(',')? { self.source.run(usize::MAX, digit)? } else { low.clone() };
        if !self.source.eat('}')? {
            self.source.seek(here)?;
            return Ok(None);
        }
        let limit = |digits: &str| match digits.parse::<u32>() {
            Ok(limit) if limit < MAX_REPEAT => Ok(limit),
            _ => Err(Problem::invalid("the repetition number is too large", at)),
        };
        let min = if low.is_empty() { 0 } else { limit(&low)? };
        let max = if high.is_empty() { None } else { Some(limit(&high)?) };
        if max.is_some_and(|max| max < min) {
            return Err(Problem::invalid("min repeat greater than max repeat", at));
        }
        Ok(Some((min, max)))
    }
}
