//! Personal data in a text: addresses, telephone and account numbers, national identifiers, streets.

use std::sync::LazyLock;

use regex::Regex;

use super::{normal::normal, pattern::constant};

static EMAIL: LazyLock<Regex> = LazyLock::new(|| {
    constant(
        r"(?i)[\p{L}\p{N}._%+'-]+\s?(?:@|\(at\)|\[at\]|\sat\s?\[?)\s?(?:[\p{L}\p{N}-]+(?:\.|\s?\(dot\)\s?|\s?\[dot\]\s?))+[\p{L}]{2,24}",
    )
});
static DIGITS: LazyLock<Regex> = LazyLock::new(|| constant(r"[+(]{0,2}\d(?:[ \t.()/\u{2014}-]{0,3}\d){5,}"));
static DATE: LazyLock<Regex> = LazyLock::new(|| {
    constant(
        r"^(?:\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[-./]\s?\d{1,2}[-./]\s?\d{2,4}|(?:19|20)\d\d\s?[-/\u{2014}]\s?(?:19|20)?\d\d|\d{1,3}(?:[.,]\d{3})+)$",
    )
});
static IBAN: LazyLock<Regex> =
    LazyLock::new(|| constant(r"\b[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]{4}){2,7}(?:[ -]?[A-Za-z0-9]{1,3})?\b"));
static NATIONAL: LazyLock<Regex> = LazyLock::new(|| {
    constant(concat!(
        r"\b(?:\d{3}-\d{2}-\d{4}",
        r"|(?i:[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]\s?\d{2}\s?\d{2}\s?\d{2}\s?[A-D])",
        r"|756\.?\d{4}\.?\d{4}\.?\d{2}",
        r"|(?i:[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z])",
        r"|(?i:[XYZ\d]\d{7}-?[TRWAGMYFPDXBNJZSQVHLCKE])",
        r"|[12]\s?\d{2}\s?\d{2}\s?\d[\dABab]\s?\d{3}\s?\d{3}(?:\s?\d{2})?)\b",
    ))
});
static STREET: LazyLock<Regex> = LazyLock::new(|| {
    constant(concat!(
        r"(?:\b\d{1,5}[A-Za-z]?,?\s+(?:\p{Lu}[\p{L}.'-]*\s+){1,4}(?i:street|st\.?|avenue|ave\.?|road|rd\.?|lane|ln\.?|drive|dr\.?|boulevard|blvd\.?|",
        r"court|ct\.?|square|place|terrace|crescent|close|highway|parkway|row)(?:\b|,|\s|$)",
        r"|\p{Lu}[\p{L}-]*(?:straße|strasse|str\.|weg|platz|gasse|allee|laan|straat|gatan|vej)\s+\d{1,4}\s?[a-z]?\b",
        r"|\p{Lu}[\p{L}-]*\s(?:Straße|Strasse|Str\.|Weg|Platz|Allee)\s+\d{1,4}",
        r"|\b\d{1,4},?\s+(?:bis\s+)?(?i:rue|avenue|boulevard|chemin|impasse|quai)\s+(?:de\s|du\s|des\s|la\s|le\s|l')*\p{L}+",
        r"|\b(?:Via|Calle|Viale|Piazza|Plaza|Avenida|Rua)\s+\p{Lu}[\p{L}\s]{2,30},?\s+\d{1,4}\b",
        r"|(?i:\bp\.?\s?o\.?\s?box\s+\d+))",
    ))
});

/// One kind of personal data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Private {
    /// An e-mail address.
    Email,
    /// A telephone number, or digits that can be one.
    Phone,
    /// A bank account (ISO 13616, checksum mod 97).
    Iban,
    /// A payment card (ISO/IEC 7812, Luhn).
    Card,
    /// A national identifier: US, UK, CH, IT, ES, FR; others are as long as a telephone number.
    National,
    /// A street address.
    Street,
}

impl Private {
    /// What a reason calls it.
    pub(crate) fn what(self) -> &'static str {
        match self {
            Self::Email => "an e-mail address",
            Self::Phone => "a telephone number or another long number",
            Self::Iban => "a bank account number",
            Self::Card => "a payment card number",
            Self::National => "a national identification number",
            Self::Street => "a street address",
        }
    }
}

/// What a text may hold all the same: the sender's own.
#[derive(Clone, Copy, Default)]
pub(crate) struct Own<'a> {
    /// The sender's e-mail address.
    pub(crate) email: &'a str,
    /// The sender's postal address.
    pub(crate) postal: &'a str,
}

/// The kinds of personal data in `text`, each once.
pub(crate) fn find(text: &str, own: Own<'_>) -> Vec<Private> {
    let mut text = normal(text);
    for mine in [normal(own.email), normal(own.postal)] {
        if !mine.trim().is_empty() {
            text = without(&text, mine.trim());
        }
    }
    let mut found = Vec::new();
    if EMAIL.find_iter(&text).any(|m| m.as_str().contains(['@', '(', '[']) || m.as_str().contains("[dot]")) {
        found.push(Private::Email);
    }
    if IBAN.find_iter(&text).any(|m| iban(m.as_str())) {
        found.push(Private::Iban);
    }
    if NATIONAL.is_match(&text) {
        found.push(Private::National);
    }
    let numbers: Vec<&str> =
        DIGITS.find_iter(&text).map(|m| m.as_str()).filter(|n| !DATE.is_match(n.trim())).collect();
    if numbers.iter().any(|n| card(n)) {
        found.push(Private::Card);
    }
    if numbers.iter().any(|n| phone(n)) {
        found.push(Private::Phone);
    }
    if STREET.is_match(&text) {
        found.push(Private::Street);
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// The text without every occurrence of `mine`, in any case and line breaking.
fn without(text: &str, mine: &str) -> String {
    let words = mine.split(|c: char| c.is_whitespace() || c == ',').filter(|word| !word.is_empty());
    let pattern = words.map(regex::escape).collect::<Vec<_>>().join(r"[\s,]*");
    match regex::RegexBuilder::new(&pattern).case_insensitive(true).size_limit(1 << 20).build() {
        Ok(pattern) => pattern.replace_all(text, " ").into_owned(),
        // Too long for an address: nothing is excused.
        Err(_) => text.to_owned(),
    }
}

fn digits(text: &str) -> Vec<u32> {
    text.chars().filter_map(|c| c.to_digit(10)).collect()
}

/// Seven digits or more that are written as a telephone number is.
fn phone(text: &str) -> bool {
    let n = digits(text).len();
    let shaped = text.contains(['-', ' ', '(', '/', '.']) || text.starts_with(['+', '0']);
    (n >= 9) || (n >= 7 && shaped) || (n >= 6 && text.starts_with('+'))
}

/// 13 to 19 digits with a right check digit (Luhn).
fn card(text: &str) -> bool {
    let digits = digits(text);
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(i, d)| if i % 2 == 0 { *d } else { d * 2 / 10 + d * 2 % 10 })
        .sum();
    (13..=19).contains(&digits.len()) && digits.iter().any(|d| *d != 0) && sum.is_multiple_of(10)
}

/// The checksum of ISO 13616: the rearranged number is 1 modulo 97.
fn iban(text: &str) -> bool {
    let compact: String = text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_uppercase();
    if !(15..=34).contains(&compact.len()) {
        return false;
    }
    let (head, tail) = compact.split_at(4);
    let rest = tail.chars().chain(head.chars()).try_fold(0_u32, |rest, c| {
        let value = c.to_digit(36)?;
        Some(if value < 10 { (rest * 10 + value) % 97 } else { (rest * 100 + value) % 97 })
    });
    rest == Some(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<Private> {
        find(text, Own::default())
    }

    #[test]
    fn published_examples_are_found() {
        // Sources: RFC 6761 names, ISO 13616 examples, card schemes' test numbers, HMRC and SSA examples,
        // Ofcom and NANPA numbers for drama.
        for (text, expected) in [
            ("Write to anna.p@example.com today", Private::Email),
            ("anna (at) example (dot) com", Private::Email),
            ("anna＠example．com", Private::Email),
            ("Call +44 20 7946 0958", Private::Phone),
            ("Call (202) 555-0143", Private::Phone),
            ("Call 555-0143", Private::Phone),
            ("Tel. 030/901820", Private::Phone),
            ("GB82 WEST 1234 5698 7654 32", Private::Iban),
            ("DE89370400440532013000", Private::Iban),
            ("4111 1111 1111 1111", Private::Card),
            ("378282246310005", Private::Card),
            ("SSN 078-05-1120", Private::National),
            ("NINO AB123456C", Private::National),
            ("AHV 756.9217.0769.85", Private::National),
            ("RSSMRA85T10A562S", Private::National),
            ("12345678Z", Private::National),
            ("She lives at 221B Baker Street.", Private::Street),
            ("Unter der Lindenstraße 12", Private::Street),
            ("10 rue de Rivoli", Private::Street),
            ("P.O. Box 123", Private::Street),
        ] {
            assert!(kinds(text).contains(&expected), "{text}: {:?}", kinds(text));
        }
    }

    #[test]
    fn ordinary_copy_holds_none() {
        for text in [
            "20% off until 31 March 2026, from €9.90.",
            "Between 2024-2026 and on 2026-03-31, or 31.03.2026.",
            "1,000,000 cups at 10:30, sizes 38 40 42",
            "Meet us at noon. The tea is hot.",
            "5 reasons why Spring Street is in bloom", // No house: a street's name alone is nobody's.
            "Two cups at the garden. Come in",
        ] {
            assert!(kinds(text).is_empty(), "{text}: {:?}", kinds(text));
        }
    }

    #[test]
    fn the_senders_own_is_allowed_and_nobody_elses() {
        let own = Own { email: "hello@tea.example", postal: "Tea House, 12 Leaf Street, Dublin 2" };
        let footer = "HELLO@tea.example\nTea House,\n12 Leaf Street,\nDublin 2";
        assert!(find(footer, own).is_empty());
        assert_eq!(find("other@tea.example", own), [Private::Email]);
        assert_eq!(find("14 Leaf Street", own), [Private::Street]);
    }
}
