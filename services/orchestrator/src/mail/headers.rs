//! The header section: RFC 5322, with encoded words (RFC 2047) where a value is not plain ASCII.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::{Timestamp, tz::TimeZone};

use super::Origins;
use crate::{campaign::Sender, copy::Draft};

/// Where a line is folded (RFC 5322, section 2.1.1).
const WIDTH: usize = 76;
/// Bytes of text in one encoded word: with its frame the word has at most 75 characters (RFC 2047, section 2).
const WORD: usize = 45;

/// `From: name <address>`.
pub(crate) fn from(sender: &Sender) -> String {
    format!("From: {}\r\n <{}>\r\n", phrase(&sender.name), sender.email)
}

/// The headers that all messages of a cohort share, to the empty line that ends the section.
pub(crate) fn fixed(
    locale: &str,
    draft: &Draft,
    origins: Origins,
    date: Timestamp,
    boundary: &str,
) -> String {
    let date = date.to_zoned(TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S +0000");
    let language = language(locale).map(|tag| format!("Content-Language: {tag}\r\n")).unwrap_or_default();
    format!(
        "Subject: {}\r\nDate: {date}\r\n{language}{}MIME-Version: 1.0\r\n\
         Content-Type: multipart/alternative;\r\n boundary=\"{boundary}\"\r\n\r\n",
        unstructured(&draft.subject, "Subject: ".len()),
        origins.header()
    )
}

/// A BCP 47 tag, if the cohort's locale looks like one.
pub(crate) fn language(locale: &str) -> Option<&str> {
    let subtag =
        |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    (locale.len() <= 35 && locale.split('-').all(subtag)).then_some(locale)
}

fn phrase(name: &str) -> String {
    if !is_plain(name) {
        return encoded_words(name, "From: ".len());
    }
    format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
}

fn is_plain(text: &str) -> bool {
    // `=?` would be read as an encoded word; a double space would not survive folding.
    text.bytes().all(|b| (b' '..=b'~').contains(&b)) && !text.contains("=?") && !text.contains("  ")
}

/// A value of unstructured text, folded; `column` is where it begins.
fn unstructured(text: &str, mut column: usize) -> String {
    let text = text.trim();
    if !is_plain(text) || text.split(' ').any(|word| word.len() > WIDTH) {
        return encoded_words(text, column);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for (index, word) in text.split(' ').enumerate() {
        if index > 0 && column + 1 + word.len() > WIDTH {
            out.push_str("\r\n ");
            column = 1;
        } else if index > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += word.len();
    }
    out
}

fn encoded_words(text: &str, column: usize) -> String {
    let mut words = Vec::new();
    let mut word = String::new();
    // The first word shares its line with the field's name.
    let mut room = WORD.saturating_sub(column);
    for c in text.chars().filter(|c| !c.is_control()) {
        if word.len() + c.len_utf8() > room {
            words.push(std::mem::take(&mut word));
            room = WORD;
        }
        word.push(c);
    }
    words.push(word);
    let encode = |word: &String| format!("=?UTF-8?B?{}?=", STANDARD.encode(word));
    words.iter().filter(|word| !word.is_empty()).map(encode).collect::<Vec<_>>().join("\r\n ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_and_foreign_values_are_folded() {
        let words = "spring ".repeat(30);
        let folded = unstructured(&words, 9);
        assert!(folded.split("\r\n").all(|line| line.len() <= 77));
        assert_eq!(folded.replace("\r\n", ""), words.trim());
        for text in
            ["Frühling für alle, überall und für immer, in Ängsten und Öfen", &"x".repeat(200), "=?a?="]
        {
            assert!(
                unstructured(text, 9)
                    .split("\r\n")
                    .all(|line| line.len() <= 77 && line.contains("=?UTF-8?B?"))
            );
        }
    }

    #[test]
    fn only_language_tags_become_one() {
        assert_eq!(language("en-GB"), Some("en-GB"));
        assert_eq!(language("en_GB\r\nX: y"), None);
        assert_eq!(language(""), None);
    }
}
