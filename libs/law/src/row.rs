//! Reading a row of a subscriber list: field by field, the first fault names its column.

use std::fmt;

use crate::{Address, AsOf, Country, Moment};

/// The columns of a list, in order.
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
    /// The consent of a name, if it is one.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Express, Self::Implied, Self::Withdrawn, Self::None]
            .into_iter()
            .find(|consent| consent.name() == name)
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
    /// The address, canonical.
    pub address: Address,
    /// May be empty; otherwise any text at all.
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
    /// When; never after the moment of judgement.
    pub consent_at: Option<Moment>,
    /// Where the consent was collected; may be empty.
    pub consent_source: &'a str,
    /// The list's own flag.
    pub suppressed: bool,
}

impl fmt::Debug for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Row(..)")
    }
}

impl<'a> Row<'a> {
    /// Reads the fields of a row, in the order of [`COLUMNS`].
    ///
    /// # Errors
    /// The first fault, which makes the row `invalid`.
    pub fn parse(fields: &[&'a str], as_of: &AsOf) -> Result<Self, Fault> {
        let &[
            id,
            email,
            first_name,
            country,
            locale,
            segment,
            birth_year,
            consent,
            consent_at,
            consent_source,
            suppressed,
        ] = fields
        else {
            return Err(Fault { field: "row", reason: "has not 11 fields" });
        };
        Ok(Row {
            id: filled("id", id)?,
            address: address(filled("email", email)?)?,
            first_name,
            country: known("country", country, "is not an assigned ISO 3166-1 alpha-2 code", Country::parse)?,
            locale: filled("locale", locale)?,
            segment: filled("segment", segment)?,
            birth_year: optional(birth_year, year)?,
            consent: known("consent", consent, "is not express, implied, withdrawn or none", Consent::parse)?,
            consent_at: optional(consent_at, |text| past(text, as_of))?,
            consent_source,
            suppressed: known("suppressed", suppressed, "is not true or false", flag)?,
        })
    }
}

fn filled<'a>(field: &'static str, text: &'a str) -> Result<&'a str, Fault> {
    if text.is_empty() { Err(Fault { field, reason: "is empty" }) } else { Ok(text) }
}

fn optional<T>(text: &str, read: impl FnOnce(&str) -> Result<T, Fault>) -> Result<Option<T>, Fault> {
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

fn address(text: &str) -> Result<Address, Fault> {
    use crate::AddressError::{Domain, Local, Shape};
    Address::parse(text).map_err(|error| Fault {
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

fn past(text: &str, as_of: &AsOf) -> Result<Moment, Fault> {
    let field = "consent_at";
    let moment =
        Moment::parse(text).map_err(|_| Fault { field, reason: "is not RFC 3339 with an offset" })?;
    if moment.instant() > as_of.instant() {
        return Err(Fault { field, reason: "is after as_of" });
    }
    Ok(moment)
}

fn flag(text: &str) -> Option<bool> {
    match text {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [&str; 11] =
        ["7", "a@b.de", "", "DE", "en-GB", "vip", "1990", "express", "2025-06-01T00:00:00Z", "form", "false"];

    fn parse(fields: &[&str]) -> Result<(), Fault> {
        Row::parse(fields, &AsOf::parse("2026-01-01T00:00:00+01:00").unwrap()).map(|_| ())
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
            ("country", "UK", "is not an assigned ISO 3166-1 alpha-2 code"),
            ("locale", "", "is empty"),
            ("segment", "", "is empty"),
            ("birth_year", "90", "is not four digits"),
            ("birth_year", "+199", "is not four digits"),
            ("birth_year", "19900", "is not four digits"),
            ("consent", "", "is empty"),
            ("consent", "Express", "is not express, implied, withdrawn or none"),
            ("consent_at", "2025-06-01", "is not RFC 3339 with an offset"),
            ("consent_at", "2025-12-31T23:00:00.000000001Z", "is after as_of"),
            ("suppressed", "", "is empty"),
            ("suppressed", "TRUE", "is not true or false"),
        ] {
            let mut fields = GOOD;
            fields[COLUMNS.iter().position(|name| *name == column).unwrap()] = value;
            assert_eq!(parse(&fields), Err(Fault { field: column, reason }), "{column}={value:?}");
        }
        let count = Err(Fault { field: "row", reason: "has not 11 fields" });
        assert_eq!(
            (parse(&GOOD[..10]), parse(&[&GOOD[..], &[""]].concat()), parse(&[])),
            (count, count, count)
        );
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
}
