//! `regex check input` and `regex check output`: forbidden patterns.
//!
//! Patterns run in linear time; one with look-around or a back-reference runs with a bounded number of steps,
//! and a text on which it exceeds them is blocked.

/// Steps that a backtracking pattern may take on one text.
const BACKTRACK_LIMIT: usize = 100_000;
/// Bytes that one compiled pattern may take.
const COMPILED_LIMIT: usize = 1 << 20;
/// Characters of one pattern.
const PATTERN_LIMIT: usize = 4096;

/// One compiled pattern.
pub(crate) enum Pattern {
    Linear(regex::Regex),
    Backtracking(Box<fancy_regex::Regex>),
}

/// The patterns of one direction.
#[derive(Default)]
pub(crate) struct Patterns(Vec<Pattern>);

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
        let linear = regex::RegexBuilder::new(pattern)
            .case_insensitive(case_insensitive)
            .size_limit(COMPILED_LIMIT)
            .dfa_size_limit(COMPILED_LIMIT)
            .nest_limit(64)
            .build();
        match linear {
            Ok(regex) => Ok(Self::Linear(regex)),
            Err(regex::Error::CompiledTooBig(_)) => Err("the pattern is too large when compiled".to_owned()),
            Err(_) => fancy_regex::RegexBuilder::new(pattern)
                .case_insensitive(case_insensitive)
                .backtrack_limit(BACKTRACK_LIMIT)
                .delegate_size_limit(COMPILED_LIMIT)
                .build()
                .map(|regex| Self::Backtracking(Box::new(regex)))
                .map_err(|_| "the pattern is not a regular expression".to_owned()),
        }
    }

    fn finds(&self, text: &str) -> bool {
        match self {
            Self::Linear(regex) => regex.is_match(text),
            Self::Backtracking(regex) => regex.is_match(text).unwrap_or(true),
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

    /// Which pattern forbids the text; one sentence with its number in the configuration.
    pub(crate) fn check(&self, text: &str) -> Option<String> {
        // Python's `$` also stands before a last line break.
        let trimmed = text.strip_suffix('\n').unwrap_or(text);
        let found = |p: &Pattern| p.finds(text) || (trimmed.len() < text.len() && p.finds(trimmed));
        self.0.iter().position(found).map(|at| format!("it matches forbidden pattern {}", at + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(pattern: &str, case_insensitive: bool) -> Patterns {
        Patterns::new(vec![Pattern::new(pattern, case_insensitive).expect("compiles")])
    }

    #[test]
    fn a_match_anywhere_blocks() {
        assert!(patterns(r"\bsecret\b", true).check("A Secret.").is_some());
        assert!(patterns(r"\bsecret\b", false).check("A Secret.").is_none());
        assert!(patterns(r"end$", false).check("the end\n").is_some());
        assert!(patterns(r"(?<!not )free", false).check("it is free").is_some());
        assert!(patterns(r"(?<!not )free", false).check("it is not free").is_none());
    }

    #[test]
    fn a_pattern_that_does_not_end_blocks() {
        let evil = patterns(r"(?i)(a|b|ab)*(?>c)", false);
        assert!(evil.check(&"ab".repeat(40)).is_some());
    }

    #[test]
    fn patterns_have_limits() {
        assert!(Pattern::new("(", false).is_err());
        assert!(Pattern::new("", false).is_err());
        assert!(Pattern::new(&"a".repeat(5000), false).is_err());
        assert!(Pattern::new(r"\p{L}{1000}{1000}", false).is_err());
        assert!(Pattern::new(&("(".repeat(500) + &")".repeat(500)), false).is_err());
    }
}
