//! Mail addresses as RFC 5321 writes them, with UTF-8 as RFC 6531 allows it.

use std::fmt;

use crate::is_invisible;

/// Longest local part in octets (RFC 5321, 4.5.3.1.1).
const LOCAL: usize = 64;
/// Longest domain in octets (RFC 5321, 4.5.3.1.2).
const DOMAIN: usize = 255;
/// Longest address in octets: a path is at most 256 with its angle brackets (RFC 5321, 4.5.3.1.3).
const ADDRESS: usize = 254;
/// Longest label of a domain in octets (RFC 1035, 2.3.4).
const LABEL: usize = 63;

/// An address in the form in which it is compared and written to: exact local part, domain in lower case.
///
/// It is personal data: `Debug` does not show it, and there is no `Display`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Address(String);

/// Why a text is no address; never with the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// There is no `@`, or nothing before or behind it.
    #[error("is not local@domain")]
    Shape,
    /// The local part is not a dot-string of 1 to 64 octets.
    #[error("has a local part that is not a dot-string of 1 to 64 octets (RFC 5321)")]
    Local,
    /// The domain is not dot-separated labels, or is too long.
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

impl Address {
    /// Reads `local@domain`: a dot-string before the only `@`, and a domain of two labels or more behind it.
    ///
    /// # Errors
    /// The part that is wrong. Quoted local parts and address literals are refused.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let (local, domain) = text.rsplit_once('@').ok_or(AddressError::Shape)?;
        if local.is_empty() || domain.is_empty() {
            return Err(AddressError::Shape);
        }
        if local.len() > LOCAL || !local.split('.').all(is_atom) {
            return Err(AddressError::Local);
        }
        let domain = domain.to_lowercase();
        let fits = domain.len() <= DOMAIN && local.len() + 1 + domain.len() <= ADDRESS;
        if !fits || !domain.contains('.') || !domain.split('.').all(is_label) {
            return Err(AddressError::Domain);
        }
        Ok(Self(format!("{local}@{domain}")))
    }

    /// The canonical text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address(..)")
    }
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
mod tests {
    use super::*;

    #[test]
    fn keeps_the_local_part_and_lowers_the_domain() {
        for (text, canonical) in [
            ("Ada.Lovelace+x@Example.COM", "Ada.Lovelace+x@example.com"),
            ("用户@例子.广告", "用户@例子.广告"),
            ("a@BÜCHER.example", "a@bücher.example"),
            ("!#$%&'*+-/=?^_`{|}~@a.b", "!#$%&'*+-/=?^_`{|}~@a.b"),
            ("a@xn--bcher-kva.example", "a@xn--bcher-kva.example"),
        ] {
            assert_eq!(Address::parse(text).unwrap().as_str(), canonical);
        }
    }

    #[test]
    fn refuses_what_rfc_5321_refuses() {
        use AddressError::{Domain, Local, Shape};
        for (text, error) in [
            ("", Shape),
            ("plain", Shape),
            ("@a.b", Shape),
            ("a@", Shape),
            ("a@@b.c", Local),
            ("a@b@c.d", Local),
            ("a b@c.d", Local),
            ("\"a b\"@c.d", Local),
            (".a@b.c", Local),
            ("a.@b.c", Local),
            ("a..b@c.d", Local),
            ("a\r\nBcc: x@b.c", Local),
            ("a\u{a0}b@c.d", Local),
            ("a\u{85}@c.d", Local),
            ("a\u{200b}b@c.d", Local),
            ("a\u{ad}b@c.d", Local),
            ("\u{feff}a@c.d", Local),
            ("\u{202e}a@c.d", Local),
            ("a<b@c.d", Local),
            ("a@localhost", Domain),
            ("a@b..c", Domain),
            ("a@.b.c", Domain),
            ("a@b.c.", Domain),
            ("a@-b.c", Domain),
            ("a@b-.c", Domain),
            ("a@b_c.d", Domain),
            ("a@b c.d", Domain),
            ("a@b.c\u{200e}", Domain),
            ("a@b\u{2060}.c", Domain),
            ("a@b.c ", Domain),
            ("a@b.c>", Domain),
            ("a@[127.0.0.1]", Domain),
        ] {
            assert_eq!(Address::parse(text), Err(error), "{text:?}");
        }
    }

    #[test]
    fn the_limits_are_octets_and_inclusive() {
        let local = |n| format!("{}@a.b", "x".repeat(n));
        assert!(Address::parse(&local(64)).is_ok());
        assert_eq!(Address::parse(&local(65)), Err(AddressError::Local));
        assert!(Address::parse(&format!("{}@a.b", "ü".repeat(32))).is_ok());
        assert_eq!(Address::parse(&format!("{}@a.b", "ü".repeat(33))), Err(AddressError::Local));
        let label = |n| format!("a@{}.b", "x".repeat(n));
        assert!(Address::parse(&label(63)).is_ok());
        assert_eq!(Address::parse(&label(64)), Err(AddressError::Domain));
        let long =
            |n| format!("{}@{}", "x".repeat(n), ["y".repeat(62), "y".repeat(62), "y".repeat(62)].join("."));
        assert!(Address::parse(&long(64)).is_ok(), "64 + 1 + 188 octets");
        let path = format!(
            "{}@{}.{}",
            "x".repeat(64),
            ["y".repeat(62), "y".repeat(62), "y".repeat(61)].join("."),
            "z"
        );
        assert_eq!(path.len(), 254);
        assert!(Address::parse(&path).is_ok());
        assert_eq!(Address::parse(&path.replace(".z", ".zz")), Err(AddressError::Domain));
        // Lowering U+0130 grows it from two octets to three: the limit holds for what is written to.
        assert_eq!(Address::parse(&format!("a@{}.b", "İ".repeat(31))), Err(AddressError::Domain));
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Address::parse("ada@example.com").unwrap()), "Address(..)");
    }

    proptest::proptest! {
        #[test]
        fn what_is_read_is_canonical(text in "\\PC{0,40}@\\PC{0,40}") {
            if let Ok(address) = Address::parse(&text) {
                proptest::prop_assert_eq!(Address::parse(address.as_str()).unwrap(), address.clone());
                proptest::prop_assert!(!address.as_str().contains(char::is_whitespace));
            }
        }
    }
}
