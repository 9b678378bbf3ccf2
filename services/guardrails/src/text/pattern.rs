//! Constant patterns: compiled once, in linear time.

use regex::Regex;

/// Compiles a pattern that is part of the source.
///
/// Every call is behind a `LazyLock` that a test forces, so a bad pattern can't reach a release.
#[allow(clippy::expect_used, reason = "the pattern is a constant of this crate and compiled by its tests")]
pub(crate) fn constant(pattern: &'static str) -> Regex {
    Regex::new(pattern).expect("a constant pattern")
}
