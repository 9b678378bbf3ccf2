//! Capitalised names: people, places, products, companies.

use super::{Known, MAX_REASONS, dates, place, shouts};
use crate::text::{
    lexicon::{common, given_name},
    tokens::{Token, stem},
};

/// Words that English writes in capitals.
const ALWAYS: &[&str] = &["i", "ok", "tv", "diy", "ps", "pm", "am", "faq"];
/// Words that a name follows.
const GREETINGS: &[&str] = &["dear", "hi", "hello", "hey", "thanks", "love", "from", "meet", "sincerely"];
/// What people are said to do; a capitalised word before one of these is a person.
const SAYINGS: &[&str] = &[
    "says",
    "said",
    "swears",
    "recommends",
    "told",
    "tells",
    "writes",
    "wrote",
    "believes",
    "thinks",
    "agrees",
    "invites",
];

/// Capitalised words that are neither in the sources nor ordinary where they stand.
pub(super) fn check(draft: &[Token], known: &Known) -> Vec<String> {
    let titles = titles(draft);
    let titled = |token: &Token| titles.get(token.sentence).copied().unwrap_or(false);
    draft
        .iter()
        .enumerate()
        .filter(|(at, token)| token.word() && name(draft, *at, titled(token), known))
        .take(MAX_REASONS)
        .map(|(at, _)| {
            format!(
                "the capitalised name at word {} is not in the brief, the offer or the brand",
                place(draft, at)
            )
        })
        .collect()
}

/// Whether the word is a name that no source has.
fn name(draft: &[Token], at: usize, titled: bool, known: &Known) -> bool {
    let Some(token) = draft.get(at) else { return false };
    let before = at.checked_sub(1).and_then(|i| draft.get(i));
    if !token.text.chars().any(char::is_uppercase)
        || known.word(&token.lower)
        || known_possessive(&token.lower, known)
    {
        return false;
    }
    if ALWAYS.contains(&token.lower.split('\'').next().unwrap_or_default()) {
        return false;
    }
    if dates::calendar(&token.lower) {
        return false;
    }
    let capital = token.text.starts_with(char::is_uppercase);
    let mixed = token.text.chars().skip(1).any(char::is_uppercase);
    if (mixed && !shouts(&token.text)) || !capital {
        return true;
    }
    let said = draft.get(at + 1).is_some_and(|t| SAYINGS.contains(&t.lower.as_str()));
    let greeted = before.is_some_and(|t| GREETINGS.contains(&t.lower.as_str()));
    let given = given_name(&token.lower);
    if (given && (said || greeted || !token.starts)) || (said && token.starts && !pronoun(&token.lower)) {
        return true;
    }
    let hyphenated = token.glued && at > 1 && before.is_some_and(|t| t.is('-'));
    let ordinary = token.starts || mixed || hyphenated || greeted || titled;
    !(ordinary && common(&token.lower))
}

fn known_possessive(lower: &str, known: &Known) -> bool {
    lower.strip_suffix("'s").is_some_and(|word| known.word(word)) || known.word(&stem(lower))
}

fn pronoun(lower: &str) -> bool {
    matches!(
        lower,
        "everyone" | "everybody" | "he" | "she" | "nobody" | "who" | "somebody" | "someone" | "what" | "it"
    )
}

/// For each sentence whether it is a title, where most words are capitalised: a subject, a heading, `Warm Regards`.
fn titles(draft: &[Token]) -> Vec<bool> {
    let mut sentences: Vec<Vec<&Token>> = Vec::new();
    for token in draft.iter().filter(|t| t.word()) {
        if sentences.len() <= token.sentence {
            sentences.resize_with(token.sentence + 1, Vec::new);
        }
        if let Some(words) = sentences.get_mut(token.sentence) {
            words.push(token);
        }
    }
    sentences.iter().map(|words| title(words)).collect()
}

fn title(words: &[&Token]) -> bool {
    let skipped = usize::from(words.len() > 4);
    let telling: Vec<_> = words.iter().skip(skipped).filter(|t| t.text.len() > 3).collect();
    let capitals = telling.iter().filter(|t| t.text.starts_with(char::is_uppercase)).count();
    if skipped == 0 { capitals == telling.len() } else { capitals > 1 && capitals * 5 >= telling.len() * 4 }
}
