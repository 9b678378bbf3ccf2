//! `email check facts`: copy may say nothing that the brief, the offer, the brand and the sender's name do not.
//!
//! The model writes the voice; the facts are the platform's. So a draft with a number, price, percentage,
//! date, link, capitalised name or claim that no source contains is refused, and so is one that repeats
//! itself. Reasons point at a word by its position and quote nothing of the draft but phrases of the rail's own
//! lists (`last days`): what a model invents may be a person's name or number.

mod claims;
mod dates;
mod links;
mod names;
mod quantities;
mod repeats;

use std::collections::HashSet;

use crate::text::{
    normal::normal,
    tokens::{Kind, Token, stem, tokens},
};

/// Sentences about one kind of fact; a draft with more is no better for knowing them.
const MAX_REASONS: usize = 12;

/// The texts that a draft may take facts from; everything else is an invention.
#[derive(Clone, Default)]
pub struct Sources {
    /// What the campaign is about.
    pub brief: String,
    /// What is offered, with its terms.
    pub offer: String,
    /// The brand and its voice.
    pub brand: String,
    /// Who the e-mail is from.
    pub sender_name: String,
}

/// What the sources say, in the form that drafts are compared with.
pub(crate) struct Known {
    /// Every word in lower case, and its stem.
    words: HashSet<String>,
    /// The root of every word.
    roots: HashSet<String>,
    /// Words written in capital letters throughout, such as an acronym.
    capitals: HashSet<String>,
    quantities: quantities::Quantities,
    /// Roots of the words of each sentence that has `free` in it.
    free: Vec<HashSet<String>>,
    links: HashSet<String>,
    tokens: Vec<Token>,
    /// The words with single spaces between and around them, for phrases.
    phrases: String,
}

impl Known {
    /// Reads the sources.
    pub(crate) fn new(sources: &Sources) -> Self {
        let text = [&sources.brief, &sources.offer, &sources.brand, &sources.sender_name]
            .map(String::as_str)
            .join("\n\n");
        let (text, links) = links::taken(&normal(&text));
        let tokens = tokens(&text);
        let words =
            tokens.iter().filter(|t| t.word()).flat_map(|t| [t.lower.clone(), stem(&t.lower)]).collect();
        let capitals =
            tokens.iter().filter(|t| t.word() && shouts(&t.text)).map(|t| t.text.clone()).collect();
        Self {
            words,
            roots: tokens.iter().filter(|t| t.word()).map(|t| quantities::root(&t.lower)).collect(),
            capitals,
            quantities: quantities::Quantities::new(&tokens),
            free: claims::free_sentences(&tokens),
            links: links.into_iter().collect(),
            phrases: phrases(&tokens),
            tokens,
        }
    }

    /// Whether the sources have this word, in whatever case and number. `lower` is in lower case.
    pub(crate) fn word(&self, lower: &str) -> bool {
        self.words.contains(lower) || self.words.contains(&stem(lower))
    }

    /// Whether the sources have a word of the same root: `guaranteed` for `guarantee`.
    fn root(&self, lower: &str) -> bool {
        self.word(lower) || self.roots.contains(&quantities::root(lower))
    }

    /// Whether the sources write this word in capital letters.
    pub(crate) fn capital(&self, text: &str) -> bool {
        self.capitals.contains(text)
    }

    /// Whether the sources have these words one after the other.
    pub(crate) fn phrase(&self, phrase: &str) -> bool {
        self.phrases.contains(&format!(" {phrase} "))
    }
}

/// Everything in `text` that the sources do not support; one sentence each.
pub(crate) fn check(text: &str, known: &Known) -> Vec<String> {
    let (text, links) = links::taken(&normal(text));
    let draft = tokens(&text);
    let mut reasons = links::check(&links, known);
    reasons.extend(quantities::check(&draft, known));
    reasons.extend(dates::check(&draft, known));
    reasons.extend(names::check(&draft, known));
    reasons.extend(claims::check(&draft, known));
    reasons.extend(repeats::check(&draft, known));
    let mut seen = HashSet::new();
    reasons.retain(|reason| seen.insert(reason.clone()));
    reasons
}

/// A word of two letters or more without a small one.
pub(crate) fn shouts(word: &str) -> bool {
    word.chars().filter(|c| c.is_alphabetic()).count() > 1 && !word.chars().any(char::is_lowercase)
}

/// The words in lower case with single spaces, one sentence after another.
fn phrases(tokens: &[Token]) -> String {
    let mut out = String::from(" ");
    let mut sentence = 0;
    for token in tokens.iter().filter(|t| t.word() || t.kind == Kind::Number) {
        if token.sentence != sentence {
            out.push_str("| ");
            sentence = token.sentence;
        }
        out.push_str(&token.lower);
        out.push(' ');
    }
    out
}

/// The position of a token among the words and numbers, from 1, as reasons give it.
fn place(tokens: &[Token], at: usize) -> usize {
    tokens.iter().take(at + 1).filter(|t| !matches!(t.kind, Kind::Sign | Kind::Line)).count()
}

#[cfg(test)]
mod tests;
