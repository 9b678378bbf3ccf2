//! Weekdays, months, seasons, holidays and other points in time.

use super::{Known, place};
use crate::text::tokens::{Kind, Token, stem};

const WEEKDAYS: &[&str] = &["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
const MONTHS: &[&str] = &[
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
/// Short forms; they count only with a capital letter, or before or after a number.
const SHORT: &[(&str, &str)] = &[
    ("mon", "monday"),
    ("tue", "tuesday"),
    ("tues", "tuesday"),
    ("wed", "wednesday"),
    ("thu", "thursday"),
    ("thur", "thursday"),
    ("thurs", "thursday"),
    ("fri", "friday"),
    ("jan", "january"),
    ("feb", "february"),
    ("mar", "march"),
    ("apr", "april"),
    ("jun", "june"),
    ("jul", "july"),
    ("aug", "august"),
    ("sep", "september"),
    ("sept", "september"),
    ("oct", "october"),
    ("nov", "november"),
    ("dec", "december"),
];
/// Points in time that any copy could invent, in whatever case.
const TIMES: &[&str] = &[
    "tomorrow",
    "tonight",
    "yesterday",
    "midnight",
    "noon",
    "midday",
    "weekend",
    "fortnight",
    "spring",
    "springtime",
    "summer",
    "summertime",
    "autumn",
    "winter",
    "wintertime",
    "christmas",
    "xmas",
    "easter",
    "halloween",
    "thanksgiving",
    "hanukkah",
    "diwali",
    "ramadan",
    "eid",
    "valentine",
    "advent",
    "solstice",
    "equinox",
    "anniversary",
    "birthday",
    "quarter",
];
/// Phrases that name a time together.
const PHRASES: &[&str] = &[
    "next week",
    "next month",
    "next year",
    "this week",
    "this month",
    "this year",
    "last week",
    "last month",
    "last year",
    "this fall",
    "fall collection",
    "fall season",
    "new year",
    "black friday",
    "cyber monday",
    "mother's day",
    "father's day",
    "today only",
    "only today",
    "ends today",
    "final day",
    "final days",
    "last day",
    "last days",
    "final hours",
    "last hours",
    "hours left",
    "days left",
    "bank holiday",
    "back to school",
];

/// A point in time that the sources do not name.
pub(super) fn check(draft: &[Token], known: &Known) -> Vec<String> {
    let named =
        |at: usize| draft.get(at).and_then(|_| time(draft, at)).filter(|name| !in_sources(name, known));
    let mut out: Vec<String> = (0..draft.len())
        .filter_map(|at| named(at).map(|_| at))
        .map(|at| {
            format!(
                "the date or season at word {} is not in the brief, the offer or the brand",
                place(draft, at)
            )
        })
        .collect();
    let phrases = super::phrases(draft);
    out.extend(
        PHRASES
            .iter()
            .filter(|phrase| phrases.contains(&format!(" {phrase} ")) && !known.phrase(phrase))
            .map(|phrase| {
                format!("`{phrase}` is a time that the brief, the offer and the brand do not name")
            }),
    );
    out
}

/// Whether the word is a weekday's or a month's name, which this module judges and no other.
pub(super) fn calendar(lower: &str) -> bool {
    let stem = stem(lower);
    WEEKDAYS.iter().chain(MONTHS).any(|name| *name == stem)
}

/// The canonical name of the time that the token is, if it is one.
fn time(tokens: &[Token], at: usize) -> Option<&'static str> {
    let token = tokens.get(at).filter(|t| t.word())?;
    let stem = stem(&token.lower);
    let capital = token.text.starts_with(char::is_uppercase);
    let numbered = [at.checked_sub(1), Some(at + 1)]
        .into_iter()
        .flatten()
        .any(|i| tokens.get(i).is_some_and(|t| t.kind == Kind::Number && t.sentence == token.sentence));
    let short = || {
        SHORT
            .iter()
            .find(|(s, _)| *s == token.lower && ((capital && !token.starts) || numbered))
            .map(|(_, name)| *name)
    };
    let month = || MONTHS.iter().find(|m| **m == stem && (numbered || month(tokens, at, capital))).copied();
    let listed = |list: &'static [&'static str]| {
        list.iter().find(|name| **name == stem || **name == token.lower).copied()
    };
    listed(WEEKDAYS).or_else(|| listed(TIMES)).or_else(month).or_else(short)
}

/// Whether a month's name is meant as one: `may` and `march` are verbs as well.
fn month(tokens: &[Token], at: usize, capital: bool) -> bool {
    let Some(token) = tokens.get(at) else { return false };
    let lower = token.lower.as_str();
    let next = tokens.get(at + 1).map_or("", |t| t.lower.as_str());
    let before = at.checked_sub(1).and_then(|i| tokens.get(i)).map_or("", |t| t.lower.as_str());
    let dated = matches!(
        before,
        "in" | "by"
            | "until"
            | "till"
            | "this"
            | "next"
            | "of"
            | "since"
            | "early"
            | "late"
            | "mid"
            | "every"
    );
    match lower {
        "may" if token.starts => !matches!(
            next,
            "your" | "we" | "you" | "this" | "these" | "the" | "it" | "every" | "each" | "all" | "be" | "our"
        ),
        "may" | "march" | "august" if !capital => lower == "march" && dated,
        _ => true,
    }
}

fn in_sources(name: &str, known: &Known) -> bool {
    let month = MONTHS.contains(&name);
    let short = SHORT.iter().any(|(s, long)| *long == name && known.word(s));
    let spring =
        matches!(name, "spring" | "springtime") && (known.word("spring") || known.word("springtime"));
    if matches!(name, "may" | "march") {
        // "you may" in the brief is no date.
        return (0..known.tokens.len()).any(|at| time(&known.tokens, at) == Some(name));
    }
    known.word(name) || spring || ((month || WEEKDAYS.contains(&name)) && short)
}
