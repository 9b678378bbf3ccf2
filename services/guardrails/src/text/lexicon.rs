//! Common English words: what may be written with a capital letter at the start of a sentence or in a
//! title without being a name.
//!
//! The list holds what advertising copy starts sentences with and leaves out whatever is also a person,
//! place or company: it is only ever asked about capitalised words, so a missing word costs a rewrite and a
//! wrong one lets an invented name through.

use std::{collections::HashSet, sync::LazyLock};

static WORDS: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| include_str!("lexicon.txt").split_ascii_whitespace().collect());

/// Surnames that the endings below would make of common words.
const SURNAMES: &[&str] = &[
    "archer", "baker", "banks", "barker", "boulder", "brewer", "brooks", "carter", "carver", "collier",
    "cooper", "dover", "fields", "fisher", "flowers", "fowler", "fuller", "glover", "hooker", "hunter",
    "marker", "mason", "miller", "parker", "parks", "peaks", "porter", "potter", "ranger", "rivers", "rider",
    "sawyer", "seller", "singer", "spencer", "spicer", "stoker", "sumner", "tanner", "turner", "walker",
    "waters", "weaver", "wheeler", "winer", "wilder", "winters", "woods", "yarder",
    // And given names.
    "carey", "casey", "lacy", "misty", "rusty", "sandy", "windy",
];

/// Words that are also given names: ordinary at the start of a sentence, a name inside one or after a greeting.
const GIVEN_NAMES: &[&str] = &[
    "ginger", "hope", "jasmine", "joy", "june", "lavender", "may", "mint", "summer", "will", "winter",
    "autumn",
];

/// Whether the word is common English. `lower` is in lower case.
pub(crate) fn common(lower: &str) -> bool {
    let word = lower.split('\'').next().unwrap_or(lower);
    if SURNAMES.contains(&word) {
        return false;
    }
    known(word)
        || ["re", "un"]
            .iter()
            .any(|prefix| word.strip_prefix(prefix).is_some_and(|w| w.len() > 3 && known(w)))
}

/// Whether the word can be a given name where one is expected.
pub(crate) fn given_name(lower: &str) -> bool {
    GIVEN_NAMES.contains(&lower)
}

fn known(word: &str) -> bool {
    WORDS.contains(word) || bases(word).iter().any(|base| WORDS.contains(base.as_str()))
}

/// What the word may be an inflection of.
fn bases(word: &str) -> Vec<String> {
    let mut out = Vec::new();
    for ending in [
        "s", "es", "d", "ed", "ing", "r", "er", "st", "est", "ly", "ness", "ful", "fully", "less", "able",
        "y",
    ] {
        let Some(base) = word.strip_suffix(ending).filter(|base| base.len() > 2 && base.is_ascii()) else {
            continue;
        };
        out.push(base.to_owned());
        if matches!(ending, "ing" | "able" | "y") {
            out.push(format!("{base}e"));
        }
        if let Some(single) = undoubled(base).filter(|_| matches!(ending, "ed" | "ing" | "er" | "est" | "y"))
        {
            out.push(single.to_owned());
        }
        if let Some(y) = base.strip_suffix('i') {
            out.push(format!("{y}y"));
        }
    }
    out
}

/// `shopp` is `shop`.
pub(crate) fn undoubled(base: &str) -> Option<&str> {
    let mut letters = base.chars();
    let last = letters.next_back()?;
    let single = letters.as_str();
    (single.len() > 2 && single.ends_with(last)).then_some(single)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_openings_are_common() {
        for word in "discover shopping sipping introducing celebrating sweetest cosier happily brightness teas don't \
                     we're here's rediscover unwrapping freshly thoughtfully savouring stories lovelier timeless"
            .split_whitespace()
        {
            assert!(common(word), "{word}");
        }
    }

    /// A letter of three bytes may end in two equal ones.
    #[test]
    fn letters_are_not_bytes() {
        for word in ["a丸ing", "丸丸ing", "éééing", "丸ed", "ing", "ßßest"] {
            assert!(!common(word), "{word}");
        }
        let all = ["shopp", "a丸", "丸丸", "egg", ""].map(undoubled);
        assert_eq!(all, [Some("shop"), None, Some("丸"), None, None]);
    }

    #[test]
    fn names_are_not() {
        for word in
            "anna kelly molly emily sally beverly parker walker amazon google berlin paris london wellington \
                     sterling rose grace faith lily ruby mark bill frank grant target visa samantha peters"
                .split_whitespace()
        {
            assert!(!common(word), "{word}");
        }
    }
}
