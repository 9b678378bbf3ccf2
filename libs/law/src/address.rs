//! Mail addresses as RFC 5321 writes them, with UTF-8 as RFC 6531 allows it, and who they belong to.

mod find;

use std::borrow::Cow;
use std::fmt;

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use unicase::UniCase;
use unicode_normalization::{UnicodeNormalization, is_nfc};

use crate::is_invisible;

/// Longest local part in octets (RFC 5321, 4.5.3.1.1).
const LOCAL: usize = 64;
/// Longest domain in octets (RFC 5321, 4.5.3.1.2).
const DOMAIN: usize = 255;
/// Longest address in octets: a path is at most 256 with its angle brackets (RFC 5321, 4.5.3.1.3).
const ADDRESS: usize = 254;
/// Longest label of a domain in octets (RFC 1035, 2.3.4).
const LABEL: usize = 63;

/// A mail address: what is written to, and the person that it belongs to.
///
/// Two spellings are one person when their *comparison forms* are the same: the local part case-folded and in NFC (Unicode
/// 3.13, D145: lower case would tell a final sigma from another), the domain as IDNA A-label (UTS 46, not transitional) in
/// lower case. RFC 5321 lets a server tell `Carol@` from `carol@`,
/// and none that takes mail for people does; whoever objected in one spelling objected in all of them. `==` and `Hash`
/// compare persons. What is written to keeps the spelling of the local part.
///
/// It is personal data: `Debug` does not show it, and there is no `Display`.
#[derive(Clone)]
pub struct EmailAddress {
    written: String,
    comparison: String,
    formers: Vec<String>,
}

/// Why a text is no address; never with the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// There is no `@`, or nothing before or behind it.
    #[error("is not local@domain")]
    Shape,
    /// The local part is not a dot-string of 1 to 64 octets.
    #[error("has a local part that is not a dot-string of 1 to 64 octets (RFC 5321)")]
    Local,
    /// The domain is not dot-separated labels, no domain of UTS 46, or too long.
    #[error("has a domain that is not at least two dot-separated labels (RFC 5321)")]
    Domain,
}

impl AddressError {
    /// Always: the same text never becomes an address.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        true
    }
}

impl EmailAddress {
    /// Reads `local@domain`: a dot-string before the only `@`, and a domain of two labels or more behind it.
    ///
    /// # Errors
    /// The part that is wrong. Quoted local parts and address literals are refused.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let (local, spelled) = text.rsplit_once('@').ok_or(AddressError::Shape)?;
        if local.is_empty() || spelled.is_empty() {
            return Err(AddressError::Shape);
        }
        if local.len() > LOCAL || !local.split('.').all(is_atom) {
            return Err(AddressError::Local);
        }
        let lowered = spelled.to_lowercase();
        if !lowered.contains('.') || !lowered.split('.').all(is_label) {
            return Err(AddressError::Domain);
        }
        // Not of what is in lower case already: the end of a word has a letter of its own in Greek.
        let ascii =
            a_label(if lowered.is_ascii() { &lowered } else { spelled }).ok_or(AddressError::Domain)?;
        let fits = |domain: &str| domain.len() <= DOMAIN && local.len() + 1 + domain.len() <= ADDRESS;
        if !fits(&ascii) || !fits(&lowered) {
            return Err(AddressError::Domain);
        }
        // A server without SMTPUTF8 takes an A-label only; one with it takes what people read. As it was spelled, in NFD or
        // full width, it is neither.
        let read = if local.is_ascii() { None } else { u_label(&ascii).filter(|domain| fits(domain)) };
        let written = format!("{local}@{}", read.as_ref().unwrap_or(&ascii));
        let comparison = format!("{}@{ascii}", folded(local));
        let mut formers = vec![format!("{local}@{lowered}")];
        // Of what was put into lower case first.
        formers.extend(
            a_label(&lowered)
                .filter(|label| *label != ascii)
                .map(|label| format!("{}@{label}", in_lower_case(local))),
        );
        if !local.is_ascii() {
            formers.push(format!("{}@{ascii}", in_lower_case(local)));
        }
        formers.retain(|former| *former != comparison);
        formers.dedup();
        Ok(Self { written, comparison, formers })
    }

    /// Reads an address as people leave it in a list: with a name before it (`Ada <ada@example.com>`), as a `mailto:` URI
    /// (RFC 6068), in quotes, with blanks, marks (also such as nobody sees) or the end of a sentence around it, or with its
    /// local part as a quoted string. Good enough to know who objects; who is written to is read by [`Self::parse`].
    #[must_use]
    pub fn find(text: &str) -> Option<Self> {
        find::one(text)
    }

    /// Every address that people left in a text: as [`Self::find`], and between blanks, commas, semicolons and brackets;
    /// where what stands between these is no address, also between quotes, colons, `|`, `/`, `=` and `?`. A text that is an
    /// address by itself is that one alone.
    #[must_use]
    pub fn find_all(text: &str) -> Vec<Self> {
        find::all(text)
    }

    /// Whose address may stand in this one, which is an address by accident: behind the last `=`, `|` or `/`
    /// (`email=ada@example.com`), and without what is neither letter nor digit before it (`'ada@example.com`, as spreadsheets
    /// mean a text) and behind it (`“ada@example.com”`). For knowing who objects.
    #[must_use]
    pub fn within(&self) -> Option<Self> {
        let (local, _) = self.written.rsplit_once('@')?;
        let domain = self.domain_read()?;
        let bare = local.rsplit(['=', '|', '/']).next().unwrap_or(local);
        let (bare, bare_domain) = (find::bare_begin(bare), find::bare_end(&domain));
        if bare == local && bare_domain == domain {
            return None;
        }
        Self::parse(&format!("{bare}@{bare_domain}")).ok()
    }

    /// Whether it can't be anybody's, though it is an address by its form: no domain that is registered ends in a quote, or in
    /// any other mark.
    #[must_use]
    pub fn is_nobodys(&self) -> bool {
        self.domain_read().is_some_and(|domain| find::bare_end(&domain) != domain)
    }

    /// The domain with its marks, which an A-label hides.
    fn domain_read(&self) -> Option<Cow<'_, str>> {
        let (_, domain) = self.written.rsplit_once('@')?;
        Some(u_label(domain).unwrap_or(domain.into()))
    }

    /// What is written to: the local part as it was spelled, the domain in lower case, as A-label where the local part
    /// is ASCII.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// What makes two addresses one person.
    #[must_use]
    pub fn comparison(&self) -> &str {
        &self.comparison
    }

    /// What took the place of the comparison form before, where that differs, the latest last: the exact local part, with the
    /// domain in lower case, before there was one; then the local part in lower case, with the A-label of the domain in lower
    /// case at first, which may be another in Greek. Keyed hashes of them may stand for people who objected then.
    #[must_use]
    pub fn formers(&self) -> &[String] {
        &self.formers
    }

    /// Whether only servers with SMTPUTF8 (RFC 6531) can deliver to it.
    #[must_use]
    pub fn needs_smtputf8(&self) -> bool {
        !self.written.is_ascii()
    }
}

impl PartialEq for EmailAddress {
    fn eq(&self, other: &Self) -> bool {
        self.comparison == other.comparison
    }
}

impl Eq for EmailAddress {}

impl std::hash::Hash for EmailAddress {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.comparison.hash(state);
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress(..)")
    }
}

/// The domain as A-labels. Hyphens in the third and fourth place are let pass: such domains are registered, and RFC 5321
/// has no rule against them.
fn a_label(domain: &str) -> Option<Cow<'_, str>> {
    // The usual case, in lower case already, needs no tables; a label that says it is an A-label has to be one.
    if domain.is_ascii() && !domain.split('.').any(|label| label.starts_with("xn--")) {
        return Some(domain.into());
    }
    Uts46::new()
        .to_ascii(domain.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast, DnsLength::Verify)
        .ok()
        .filter(|ascii| ascii.contains('.'))
}

/// The domain as people read it, where it is other than its A-labels and reads back.
fn u_label(ascii: &str) -> Option<Cow<'_, str>> {
    if !ascii.split('.').any(|label| label.starts_with("xn--")) {
        return None;
    }
    let (read, valid) =
        Uts46::new().to_unicode(ascii.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast);
    (valid.is_ok() && read.split('.').all(is_label)).then_some(read)
}

/// The local part, folded and in NFC. What is folded of what is composed need not be composed.
fn folded(local: &str) -> String {
    if local.is_ascii() {
        return local.to_ascii_lowercase();
    }
    UniCase::unicode(composed(local)).to_folded_case().nfc().collect()
}

/// The local part as it was compared until it was folded.
fn in_lower_case(local: &str) -> String {
    composed(local).to_lowercase().nfc().collect()
}

fn composed(local: &str) -> Cow<'_, str> {
    if is_nfc(local) { local.into() } else { local.nfc().collect::<String>().into() }
}

/// RFC 5322 `atext`, and RFC 6531's UTF-8 without spaces, controls and what nobody sees.
fn is_atom(atom: &str) -> bool {
    !atom.is_empty()
        && atom
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || is_international(c))
}

/// RFC 5321 `sub-domain`, or an internationalised label (RFC 6531 `U-label`) of at most 63 octets.
fn is_label(label: &str) -> bool {
    (1..=LABEL).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || is_international(c))
}

fn is_international(c: char) -> bool {
    !c.is_ascii() && !c.is_control() && !c.is_whitespace() && !is_invisible(c)
}

#[cfg(test)]
#[path = "address_tests.rs"]
mod tests;
