//! `email check personal data`: the model writes without personal data, and nothing unmerged is left over.

use std::sync::LazyLock;

use regex::Regex;

use super::Email;
use crate::text::{
    html::Seen,
    normal::{FIRST_NAME, skeleton},
    pattern::constant,
    private::{Own, find},
};

/// Words that stand where something was meant to be filled in.
static BLANK: LazyLock<Regex> = LazyLock::new(|| {
    constant(
        r"\b(?:x{3,}|tbd|tba|lorem ipsum|your name here|insert \w+ here|first ?name|last ?name|firstname)\b|_{3,}|%[a-z_]{3,}%|\$[a-z_]{3,}|\*\|[^|]*\||xx%",
    )
});
static TAG: LazyLock<Regex> = LazyLock::new(|| constant(r"<\s*[/!?]?\s*\p{L}[^<>]{0,200}>|<<|>>|<\||\|>"));

/// What a piece that the model wrote holds and should not.
pub(crate) fn piece(text: &str) -> Vec<String> {
    let mut out = private(text, Own::default());
    let rest = text.replace(FIRST_NAME, "");
    out.extend(leftovers(&rest));
    if TAG.is_match(&rest) {
        out.push("it has a leftover in angle brackets".to_owned());
    }
    out
}

/// What the parts as they will be sent hold and should not; the sender's own addresses are expected there.
pub(crate) fn parts(email: &Email, html: &Seen) -> Vec<String> {
    let own = Own { email: &email.from_email, postal: &email.postal_address };
    let merged = |text: &str| text.replace(FIRST_NAME, "").replace("{{unsubscribe_url}}", "");
    let mut out = Vec::new();
    for (part, text) in [("text", merged(&email.text_part)), ("HTML", merged(&html.text))] {
        let found = private(&text, own).into_iter().chain(leftovers(&text));
        out.extend(found.map(|reason| format!("{reason}, in the {part} part")));
    }
    if merged(&email.html_part).contains("{{") {
        out.push("it has a placeholder other than {{first_name}}, in the HTML part".to_owned());
    }
    out
}

fn private(text: &str, own: Own<'_>) -> Vec<String> {
    find(text, own).into_iter().map(|kind| format!("it has {}", kind.what())).collect()
}

fn leftovers(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    if text.contains(['{', '}', '｛', '｝']) {
        out.push("it has a placeholder other than {{first_name}}".to_owned());
    }
    if text.contains(['[', ']', '［', '］', '【', '】']) {
        out.push("it has a leftover in square brackets".to_owned());
    }
    if BLANK.is_match(&skeleton(text)) {
        out.push("it has a blank that was never filled in".to_owned());
    }
    out
}
