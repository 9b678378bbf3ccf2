//! The table of who may be written to; the first matching rule decides.
//!
//! | # | condition at `as_of` | outcome |
//! |---|---|---|
//! | 1 | the row can't be read ([`Row::parse`]) | `invalid` |
//! | 2 | the address was seen in a valid row above, whatever became of it | `duplicate` |
//! | 3 | any valid row of the address says suppressed, or the suppression list has it | `suppressed` |
//! | 4 | any valid row of the address says withdrawn | `withdrawn` |
//! | 5 | year of `as_of` − birth year ≤ 18 | `minor` |
//! | 6 | EU, EEA, UK, Switzerland: not express with time and source | `no_consent` |
//! | 7 | Canada: neither express with time nor implied within 24 months | `implied_expired`, `no_consent` |
//! | 8 | United States: allowed | |
//! | 9 | anywhere else: as 6 | `no_consent` |

use crate::{AsOf, Consent, Jurisdiction, Region, Row};

/// An age is only certain from the year after this birthday's year.
const ADULT: i16 = 18;

/// What is known of an address beyond the row at hand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// A valid row above has it.
    pub seen_above: bool,
    /// Another valid row of the list says suppressed, or the suppression list has it.
    pub suppressed: bool,
    /// Another valid row of the list says withdrawn.
    pub withdrawn: bool,
}

/// Why a row is not written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Exclusion {
    /// Rule 1: the row can't be read.
    Invalid,
    /// Rule 2: a row above has the address.
    Duplicate,
    /// Rule 3: the person objected.
    Suppressed,
    /// Rule 4: the person took their consent back.
    Withdrawn,
    /// Rule 5: not certainly of age.
    Minor,
    /// Rules 6, 7, 9: no consent that could be shown.
    NoConsent,
    /// Rule 7: an implied consent is too old.
    ImpliedExpired,
}

impl Exclusion {
    /// All of them, in the order of their rules.
    pub const ALL: [Self; 7] = [
        Self::Invalid,
        Self::Duplicate,
        Self::Suppressed,
        Self::Withdrawn,
        Self::Minor,
        Self::NoConsent,
        Self::ImpliedExpired,
    ];

    /// The code that reports use.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Duplicate => "duplicate",
            Self::Suppressed => "suppressed",
            Self::Withdrawn => "withdrawn",
            Self::Minor => "minor",
            Self::NoConsent => "no_consent",
            Self::ImpliedExpired => "implied_expired",
        }
    }
}

/// The lawful basis of writing to someone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Basis {
    /// Express consent.
    Consent,
    /// Consent implied by a business relationship, for 24 months (Canada only).
    ImpliedConsent,
    /// Legitimate interest, with an opt-out (United States only).
    LegitimateInterest,
}

impl Basis {
    /// The code that reports use.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Consent => "consent",
            Self::ImpliedConsent => "implied_consent",
            Self::LegitimateInterest => "legitimate_interest",
        }
    }
}

/// What becomes of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// May be written to.
    Allowed(Basis),
    /// May not.
    Excluded(Exclusion),
}

impl Outcome {
    /// The code of the basis or of the exclusion.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Allowed(basis) => basis.code(),
            Self::Excluded(exclusion) => exclusion.code(),
        }
    }
}

/// The judgement of a row, as it is put on record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Decision {
    /// What becomes of the row.
    pub outcome: Outcome,
    /// Where its data stays.
    pub region: Region,
    /// The provision that the outcome rests on.
    pub article: &'static str,
}

/// Judges a row that could be read.
#[must_use]
pub fn decide(row: &Row<'_>, known: &Known, as_of: &AsOf) -> Decision {
    let jurisdiction = row.country.jurisdiction();
    let outcome = outcome(row, known, as_of, jurisdiction);
    Decision { outcome, region: jurisdiction.region(), article: article(outcome, jurisdiction) }
}

fn outcome(row: &Row<'_>, known: &Known, as_of: &AsOf, jurisdiction: Jurisdiction) -> Outcome {
    if known.seen_above {
        Outcome::Excluded(Exclusion::Duplicate)
    } else if known.suppressed || row.suppressed {
        Outcome::Excluded(Exclusion::Suppressed)
    } else if known.withdrawn || row.consent == Consent::Withdrawn {
        Outcome::Excluded(Exclusion::Withdrawn)
    } else if row.birth_year.is_some_and(|born| as_of.year() - born <= ADULT) {
        Outcome::Excluded(Exclusion::Minor)
    } else {
        match jurisdiction {
            Jurisdiction::Canada => canada(row, as_of),
            Jurisdiction::UnitedStates => united_states(row),
            _ => strictest(row),
        }
    }
}

/// Rules 6 and 9: express consent, and the means to show it.
fn strictest(row: &Row<'_>) -> Outcome {
    let shown = row.consent == Consent::Express && row.consent_at.is_some() && !row.consent_source.is_empty();
    if shown { Outcome::Allowed(Basis::Consent) } else { Outcome::Excluded(Exclusion::NoConsent) }
}

/// Rule 7.
fn canada(row: &Row<'_>, as_of: &AsOf) -> Outcome {
    match (row.consent, row.consent_at) {
        (Consent::Express, Some(_)) => Outcome::Allowed(Basis::Consent),
        (Consent::Implied, Some(at)) if at.instant() >= as_of.implied_from() => {
            Outcome::Allowed(Basis::ImpliedConsent)
        }
        (Consent::Implied, Some(_)) => Outcome::Excluded(Exclusion::ImpliedExpired),
        _ => Outcome::Excluded(Exclusion::NoConsent),
    }
}

/// Rule 8.
fn united_states(row: &Row<'_>) -> Outcome {
    let express = row.consent == Consent::Express;
    Outcome::Allowed(if express { Basis::Consent } else { Basis::LegitimateInterest })
}

/// The provision behind an outcome.
fn article(outcome: Outcome, jurisdiction: Jurisdiction) -> &'static str {
    match outcome {
        Outcome::Excluded(Exclusion::Invalid | Exclusion::Duplicate) => "GDPR 5(1)(d)",
        Outcome::Excluded(Exclusion::Suppressed) => "GDPR 21(3); CASL s.11; CAN-SPAM 15 U.S.C. 7704(a)(4)",
        Outcome::Excluded(Exclusion::Withdrawn) => "GDPR 7(3); CASL s.11; CAN-SPAM 15 U.S.C. 7704(a)(4)",
        Outcome::Excluded(Exclusion::Minor) => "GDPR 8, recital 38",
        Outcome::Excluded(Exclusion::NoConsent | Exclusion::ImpliedExpired) | Outcome::Allowed(_) => {
            consent_law(jurisdiction)
        }
    }
}

fn consent_law(jurisdiction: Jurisdiction) -> &'static str {
    match jurisdiction {
        Jurisdiction::Europe | Jurisdiction::Other => "GDPR 6(1)(a), 7(1); ePrivacy 13",
        Jurisdiction::UnitedKingdom => "UK GDPR 6(1)(a), 7(1); PECR 22",
        Jurisdiction::Switzerland => "FADP 6; UCA 3(1)(o)",
        Jurisdiction::Canada => "CASL s.10",
        Jurisdiction::UnitedStates => "CAN-SPAM 15 U.S.C. 7704",
    }
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
