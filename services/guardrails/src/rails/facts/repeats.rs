//! Copy that repeats itself, as a small model does when it has nothing left to say.

use std::collections::HashMap;

use super::Known;
use crate::text::tokens::{Kind, Token};

/// Words that stand in a row for effect.
const EMPHASIS: &[&str] =
    &["very", "so", "had", "that", "bye", "ha", "no", "many", "yum", "knock", "really", "far", "much"];

/// A sentence said twice, five words said twice, three words said three times, or a doubled word.
pub(super) fn check(draft: &[Token], known: &Known) -> Vec<String> {
    let words: Vec<&Token> = draft.iter().filter(|t| matches!(t.kind, Kind::Word | Kind::Number)).collect();
    let mut out = Vec::new();
    let mut sentences: HashMap<usize, Vec<&str>> = HashMap::new();
    for word in &words {
        sentences.entry(word.sentence).or_default().push(&word.lower);
    }
    let mut counts: HashMap<&[&str], usize> = HashMap::new();
    for sentence in sentences.values().filter(|s| s.len() > 2) {
        *counts.entry(sentence).or_default() += 1;
    }
    if counts.values().any(|n| *n > 1) {
        out.push("a sentence is repeated".to_owned());
    } else if repeats(&sentences, 5, 1, known) || repeats(&sentences, 3, 2, known) {
        out.push("a run of words is repeated".to_owned());
    }
    let same = |word: &Token, next: &Token| word.sentence == next.sentence && word.lower == next.lower;
    if words.array_windows().any(|[word, next]| same(word, next) && doubled(&word.lower)) {
        out.push("a word is doubled".to_owned());
    }
    out
}

fn doubled(word: &str) -> bool {
    !EMPHASIS.contains(&word)
}

/// Whether a run of `n` words occurs more than `most` times; runs stay inside a sentence. A long one of the
/// sources' own words may occur once more: the offer is slotted in beside copy that speaks of it.
fn repeats(sentences: &HashMap<usize, Vec<&str>>, n: usize, most: usize, known: &Known) -> bool {
    let mut counts: HashMap<&[&str], usize> = HashMap::new();
    for run in sentences.values().flat_map(|sentence| sentence.windows(n)) {
        *counts.entry(run).or_default() += 1;
    }
    let own = |run: &[&str], count: usize| n > 3 && count == most + 1 && known.phrase(&run.join(" "));
    counts.iter().any(|(run, count)| *count > most && !own(run, *count))
}
