//! `regex check input` and `regex check output`: forbidden patterns.
//!
//! A pattern is one of Python's `re`, as in NeMo (`nemoguardrails/library/regex`, 0.24: `re.compile`, with
//! `re.IGNORECASE` if `case_insensitive` is set, and `search`), and means what it means there. It is sought in the text
//! and in its plain form ([`plain`]), so that no sign that looks like nothing or like another hides a word. A text with
//! another one hidden in it ([`hides`]) is blocked whatever the patterns: neither form has what a model reads.
//!
//! Patterns run in linear time; one with look-around, a back-reference or a possessive repetition runs with a bounded
//! number of steps, and a text on which it exceeds them is blocked. So is one on which all patterns together exceed what
//! a check may take ([`Budget`]).

mod budget;
mod linear;
mod machine;
mod parse;
mod set;
mod tree;
mod unicode;

use std::cell::OnceCell;

pub(crate) use self::budget::Budget;
use self::{budget::Spent, linear::Linear, machine::Machine};
use crate::text::{hidden::hides, normal::plain};

/// Bytes that one compiled pattern may take.
const COMPILED_LIMIT: usize = 1 << 20;
/// Bytes of one pattern.
const PATTERN_LIMIT: usize = 4096;

/// What is said of a text that [`hides`] another one.
pub(crate) const HIDES: &str = "it hides text from its reader";

/// One compiled pattern.
pub(crate) enum Pattern {
    Linear(Box<Linear>),
    Machine(Box<Machine>),
}

/// The patterns of one direction.
#[derive(Default)]
pub(crate) struct Patterns(Vec<Pattern>);

/// A text as both kinds of patterns want it, for all of them once.
struct Text<'a> {
    text: &'a str,
    characters: OnceCell<Vec<char>>,
}

impl<'a> Text<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, characters: OnceCell::new() }
    }

    fn characters(&self) -> &[char] {
        self.characters.get_or_init(|| self.text.chars().collect())
    }
}

impl Pattern {
    /// Compiles a pattern of Python's `re`.
    ///
    /// # Errors
    /// One sentence that does not quote the pattern, which may be a list of confidential words.
    pub(crate) fn new(pattern: &str, case_insensitive: bool) -> Result<Self, String> {
        if pattern.is_empty() {
            return Err("the pattern is empty and would block everything".to_owned());
        }
        if pattern.len() > PATTERN_LIMIT {
            return Err(format!("the pattern has more than {PATTERN_LIMIT} bytes"));
        }
        let tree = parse::parse(pattern, case_insensitive).map_err(|problem| problem.to_string())?;
        match linear::compile(&tree) {
            Some(linear) => Ok(Self::Linear(Box::new(linear?))),
            None => Ok(Self::Machine(Box::new(Machine::new(&tree)))),
        }
    }

    /// As Python's `search`; NeMo searches nothing in an empty text.
    fn finds(&self, text: &Text<'_>, budget: &Budget) -> Result<bool, Spent> {
        if text.text.is_empty() {
            return Ok(false);
        }
        match self {
            Self::Linear(linear) => linear.finds(text.text, budget),
            Self::Machine(machine) => machine.finds(text.characters(), budget),
        }
    }
}

impl Patterns {
    pub(crate) fn new(patterns: Vec<Pattern>) -> Self {
        Self(patterns)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Which pattern forbids the text; one sentence with its number in the configuration. `budget` is that of the check,
    /// for all its texts: a text for which it doesn't suffice is forbidden.
    pub(crate) fn check(&self, text: &str, budget: &Budget) -> Option<String> {
        if hides(text) {
            return Some(HIDES.to_owned());
        }
        let plain = plain(text);
        let mut forms = vec![Text::new(text)];
        if plain != text {
            forms.push(Text::new(&plain));
        }
        for (at, pattern) in self.0.iter().enumerate() {
            for form in &forms {
                match pattern.finds(form, budget) {
                    Ok(false) => {}
                    Ok(true) => return Some(format!("it matches forbidden pattern {}", at + 1)),
                    Err(Spent) => {
                        return Some("the forbidden patterns take too long to be tried on it".to_owned());
                    }
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod verdicts;

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(pattern: &str, case_insensitive: bool) -> Patterns {
        Patterns::new(vec![Pattern::new(pattern, case_insensitive).expect("compiles")])
    }

    #[test]
    fn a_match_anywhere_blocks() {
        assert!(patterns(r"\bsecret\b", true).check("A Secret.", &Budget::default()).is_some());
        assert!(patterns(r"\bsecret\b", false).check("A Secret.", &Budget::default()).is_none());
        assert!(patterns(r"end$", false).check("the end\n", &Budget::default()).is_some());
        assert!(patterns(r"(?<!not )free", false).check("it is free", &Budget::default()).is_some());
        assert!(patterns(r"(?<!not )free", false).check("it is not free", &Budget::default()).is_none());
    }

    #[test]
    fn a_pattern_that_does_not_end_blocks() {
        let evil = patterns(r"(?i)(a|b|ab)*(?>c)", false);
        assert!(evil.check(&"ab".repeat(40), &Budget::default()).is_some());
        let plain = patterns(r"(?i)(a|b|ab)*c", false);
        assert!(plain.check(&"ab".repeat(10_000), &Budget::default()).is_none());
    }

    #[test]
    fn patterns_have_limits() {
        assert!(Pattern::new("(", false).is_err());
        assert!(Pattern::new("", false).is_err());
        assert!(Pattern::new(&"a".repeat(5000), false).is_err());
        assert!(Pattern::new(r"(?:\w{1000}){1000}", false).is_err());
        assert!(Pattern::new(&("(".repeat(500) + &")".repeat(500)), false).is_err());
        let conditions = |depth| format!("(a){}{}", "(?(1)".repeat(depth), ")".repeat(depth));
        assert!(Pattern::new(&conditions(64), false).is_ok());
        for depth in [65, 680] {
            assert!(Pattern::new(&conditions(depth), false).is_err(), "{depth} conditions in each other");
        }
    }
}
