//! Reading a row of a subscriber list: field by field, the first fault names its column.

use std::fmt;

use crate::objection::{Word, word};
use crate::{Country, EmailAddress, Moment, When};

/// The columns that a list has to have, in the order in which rows are kept.
pub const COLUMNS: [&str; 11] = [
    "id",
    "email",
    "first_name",
    "country",
    "locale",
    "segment",
    "birth_year",
    "consent",
    "consent_at",
    "consent_source",
    "suppressed",
];

/// The columns that a list may have besides, kept behind the others.
pub const OPTIONAL_COLUMNS: [&str; 1] = ["implied_by"];

/// The names of what [`Row::kept`] answers, in its order.
pub fn kept_columns() -> impl Iterator<Item = &'static str> {
    COLUMNS.into_iter().chain(OPTIONAL_COLUMNS)
}

/// Where columns that are looked at by themselves stand among [`COLUMNS`].
pub mod column {
    /// `email`
    pub const EMAIL: usize = 1;
    /// `first_name`
    pub const FIRST_NAME: usize = 2;
    /// `country`
    pub const COUNTRY: usize = 3;
    /// `consent`
    pub const CONSENT: usize = 7;
    /// `suppressed`
    pub const SUPPRESSED: usize = 10;
}

/// What a person agreed to, as the list says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Consent {
    /// Asked for and given.
    Express,
    /// Follows from a business relationship (CASL s.10(9), (10)).
    Implied,
    /// Given once, and taken back.
    Withdrawn,
    /// Never given.
    None,
}

impl Consent {
    /// The consent of a name in any case, if it is one.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Express, Self::Implied, Self::Withdrawn, Self::None]
            .into_iter()
            .find(|consent| consent.name().eq_ignore_ascii_case(name))
    }

    /// Whether it says that the person may be written to.
    #[must_use]
    pub fn is_given(self) -> bool {
        matches!(self, Self::Express | Self::Implied)
    }

    /// `express`, `implied`, `withdrawn` or `none`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Express => "express",
            Self::Implied => "implied",
            Self::Withdrawn => "withdrawn",
            Self::None => "none",
        }
    }
}

/// The business relationship that a consent is implied by (CASL 10(10)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ImpliedBy {
    /// A purchase, a lease, a contract: the consent holds for 24 months.
    Business,
    /// An inquiry or application, or nobody knows: 6 months.
    Inquiry,
}

impl ImpliedBy {
    /// `purchase` or `contract` in any case; anything else is as good as an inquiry.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let business = ["purchase", "contract"].iter().any(|word| word.eq_ignore_ascii_case(text));
        if business { Self::Business } else { Self::Inquiry }
    }
}

/// Why a row can't be read: rule 1, exclusion `invalid`. Never holds the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {reason}")]
pub struct Fault {
    /// The column's name, or `row`.
    pub field: &'static str,
    /// What is wrong with it, to be read behind the column's name.
    pub reason: &'static str,
}

impl Fault {
    /// Always: the same row is never read.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        true
    }
}

/// A row that can be judged. All of it is personal data: `Debug` shows none of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Row<'a> {
    /// The customer's own identifier of the person.
    pub id: &'a str,
    /// Who they are, and what is written to.
    pub address: EmailAddress,
    /// May be empty; otherwise any text at all. What another tool left behind (`{{first_name}}`, `null`) counts as empty.
    pub first_name: &'a str,
    /// Where the person is.
    pub country: Country,
    /// Language tag of the cohort.
    pub locale: &'a str,
    /// Audience segment of the cohort.
    pub segment: &'a str,
    /// Four digits, if known.
    pub birth_year: Option<i16>,
    /// What the person agreed to.
    pub consent: Consent,
    /// When; a given consent's is never after the import.
    pub consent_at: Option<Moment>,
    /// Where the consent was collected; may be empty.
    pub consent_source: &'a str,
    /// The list's own flag.
    pub suppressed: bool,
    /// What an implied consent is implied by.
    pub implied_by: ImpliedBy,
}

impl fmt::Debug for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Row(..)")
    }
}

impl<'a> Row<'a> {
    /// Reads the fields of a row, in the order of [`COLUMNS`] and, if they are there, of [`OPTIONAL_COLUMNS`]. Blanks around
    /// a value are nobody's.
    ///
    /// # Errors
    /// The first fault, which makes the row `invalid`.
    pub fn parse(fields: &[&'a str], when: &When) -> Result<Self, Fault> {
        let (
            &[
                id,
                email,
                first_name,
                country,
                locale,
                segment,
                birth_year,
                consent,
                consent_at,
                source,
                suppressed,
            ],
            rest,
        ) = fields.split_first_chunk().ok_or(COUNT)?;
        if rest.len() > OPTIONAL_COLUMNS.len() {
            return Err(COUNT);
        }
        if let Some((field, _)) = kept_columns().zip(fields).find(|(_, value)| spans_lines(value)) {
            return Err(Fault { field, reason: "has a line end in it" });
        }
        let id = filled("id", id)?;
        let address = address(filled("email", email)?)?;
        let country = known("country", country, Country::why_not(country), Country::parse)?;
        let (locale, segment) = (filled("locale", locale)?, filled("segment", segment)?);
        let birth_year = optional(birth_year, year)?;
        let consent =
            known("consent", consent, "is not express, implied, withdrawn or none", Consent::parse)?;
        Ok(Row {
            id,
            address,
            first_name: first_name_of(first_name.trim()),
            country,
            locale,
            segment,
            birth_year,
            consent,
            consent_at: optional(consent_at, |text| past(text, consent.is_given(), when))?,
            consent_source: source.trim(),
            suppressed: known("suppressed", suppressed, "is not true or false, yes or no, 1 or 0", flag)?,
            implied_by: rest.first().map_or(ImpliedBy::Inquiry, |text| ImpliedBy::parse(text.trim())),
        })
    }

    /// The values as they are kept, in the order of [`COLUMNS`] and [`OPTIONAL_COLUMNS`]: `fields` without blanks around
    /// them, the address as it is written to.
    #[must_use]
    pub fn kept(&self, fields: &[&str]) -> Vec<String> {
        let kept = |(at, field): (usize, &&str)| match at {
            column::EMAIL => self.address.as_str().to_owned(),
            column::FIRST_NAME => self.first_name.to_owned(),
            _ => field.trim().to_owned(),
        };
        fields.iter().enumerate().map(kept).collect()
    }
}

const COUNT: Fault = Fault { field: "row", reason: "has not as many fields as the header" };

/// Whether a value holds a line end: then a quote that stood there by chance may have taken the lines of others into it.
#[must_use]
pub fn spans_lines(value: &str) -> bool {
    value.trim().contains('\n')
}

/// A first name, unless it is a placeholder that another tool did not fill in, or the word that its database has for
/// nothing.
fn first_name_of(text: &str) -> &str {
    const LEFT: [(&str, &str); 9] = [
        ("{{", "}}"),
        ("{%", "%}"),
        ("${", "}"),
        ("*|", "|*"),
        ("<%", "%>"),
        ("[[", "]]"),
        ("%%", "%%"),
        ("#{", "}"),
        ("%recipient", "%"),
    ];
    const WORDS: [&str; 9] =
        ["null", "(null)", "undefined", "n/a", "test", "first_name", "firstname", "first name", "fname"];
    let left = LEFT
        .iter()
        .any(|(open, close)| text.strip_prefix(open).and_then(|rest| rest.strip_suffix(close)).is_some());
    let bare = text.trim_matches(|c| "[]{}<>%$#_- ".contains(c));
    if left || WORDS.iter().any(|word| word.eq_ignore_ascii_case(text) || word.eq_ignore_ascii_case(bare)) {
        ""
    } else {
        text
    }
}

fn filled<'a>(field: &'static str, text: &'a str) -> Result<&'a str, Fault> {
    let text = text.trim();
    if text.is_empty() { Err(Fault { field, reason: "is empty" }) } else { Ok(text) }
}

fn optional<T>(text: &str, read: impl FnOnce(&str) -> Result<T, Fault>) -> Result<Option<T>, Fault> {
    let text = text.trim();
    if text.is_empty() { Ok(None) } else { read(text).map(Some) }
}

fn known<T>(
    field: &'static str,
    text: &str,
    reason: &'static str,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<T, Fault> {
    read(filled(field, text)?).ok_or(Fault { field, reason })
}

fn address(text: &str) -> Result<EmailAddress, Fault> {
    use crate::AddressError::{Domain, Local, Shape};
    EmailAddress::parse(text).map_err(|error| Fault {
        field: "email",
        reason: match error {
            Shape => "is not local@domain",
            Local => "has a local part that is not a dot-string of 1 to 64 octets",
            Domain => "has a domain that is not at least two dot-separated labels",
        },
    })
}

fn year(text: &str) -> Result<i16, Fault> {
    let digits = text.len() == 4 && text.bytes().all(|b| b.is_ascii_digit());
    let year = if digits { text.parse().ok() } else { None };
    year.ok_or(Fault { field: "birth_year", reason: "is not four digits" })
}

/// Evidence that is later than the import is none; when somebody took their consent back does not matter.
fn past(text: &str, given: bool, when: &When) -> Result<Moment, Fault> {
    let field = "consent_at";
    let moment =
        Moment::parse(text).map_err(|_| Fault { field, reason: "is not RFC 3339 with an offset" })?;
    if given && moment.instant() > when.import() {
        return Err(Fault { field, reason: "is after the import" });
    }
    Ok(moment)
}

fn flag(text: &str) -> Option<bool> {
    match word(text) {
        Word::Yes => Some(true),
        Word::No => Some(false),
        Word::Empty | Word::Unknown => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What whoever writes a list is told.
    const LISTS: &str = include_str!("../../../docs/lists.md");
    const GOOD: [&str; 11] =
        ["7", "a@b.de", "", "DE", "en-GB", "vip", "1990", "express", "2025-06-01T00:00:00Z", "form", "false"];

    fn when() -> When {
        When::at("2025-12-31T23:00:00Z".parse().unwrap())
    }

    fn parse(fields: &[&str]) -> Result<(), Fault> {
        Row::parse(fields, &when()).map(|_| ())
    }

    #[test]
    fn every_fault_names_its_column() {
        assert_eq!(parse(&GOOD), Ok(()));
        for (column, value, reason) in [
            ("id", "", "is empty"),
            ("email", "", "is empty"),
            ("email", "a", "is not local@domain"),
            ("email", "a b@c.d", "has a local part that is not a dot-string of 1 to 64 octets"),
            ("email", "a@b", "has a domain that is not at least two dot-separated labels"),
            ("country", "", "is empty"),
            ("country", "XK", "is no assigned ISO 3166-1 code and no English name"),
            ("country", "UK", "is no assigned ISO 3166-1 code and no English name (GB?)"),
            ("country", " usa ", "is no assigned ISO 3166-1 code and no English name (US?)"),
            ("locale", "", "is empty"),
            ("segment", "", "is empty"),
            ("birth_year", "90", "is not four digits"),
            ("birth_year", "+199", "is not four digits"),
            ("birth_year", "19900", "is not four digits"),
            ("consent", "", "is empty"),
            ("consent", "expressed", "is not express, implied, withdrawn or none"),
            ("consent_at", "2025-06-01", "is not RFC 3339 with an offset"),
            ("consent_at", "2025-12-31T23:00:00.000000001Z", "is after the import"),
            ("suppressed", "", "is empty"),
            ("suppressed", "maybe", "is not true or false, yes or no, 1 or 0"),
            ("first_name", "Ada,DE\n2,b@c.de", "has a line end in it"),
            ("consent_source", "two\r\nlines", "has a line end in it"),
        ] {
            let mut fields = GOOD;
            fields[COLUMNS.iter().position(|name| *name == column).unwrap()] = value;
            assert_eq!(parse(&fields), Err(Fault { field: column, reason }), "{column}={value:?}");
            assert!(LISTS.contains(&format!("`{reason}`")), "docs/lists.md lacks the reason {reason:?}");
        }
        let long = [&GOOD[..], &["purchase", ""]].concat();
        assert_eq!((parse(&GOOD[..10]), parse(&long), parse(&[])), (Err(COUNT), Err(COUNT), Err(COUNT)));
        assert_eq!(parse(&long[..12]), Ok(()));
    }

    #[test]
    fn columns_stand_where_they_are_looked_for() {
        use column::{CONSENT, COUNTRY, EMAIL, FIRST_NAME, SUPPRESSED};
        let named = [EMAIL, FIRST_NAME, COUNTRY, CONSENT, SUPPRESSED].map(|at| COLUMNS[at]);
        assert_eq!(named, ["email", "first_name", "country", "consent", "suppressed"]);
    }

    #[test]
    fn what_may_be_empty_may_be() {
        for column in [2, 6, 8, 9] {
            let mut fields = GOOD;
            fields[column] = "";
            assert_eq!(parse(&fields), Ok(()));
        }
    }

    #[test]
    fn the_first_fault_is_named_and_the_very_moment_is_not_after() {
        let mut fields = GOOD;
        (fields[1], fields[10]) = ("x", "x");
        assert_eq!(parse(&fields).unwrap_err().field, "email");
        fields = GOOD;
        fields[8] = "2025-12-31T23:00:00Z";
        assert_eq!(parse(&fields), Ok(()));
    }

    #[test]
    fn values_are_read_as_people_write_them() {
        for (column, values) in [
            ("email", ["A@B.de ", "\ta@b.de", "\u{a0}a@b.de"]),
            ("first_name", ["Ada\n", "\r\nAda", "A\rda"]),
            ("country", ["de", "Germany", " GERMANY "]),
            ("consent", ["Express", "EXPRESS", " express"]),
            ("suppressed", ["FALSE", "No", " 0 "]),
            ("birth_year", [" 1990", "1990 ", " "]),
        ] {
            for value in values {
                let mut fields = GOOD;
                fields[COLUMNS.iter().position(|name| *name == column).unwrap()] = value;
                assert_eq!(parse(&fields), Ok(()), "{column}={value:?}");
            }
        }
        // A withdrawal counts whenever it was; a consent that was not given yet is none.
        let mut fields = GOOD;
        fields[8] = "2999-01-01T00:00:00Z";
        for (consent, good) in [("withdrawn", true), ("none", true), ("express", false), ("implied", false)] {
            fields[7] = consent;
            assert_eq!(parse(&fields).is_ok(), good, "{consent}");
        }
    }

    #[test]
    fn what_another_tool_left_behind_is_no_first_name() {
        for text in [
            "{{first_name}}",
            "{{ contact.firstname | default: 'x' }}",
            "*|FNAME|*",
            "%%FIRSTNAME%%",
            "${first}",
            "null",
            "NULL",
            "(null)",
            "test",
            "Test",
            "[FNAME]",
            "<first_name>",
            "{first name}",
            "undefined",
            "N/A",
            "%recipient.name%",
        ] {
            assert_eq!(first_name_of(text), "", "{text}");
        }
        for text in [
            "Ada",
            "Nan",
            "Tester",
            "Null-Hansen",
            "{Ada}",
            "Jo, \"JJ\"",
            "Jo {{x}}",
            "O'Hara",
            "100 % Bob",
            "$",
            "Ada <3",
        ] {
            assert_eq!(first_name_of(text), text);
        }
    }
}
