//! Why a configuration was not loaded.

use std::fmt;

use maily_chassis::WorkError;

/// Characters of what is said to be wrong. It is the message of a gRPC status, a header, where each may become twelve bytes,
/// and of all its headers a client takes 16 KiB: with more the refusal would look like a connection that failed.
const LONGEST: usize = 500;

/// What is wrong, in which file and line: `config.yml:12: unknown key rails.inputs (did you mean rails.input?)`.
#[derive(Clone, Debug, thiserror::Error)]
pub struct LoadError {
    file: String,
    line: Option<usize>,
    problem: String,
    cause: Cause,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    Files,
    Machine,
    Program,
}

impl LoadError {
    pub(crate) fn new(file: &str, line: impl Into<Option<usize>>, problem: impl Into<String>) -> Self {
        let mut problem = problem.into();
        if let Some(end) = problem.char_indices().nth(LONGEST).map(|(end, _)| end) {
            problem.truncate(end);
            problem.push('…');
        }
        Self { file: file.to_owned(), line: line.into(), problem, cause: Cause::Files }
    }

    /// The machine's fault, not the files': they may be loaded another time.
    pub(crate) fn unavailable(
        file: &str,
        line: impl Into<Option<usize>>,
        problem: impl Into<String>,
    ) -> Self {
        Self { cause: Cause::Machine, ..Self::new(file, line, problem) }
    }

    /// The load did not come to its end.
    pub(crate) fn cut(error: WorkError) -> Self {
        let cause = match error {
            WorkError::Panicked => Cause::Program,
            WorkError::Interrupted => Cause::Machine,
        };
        Self { cause, ..Self::new(".", None, error.to_string()) }
    }

    /// Whether trying again can't help: the same files are refused every time.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        self.cause == Cause::Files
    }

    /// Whether our own program is at fault: the same files will meet the same again.
    pub(crate) fn is_fault(&self) -> bool {
        self.cause == Cause::Program
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.problem),
            None => write!(f, "{}: {}", self.file, self.problem),
        }
    }
}

/// `known` as a suggestion if the word is nearly it: ` (did you mean x?)`.
pub(crate) fn suggestion<'a>(word: &str, known: impl IntoIterator<Item = &'a str>, prefix: &str) -> String {
    let best = known.into_iter().map(|k| (distance(word, k), k)).min();
    match best {
        Some((d, k)) if d <= 2.max(word.chars().count() / 4) && d < k.chars().count() => {
            format!(" (did you mean {prefix}{k}?)")
        }
        _ => String::new(),
    }
}

/// How many characters to change, add or leave out (Levenshtein), over at most 64 of them.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().take(64).collect());
    let mut row: Vec<usize> = (1..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let (mut diagonal, mut left) = (i, i + 1);
        for (above, y) in row.iter_mut().zip(&b) {
            let cost = diagonal + usize::from(x != y);
            diagonal = *above;
            *above = cost.min(left + 1).min(diagonal + 1);
            left = *above;
        }
    }
    row.last().copied().unwrap_or(a.len())
}
