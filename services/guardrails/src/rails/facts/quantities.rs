//! Numbers, prices and percentages, in digits and in words.

use std::collections::{HashMap, HashSet};

use super::{Known, MAX_REASONS, place};
use crate::text::{
    lexicon::undoubled,
    tokens::{Kind, Token, stem},
};

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Measure {
    Plain,
    Percent,
    Money(&'static str),
}

/// One number and the words that say what it is the number of.
#[derive(Debug)]
struct Quantity {
    /// Canonical: `1299`, `9.9`, `10:30`, `half`.
    value: String,
    measure: Measure,
    /// The word right after it, a unit of time or measure.
    unit: Option<String>,
    /// Roots of the telling words after it (of those before it where none follows), nearest first.
    telling: Vec<String>,
    sentence: usize,
    at: usize,
}

/// The quantities of a text and the roots of the telling words of its sentences.
pub(super) struct Quantities {
    found: Vec<Quantity>,
    sentences: HashMap<usize, HashSet<String>>,
}

impl Quantities {
    /// Reads a text.
    pub(super) fn new(tokens: &[Token]) -> Self {
        let mut sentences: HashMap<usize, HashSet<String>> = HashMap::new();
        for token in tokens.iter().filter(|t| telling(t)) {
            sentences.entry(token.sentence).or_default().insert(root(&token.lower));
        }
        Self { found: quantities(tokens), sentences }
    }

    /// Whether one of these is what `draft` says.
    fn support(&self, draft: &Quantity) -> bool {
        let none = HashSet::new();
        let words = |known: &Quantity| self.sentences.get(&known.sentence).unwrap_or(&none);
        self.found.iter().any(|known| same(known, draft) && about(words(known), draft))
    }
}

const CURRENCIES: &[(&str, &str)] = &[
    ("€", "EUR"),
    ("eur", "EUR"),
    ("euro", "EUR"),
    ("$", "USD"),
    ("usd", "USD"),
    ("dollar", "USD"),
    ("buck", "USD"),
    ("cad", "CAD"),
    ("£", "GBP"),
    ("gbp", "GBP"),
    ("pound", "GBP"),
    ("quid", "GBP"),
    ("¥", "JPY"),
    ("yen", "JPY"),
    ("chf", "CHF"),
    ("franc", "CHF"),
    ("cent", "cent"),
    ("penny", "cent"),
    ("pence", "cent"),
    ("¢", "cent"),
    ("₹", "INR"),
];

const UNITS: &[&str] = &[
    "second",
    "minute",
    "hour",
    "day",
    "night",
    "week",
    "weekend",
    "fortnight",
    "month",
    "year",
    "decade",
    "century",
    "am",
    "pm",
    "a.m",
    "p.m",
    "o'clock",
    "g",
    "kg",
    "gram",
    "kilo",
    "ml",
    "l",
    "litre",
    "liter",
    "oz",
    "ounce",
    "lb",
    "cm",
    "mm",
    "metre",
    "meter",
    "km",
    "mile",
    "inch",
    "degree",
    "calorie",
    "kcal",
    "point",
    "star",
    "times",
    "time",
    "percent",
    "x",
];

/// Words that say nothing about what a number counts.
const FUNCTION: &[&str] = &[
    "a", "all", "also", "an", "and", "any", "are", "as", "at", "be", "before", "by", "can", "each", "every",
    "for", "from", "get", "have", "if", "in", "into", "is", "it", "its", "just", "more", "now", "of", "on",
    "only", "or", "our", "over", "own", "so", "still", "than", "that", "the", "their", "them", "then",
    "there", "these", "they", "this", "those", "to", "today", "under", "until", "up", "us", "was", "we",
    "when", "while", "will", "with", "you", "your", "enjoy", "take", "here",
];

/// Ways to say that a price is lower.
const REDUCED: &[&str] = &["off", "discount", "reduction", "sav", "save", "less", "reduc", "lower", "rebate"];

const SMALL: &[&str] = &[
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: &[&str] = &["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
const SCALES: &[(&str, u64)] =
    &[("hundred", 100), ("thousand", 1_000), ("million", 1_000_000), ("billion", 1_000_000_000)];
/// Words that are a quantity by themselves; `second` and `first` are too ordinary to be one.
const LOOSE: &[&str] = &[
    "half",
    "halve",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "quarter",
    "dozen",
    "double",
    "triple",
    "quadruple",
    "twice",
    "thrice",
    "twofold",
    "tenfold",
    "hundreds",
    "thousands",
    "millions",
    "billions",
    "zillion",
    "twofer",
    "bogo",
];

/// Every quantity of a text.
fn quantities(tokens: &[Token]) -> Vec<Quantity> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let Some((value, end)) =
            number(tokens, at).or_else(|| spelled(tokens, at)).or_else(|| loose(tokens, at))
        else {
            at += 1;
            continue;
        };
        out.push(quantity(tokens, value, at, end));
        at = end;
    }
    out
}

/// A quantity of the draft without one like it in the sources; also a percent or currency sign by itself.
pub(super) fn check(draft: &[Token], known: &Known) -> Vec<String> {
    let found = quantities(draft);
    let mut out: Vec<String> = found
        .iter()
        .filter(|q| !known.quantities.support(q))
        .take(MAX_REASONS)
        .map(|q| {
            let what = match q.measure {
                Measure::Plain => "number",
                Measure::Percent => "percentage",
                Measure::Money(_) => "price",
            };
            format!("the {what} at word {} is not in the brief, the offer or the brand", place(draft, q.at))
        })
        .collect();
    if draft.iter().enumerate().any(|(i, t)| stray(draft, i, t)) {
        out.push("a currency or percent sign stands without its number".to_owned());
    }
    out
}

fn stray(draft: &[Token], at: usize, token: &Token) -> bool {
    let numeric = |i: Option<usize>| i.and_then(|i| draft.get(i)).is_some_and(|t| t.kind == Kind::Number);
    let sign =
        token.is('%') || CURRENCIES.iter().any(|(s, _)| !s.is_ascii() && token.text == *s) || token.is('$');
    sign && !numeric(at.checked_sub(1)) && !numeric(Some(at + 1))
}

/// Whether the two are the same amount of the same measure.
fn same(known: &Quantity, draft: &Quantity) -> bool {
    let half = draft.value == "half"
        && (known.value == "1/2" || (known.value == "50" && known.measure == Measure::Percent));
    let loose = matches!(draft.value.as_str(), "half" | "quarter" | "third");
    (known.value == draft.value || half)
        && (known.measure == draft.measure || loose)
        && (draft.unit.is_none() || draft.unit == known.unit)
}

/// Whether the draft's quantity is about something that the source's sentence speaks of.
fn about(sentence: &HashSet<String>, draft: &Quantity) -> bool {
    let reduced = |word: &String| REDUCED.contains(&word.as_str());
    draft.telling.is_empty()
        || draft.telling.iter().any(|word| sentence.contains(word))
        || (draft.telling.iter().any(reduced) && sentence.iter().any(reduced))
}

/// A word that says what is counted.
fn telling(token: &Token) -> bool {
    token.word() && !FUNCTION.contains(&token.lower.as_str())
}

/// A number in digits: its canonical value and the index after it.
fn number(tokens: &[Token], at: usize) -> Option<(String, usize)> {
    let token = tokens.get(at).filter(|t| t.kind == Kind::Number)?;
    if !token.text.is_ascii() {
        // Digits of another script: no source is compared with them, so they are never supported.
        return Some((format!("?{}", token.text), at + 1));
    }
    let value = canonical(&token.text);
    let suffix = tokens.get(at + 1).filter(|t| t.word() && t.glued);
    Some(match suffix.map(|t| t.lower.as_str()) {
        Some("st" | "nd" | "rd" | "th") => (value, at + 2),
        Some("k") => (value + "000", at + 2),
        Some("m") => (value + "000000", at + 2),
        _ => (value, at + 1),
    })
}

/// `1,299.00` and `1.299,00` are `1299`; dates and times stay as they are.
fn canonical(text: &str) -> String {
    let grouped = |text: &str, sep: char| {
        let mut parts = text.split(sep);
        parts.next().is_some_and(|p| (1..=3).contains(&p.len())) && parts.all(|p| p.len() == 3)
    };
    if text.contains([':', '/']) {
        return text.to_owned();
    }
    let (whole, fraction) = match text.rsplit_once(['.', ',']) {
        Some(parts) if parts.1.len() != 3 || text.starts_with('0') => parts,
        _ => (text, ""),
    };
    if !whole.contains(['.', ',']) || grouped(whole, ',') || grouped(whole, '.') {
        let whole: String = whole.chars().filter(char::is_ascii_digit).collect();
        let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
        let whole = if whole.is_empty() { "0" } else { whole };
        return if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") };
    }
    text.to_owned()
}

/// A number in words: `twenty-five`, `one hundred and fifty`, `three`.
fn spelled(tokens: &[Token], at: usize) -> Option<(String, usize)> {
    let (mut total, mut group, mut end, mut i) = (0_u64, 0_u64, at, at);
    let mut last_tens = false;
    while let Some(token) = tokens.get(i) {
        let word = token.lower.as_str();
        let joins = i > at && (token.is('-') || word == "and" && group >= 100);
        if let Some(n) =
            SMALL.iter().position(|w| *w == word).filter(|_| i == at || last_tens || group % 100 == 0)
        {
            group += n as u64;
            last_tens = false;
        } else if let Some(n) = TENS.iter().position(|w| *w == word).filter(|_| group % 100 == 0) {
            group += 10 * (n as u64 + 2);
            last_tens = true;
        } else if let Some((_, scale)) = SCALES.iter().find(|(w, _)| *w == word) {
            group = group.max(1).saturating_mul(*scale);
            if *scale > 100 {
                total = total.saturating_add(group);
                group = 0;
            }
            last_tens = false;
        } else if joins {
            i += 1;
            continue;
        } else {
            break;
        }
        i += 1;
        end = i;
    }
    let counts = end > at + 1 || tokens.get(at)?.lower != "one" || counted(tokens, end);
    (end > at && counts).then(|| (total.saturating_add(group).to_string(), end))
}

/// Whether `one` is a number here (`one day`, `one free`) and not a pronoun (`the one for you`).
fn counted(tokens: &[Token], after: usize) -> bool {
    let at = if tokens.get(after).is_some_and(|t| t.is('-')) { after + 1 } else { after };
    tokens.get(at).is_some_and(|t| {
        let stem = stem(&t.lower);
        t.is('%')
            || stem == "free"
            || (UNITS.contains(&stem.as_str()) && stem != "time")
            || currency(&stem).is_some()
    })
}

/// A word that is a quantity by itself.
fn loose(tokens: &[Token], at: usize) -> Option<(String, usize)> {
    let word = tokens.get(at).filter(|t| t.word())?.lower.as_str();
    let same =
        LOOSE.iter().find(|w| **w == word || stem(word) == **w || (word == "halves" && **w == "half"))?;
    Some((if *same == "dozen" { "12" } else { same }.to_owned(), at + 1))
}

fn currency(word: &str) -> Option<&'static str> {
    CURRENCIES.iter().find(|(name, _)| *name == word).map(|(_, code)| *code)
}

/// Reads what stands around the number at `at..end`.
fn quantity(tokens: &[Token], value: String, at: usize, end: usize) -> Quantity {
    let word = |i: usize| tokens.get(i).map(|t| stem(&t.lower)).unwrap_or_default();
    let before = at.checked_sub(1).and_then(|i| currency(&word(i)));
    let (measure, after) =
        if tokens.get(end).is_some_and(|t| t.is('%')) || matches!(word(end).as_str(), "percent" | "pct") {
            (Measure::Percent, end + 1)
        } else if word(end) == "per" && word(end + 1) == "cent" {
            (Measure::Percent, end + 2)
        } else if let Some(code) = before {
            (Measure::Money(code), end)
        } else if let Some(code) = currency(&word(end)) {
            (Measure::Money(code), end + 1)
        } else {
            (Measure::Plain, end)
        };
    let unit_at = if tokens.get(after).is_some_and(|t| t.is('-')) { after + 1 } else { after };
    let unit = Some(word(unit_at)).filter(|w| UNITS.contains(&w.as_str()));
    let sentence = tokens.get(at).map_or(0, |t| t.sentence);
    let here = |t: &&Token| t.sentence == sentence;
    let root = |t: &Token| root(&t.lower);
    let clause = |t: &&Token| here(t) && !t.is(',') && !t.is(';');
    let after = tokens.iter().skip(after).take_while(clause).filter(|t| telling(t));
    let mut words: Vec<String> = after.take(3).map(root).collect();
    if words.is_empty() {
        let before = tokens.iter().take(at).rev().take_while(here).filter(|t| telling(t));
        words = before.filter(|t| currency(&stem(&t.lower)).is_none()).take(3).map(root).collect();
    }
    Quantity { value, measure, unit, telling: words, sentence, at }
}

/// The word without its ending, so that `ships` and `shipping` meet.
pub(super) fn root(lower: &str) -> String {
    let stem = stem(lower);
    for ending in ["ing", "ed"] {
        if let Some(base) = stem.strip_suffix(ending).filter(|base| base.len() > 2) {
            return undoubled(base).unwrap_or(base).to_owned();
        }
    }
    stem.strip_suffix('e').filter(|base| base.len() > 2).map_or(stem.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_is_found_in_any_script() {
        let roots = ["shipping", "shipped", "a丸ing", "丸丸ing", "ééing", "丸ed", "ing"].map(root);
        assert_eq!(roots, ["ship", "ship", "a丸", "丸", "éé", "丸", "ing"]);
    }
    use crate::text::tokens::tokens;

    #[test]
    fn numbers_have_one_form() {
        for (text, expected) in [
            ("1,299.00", "1299"),
            ("1.299,00", "1299"),
            ("9.90", "9.9"),
            ("9,90", "9.9"),
            ("1.000", "1000"),
            ("0.125", "0.125"),
            ("007", "7"),
            ("10:30", "10:30"),
            ("31/03/2026", "31/03/2026"),
            ("31.03.2026", "31.03.2026"),
            ("1,000,000", "1000000"),
        ] {
            assert_eq!(canonical(text), expected, "{text}");
        }
    }

    #[test]
    fn words_are_numbers() {
        for (text, expected) in [
            ("twenty-five cups", "25"),
            ("one hundred and fifty", "150"),
            ("three", "3"),
            ("two thousand", "2000"),
            ("a dozen", "12"),
            ("half", "half"),
            ("one day", "1"),
            ("20k", "20000"),
            ("2nd", "2"),
            ("fifty percent", "50"),
        ] {
            let found = quantities(&tokens(text));
            assert_eq!(found.iter().map(|q| q.value.as_str()).collect::<Vec<_>>(), [expected], "{text}");
        }
        assert!(quantities(&tokens("the one for you, one of a kind, one sip at a time")).is_empty());
    }
}
