//! The names of special tokens in a text, found in one pass.

use std::collections::{BTreeSet, HashSet};

/// Names of special tokens, such as `<|im_start|>`.
pub(super) struct Names {
    names: HashSet<Vec<u8>>,
    /// The lengths that names have, the longest first.
    lengths: Vec<usize>,
    /// The bytes that names end with: at any other byte there is nothing to compare.
    last: [bool; 256],
}

impl Names {
    /// Takes each name once, and none that is empty.
    pub(super) fn new(names: impl IntoIterator<Item = String>) -> Self {
        let names = names.into_iter().map(String::into_bytes).filter(|name| !name.is_empty());
        let names: HashSet<Vec<u8>> = names.collect();
        let mut last = [false; 256];
        for byte in names.iter().filter_map(|name| name.last()) {
            if let Some(last) = last.get_mut(usize::from(*byte)) {
                *last = true;
            }
        }
        let lengths: BTreeSet<usize> = names.iter().map(Vec::len).collect();
        Self { names, lengths: lengths.into_iter().rev().collect(), last }
    }

    /// Whether the text has one of the names in it.
    pub(super) fn are_in(&self, text: &str) -> bool {
        let bytes = text.as_bytes();
        (0..bytes.len()).any(|at| bytes.get(..=at).is_some_and(|begin| self.at_end(begin).is_some()))
    }

    /// The text without any of the names, those too that taking another out puts together.
    pub(super) fn taken_out(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            out.push(c);
            // No name was in `out` before, so that one can only end here; the longest has the others in it.
            if let Some(length) = self.at_end(out.as_bytes()) {
                out.truncate(out.len() - length);
            }
        }
        out
    }

    /// The length of the longest name that the text ends with.
    fn at_end(&self, text: &[u8]) -> Option<usize> {
        let last = text.last()?;
        if self.last.get(usize::from(*last)) != Some(&true) {
            return None;
        }
        let ends = |length: &usize| {
            let end = text.len().checked_sub(*length).and_then(|from| text.get(from..));
            end.is_some_and(|end| self.names.contains(end))
        };
        self.lengths.iter().copied().find(ends)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        Names::new(["<|end|>", "<|start|>", "<s>", "é>", ""].map(String::from))
    }

    #[test]
    fn a_name_anywhere_is_found() {
        for text in ["<s>", "a <|end|>", "<|start|> b", "<<s>>", "é>"] {
            assert!(names().are_in(text), "{text}");
        }
        for text in ["", "<", "<|end|", "|end|>", "<|END|>", "s>", "<>", "e>", "©>"] {
            assert!(!names().are_in(text), "{text}");
            assert_eq!(names().taken_out(text), text);
        }
    }

    #[test]
    fn what_is_taken_out_puts_nothing_together() {
        assert_eq!(names().taken_out("a<|end|>b<s>c"), "abc");
        assert_eq!(names().taken_out("<|en<s>d|>x"), "x");
        assert_eq!(names().taken_out("<<s>s>é<s>>!"), "!");
        let deep = "<|en".repeat(50_000) + &"d|>".repeat(50_000);
        assert_eq!(names().taken_out(&deep), "");
        assert!(!Names::new([]).are_in("<s>"));
    }
}
