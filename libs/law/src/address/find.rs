//! Addresses as people leave them in a field of a list.

use std::borrow::Cow;
use std::collections::HashSet;

use percent_encoding::percent_decode_str;
use unicode_normalization::char::is_combining_mark;

use super::EmailAddress;
use crate::is_invisible;

const MAILTO: &str = "mailto:";

pub(super) fn one(text: &str) -> Option<EmailAddress> {
    let seen = seen(text);
    let mut text = seen.trim();
    if let Some((_, rest)) = text.rsplit_once('<') {
        text = rest.split('>').next().unwrap_or(rest).trim();
    }
    let mut plain: Cow<'_, str> = text.into();
    if let Some((scheme, rest)) = text.split_at_checked(MAILTO.len())
        && scheme.eq_ignore_ascii_case(MAILTO)
    {
        plain = decoded(rest.split('?').next().unwrap_or_default());
    }
    // An apostrophe or a backtick may begin a local part: as it stands first, then without what stands around it.
    let found = EmailAddress::parse(&plain).or_else(|_| EmailAddress::parse(plain.trim_matches(is_around)));
    let found = found.ok().or_else(|| EmailAddress::parse(&unquoted(&plain)?).ok());
    // At last without whatever is neither letter nor digit: `carol@example.com*`.
    found.or_else(|| EmailAddress::parse(bare_begin(bare_end(&plain))).ok())
}

pub(super) fn all(text: &str) -> Vec<EmailAddress> {
    if !text.contains(['@', '%']) {
        return Vec::new();
    }
    if let Ok(address) = EmailAddress::parse(text.trim()) {
        return vec![address];
    }
    let seen = seen(text);
    let plain = without_links(&seen);
    let between = |c: char| c.is_whitespace() || ",;<>()[]".contains(c);
    let glue = |c: char| "\":|/=?".contains(c);
    let mut found: Vec<EmailAddress> = one(&seen).into_iter().collect();
    for part in plain.split(between).filter(|part| part.contains('@')) {
        match one(part) {
            Some(address) => found.push(address),
            None => found.extend(part.split(glue).filter(|piece| piece.contains('@')).filter_map(one)),
        }
    }
    let mut people = HashSet::new();
    found.retain(|address| people.insert(address.comparison().to_owned()));
    found
}

/// Without what nobody sees.
fn seen(text: &str) -> Cow<'_, str> {
    match text.contains(is_invisible) {
        true => text.chars().filter(|c| !is_invisible(*c)).collect::<String>().into(),
        false => text.into(),
    }
}

fn is_around(c: char) -> bool {
    c.is_whitespace() || "\"'`<>()[]{},;:.!".contains(c)
}

/// Without what stands before the first letter or digit.
pub(super) fn bare_begin(text: &str) -> &str {
    text.trim_start_matches(|c: char| !c.is_alphanumeric())
}

/// Without what stands behind the last letter or digit, but for what belongs to that: a name may end in a virama.
pub(super) fn bare_end(text: &str) -> &str {
    let bare = text.trim_end_matches(|c: char| !c.is_alphanumeric());
    let behind = text.strip_prefix(bare).unwrap_or_default();
    let own = behind.len() - behind.trim_start_matches(is_combining_mark).len();
    text.get(..bare.len() + own).unwrap_or(bare)
}

/// What a `mailto:` URI has percent-encoded (RFC 6068, 2).
fn decoded(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8_lossy()
}

/// The text with the addresses of its `mailto:` links in the place of those; what such a link asks for besides is left out.
fn without_links(text: &str) -> Cow<'_, str> {
    let lower = text.to_ascii_lowercase();
    if !lower.contains(MAILTO) {
        return text.into();
    }
    let ends = lower.match_indices(MAILTO).map(|(at, _)| at).chain(std::iter::once(text.len()));
    let (mut plain, mut begin, mut is_link) = (String::with_capacity(text.len()), 0, false);
    for end in ends {
        let piece = text.get(begin..end).unwrap_or_default();
        if is_link {
            let behind = piece.find(|c: char| c.is_whitespace() || "<>\"".contains(c)).unwrap_or(piece.len());
            let (link, rest) = piece.split_at_checked(behind).unwrap_or((piece, ""));
            plain.push(' ');
            plain.push_str(&decoded(link.split('?').next().unwrap_or_default()));
            plain.push(' ');
            plain.push_str(rest);
        } else {
            plain.push_str(piece);
        }
        (begin, is_link) = (end + MAILTO.len(), true);
    }
    plain.into()
}

/// With a local part that is a quoted string as what it quotes: both are one mailbox (RFC 5321, 4.1.2).
fn unquoted(text: &str) -> Option<String> {
    let (local, domain) = bare_end(text).rsplit_once('@')?;
    let mut quoted = local.trim_start().strip_prefix('"')?.strip_suffix('"')?.chars();
    let mut plain = String::new();
    while let Some(c) = quoted.next() {
        plain.extend(if c == '\\' { quoted.next() } else { Some(c) });
    }
    Some(format!("{plain}@{domain}"))
}
