//! `email check personal data`: the model writes without personal data, and nothing unmerged is left over.

use std::sync::LazyLock;

use maily_law::{has_tags, reorders};
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
    if reorders(text) || has_tags(text) {
        out.push("it has characters that turn the order of others around, or that nobody sees".to_owned());
    }
    if BLANK.is_match(&skeleton(text)) {
        out.push("it has a blank that was never filled in".to_owned());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::piece;

    #[test]
    fn what_is_not_shown_as_it_is_written_is_a_leftover() {
        for text in ["Now \u{202e}%05 evas\u{202c}.", "Now \u{2067}a\u{2069}.", "Now.\u{e0061}\u{e0062}"] {
            assert_eq!(
                piece(text),
                ["it has characters that turn the order of others around, or that nobody sees"],
                "{text:?}"
            );
        }
        let flags = "Now \u{2764}\u{fe0f} \u{1f1e9}\u{1f1ea} \u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}";
        assert_eq!(piece(flags), [""; 0]);
    }
}
