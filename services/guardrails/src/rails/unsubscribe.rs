//! `email check unsubscribe`: one click (RFC 8058), and a link that is seen (CAN-SPAM 15 U.S.C. 7704(a)(3)).

use super::Email;
use crate::text::html::Seen;

/// Stands for the recipient's own signed `https` link; merged in later.
const PLACEHOLDER: &str = "{{unsubscribe_url}}";

/// What is wrong with the ways out.
pub(crate) fn check(email: &Email, html: &Seen) -> Vec<String> {
    let mut out = Vec::new();
    let mut require = |ok: bool, reason: &str| {
        if !ok {
            out.push(reason.to_owned());
        }
    };
    require(
        header(&email.list_unsubscribe),
        "List-Unsubscribe is not <{{unsubscribe_url}}>, with at most <mailto:…> beside it",
    );
    require(
        email.list_unsubscribe_post == "List-Unsubscribe=One-Click",
        "List-Unsubscribe-Post is not exactly List-Unsubscribe=One-Click",
    );
    require(email.text_part.contains(PLACEHOLDER), "the text part has no {{unsubscribe_url}}");
    let shown = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).count() >= 3;
    require(
        html.links.iter().any(|link| link.href == PLACEHOLDER && shown(&link.text)),
        "the HTML part has no visible link to {{unsubscribe_url}}",
    );
    require(!html.sheet_hides, "a style sheet of the HTML part hides what it matches");
    out
}

/// RFC 2369: addresses in angle brackets, separated by commas. One is the placeholder, others are `mailto:`.
fn header(value: &str) -> bool {
    if value.len() > 900 || value.contains(char::is_control) {
        return false;
    }
    let inner =
        |entry: &str| entry.trim().strip_prefix('<').and_then(|e| e.strip_suffix('>')).map(str::to_owned);
    let Some(entries) = value.split(',').map(inner).collect::<Option<Vec<_>>>() else { return false };
    let (links, others): (Vec<_>, Vec<_>) = entries.into_iter().partition(|entry| entry == PLACEHOLDER);
    links.len() == 1
        && others.iter().all(|entry| entry.starts_with("mailto:") && !entry.contains(char::is_whitespace))
}
