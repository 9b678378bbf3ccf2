//! `email check sender`: who writes, and where they can be found (CAN-SPAM 15 U.S.C. 7704(a)(1) and (5); CASL s.6(2)).

use maily_law::EmailAddress;

use super::{Email, Sources};
use crate::text::{html::Seen, normal::treacherous};

/// What is wrong with the sender.
pub(crate) fn check(email: &Email, sources: &Sources, html: &Seen) -> Vec<String> {
    let mut out = Vec::new();
    let mut require = |ok: bool, reason: &str| {
        if !ok {
            out.push(reason.to_owned());
        }
    };
    require(name(&email.from_name), "the sender's name is empty, too long or not a plain name");
    // An empty name of the campaign is nobody's: the name in the mail is not empty.
    require(email.from_name.trim() == sources.sender_name.trim(), "the sender's name is not the campaign's");
    require(
        EmailAddress::parse(&email.from_email).is_ok(),
        "the sender's address is not a valid e-mail address",
    );
    require(postal(&email.postal_address), "the sender has no postal address");
    let wanted = letters(&email.postal_address);
    require(
        !wanted.is_empty() && letters(&email.text_part).contains(&wanted),
        "the text part does not show the sender's postal address",
    );
    require(
        !wanted.is_empty() && letters(&html.text).contains(&wanted),
        "the HTML part does not visibly show the sender's postal address",
    );
    out
}

fn name(name: &str) -> bool {
    let n = name.trim().chars().count();
    (1..=100).contains(&n)
        && !treacherous(name)
        && !name.contains(['@', '<', '>', '{', '}', '[', ']', '"'])
        && name.chars().any(char::is_alphabetic)
}

/// Long enough to be one, with at least two parts and no placeholder.
fn postal(address: &str) -> bool {
    let parts = address.split([',', '\n']).filter(|part| part.chars().any(char::is_alphabetic)).count();
    letters(address).chars().count() >= 10
        && parts >= 2
        && address.len() <= 500
        && !address.contains(['{', '[', '<'])
}

/// Letters and digits in lower case: line breaks, commas and spacing don't matter.
fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
