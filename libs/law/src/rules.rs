//! The table of who may be written to; the first matching rule decides.
//!
//! | # | condition | outcome |
//! |---|---|---|
//! | 1 | the row can't be read ([`Row::parse`]) | `invalid` |
//! | 2 | the person was seen in a valid row above, whatever became of it | `duplicate` |
//! | 3 | any row of the person objects other than by a plain `withdrawn`, or the suppression list has them | `suppressed` |
//! | 4 | consent is `withdrawn` in any row of the person | `withdrawn` |
//! | 5 | year of the import − the latest birth year in a valid row of the person ≤ 18 | `minor` |
//! | 6 | EU, EEA, UK, Switzerland: not express with time and source | `no_consent` |
//! | 7 | Canada: neither express with time nor implied within 24 (purchase, contract) or 6 months of the planned send | `implied_expired`, `no_consent` |
//! | 8 | United States: allowed; without express consent the mail says that it is an advertisement | |
//! | 9 | anywhere else: as 6 | `no_consent` |
//!
//! Rules 6 to 9 are asked for the recipient's country, for those of the person's other valid rows and for the sender's; the
//! strictest answer counts. What rule 8 has the mail say, it says wherever the United States are among them ([`is_advertisement`]).

use crate::{Consent, Country, Jurisdiction, Jurisdictions, Region, Row, When};

/// An age is only certain from the year after this birthday's year.
const ADULT: i16 = 18;

/// What is known of a person beyond the row at hand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// A valid row above is theirs.
    pub seen_above: bool,
    /// A row of the list objects other than by a plain `withdrawn`, or the suppression list has them.
    pub suppressed: bool,
    /// Another row of the list says withdrawn.
    pub withdrawn: bool,
    /// The latest year of birth in any valid row of the person.
    pub born: Option<i16>,
    /// Where any valid row has the person.
    pub countries: Jurisdictions,
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

/// The lawful basis of writing to someone, the strictest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Basis {
    /// Express consent.
    Consent,
    /// Consent implied by a business relationship, for 24 or 6 months (Canada only).
    ImpliedConsent,
    /// None is needed before an opt-out (United States only).
    OptOut,
}

impl Basis {
    /// All of them, the strictest first.
    pub const ALL: [Self; 3] = [Self::Consent, Self::ImpliedConsent, Self::OptOut];

    /// The code that reports use.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Consent => "consent",
            Self::ImpliedConsent => "implied_consent",
            Self::OptOut => "opt_out",
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

/// Judges a row that could be read, for a sender in `sender`.
#[must_use]
pub fn decide(row: &Row<'_>, known: &Known, when: &When, sender: Country) -> Decision {
    let recipient = row.country.jurisdiction();
    let (outcome, jurisdiction) = match excluded(row, known, when) {
        Some(exclusion) => (Outcome::Excluded(exclusion), recipient),
        None => {
            let others = known.countries.iter().chain([sender.jurisdiction()]);
            others.fold((consented(row, when, recipient), recipient), |strictest, other| {
                stricter(strictest, (consented(row, when, other), other))
            })
        }
    };
    Decision { outcome, region: recipient.region(), article: article(outcome, jurisdiction) }
}

/// Whether the mail to somebody who may be written to has to say that it is an advertisement, by the code of the basis: nobody
/// asked for it, and the row's region, another row of the person or the sender is in the United States (CAN-SPAM, 15 U.S.C.
/// 7704(a)(5)(A)(i) and (B)). The sender's country counts for what is sent abroad, too: the act covers foreign commerce (15 U.S.C.
/// 7702(13); 18 U.S.C. 1030(e)(2)(B)).
#[must_use]
pub fn is_advertisement(
    region: Region,
    countries: Jurisdictions,
    sender: Option<Country>,
    basis: &str,
) -> bool {
    let mut laws = countries.iter().chain(sender.map(Country::jurisdiction));
    let is_asked = region == Region::Us || laws.any(|law| law == Jurisdiction::UnitedStates);
    is_asked && basis != Basis::Consent.code()
}

/// Rules 2 to 5.
fn excluded(row: &Row<'_>, known: &Known, when: &When) -> Option<Exclusion> {
    if known.seen_above {
        Some(Exclusion::Duplicate)
    } else if known.suppressed || row.suppressed {
        Some(Exclusion::Suppressed)
    } else if known.withdrawn || row.consent == Consent::Withdrawn {
        Some(Exclusion::Withdrawn)
    } else {
        let born = row.birth_year.max(known.born);
        born.is_some_and(|born| when.year() - born <= ADULT).then_some(Exclusion::Minor)
    }
}

/// Of two answers to rules 6 to 9: who is excluded by one is excluded, and the basis has to do for both.
fn stricter(one: (Outcome, Jurisdiction), other: (Outcome, Jurisdiction)) -> (Outcome, Jurisdiction) {
    match (one.0, other.0) {
        (Outcome::Allowed(before), Outcome::Allowed(basis)) if basis < before => other,
        (Outcome::Allowed(_), Outcome::Excluded(_)) => other,
        _ => one,
    }
}

fn consented(row: &Row<'_>, when: &When, jurisdiction: Jurisdiction) -> Outcome {
    match jurisdiction {
        Jurisdiction::Canada => canada(row, when),
        Jurisdiction::UnitedStates => united_states(row),
        _ => strictest(row),
    }
}

/// Rules 6 and 9: express consent, and the means to show it.
fn strictest(row: &Row<'_>) -> Outcome {
    let shown = row.consent == Consent::Express && row.consent_at.is_some() && !row.consent_source.is_empty();
    if shown { Outcome::Allowed(Basis::Consent) } else { Outcome::Excluded(Exclusion::NoConsent) }
}

/// Rule 7.
fn canada(row: &Row<'_>, when: &When) -> Outcome {
    match (row.consent, row.consent_at) {
        (Consent::Express, Some(_)) => Outcome::Allowed(Basis::Consent),
        (Consent::Implied, Some(at)) if at.instant() >= when.implied_from(row.implied_by) => {
            Outcome::Allowed(Basis::ImpliedConsent)
        }
        (Consent::Implied, Some(_)) => Outcome::Excluded(Exclusion::ImpliedExpired),
        _ => Outcome::Excluded(Exclusion::NoConsent),
    }
}

/// Rule 8. Consent that has no moment can't be shown: the mail then says that it is an advertisement (15 U.S.C. 7702(1)).
fn united_states(row: &Row<'_>) -> Outcome {
    let shown = row.consent == Consent::Express && row.consent_at.is_some();
    Outcome::Allowed(if shown { Basis::Consent } else { Basis::OptOut })
}

/// The provision behind an outcome; docs/lists.md has them in one table.
fn article(outcome: Outcome, jurisdiction: Jurisdiction) -> &'static str {
    use Jurisdiction::{Canada, Europe, Other, Switzerland, UnitedKingdom, UnitedStates};
    match (outcome, jurisdiction) {
        (Outcome::Excluded(Exclusion::Invalid | Exclusion::Duplicate), Europe) => "GDPR 5(1)(d)",
        (Outcome::Excluded(Exclusion::Invalid | Exclusion::Duplicate), UnitedKingdom) => "UK GDPR 5(1)(d)",
        (Outcome::Excluded(Exclusion::Invalid | Exclusion::Duplicate), Switzerland) => "FADP 6(5)",
        (Outcome::Excluded(Exclusion::Invalid | Exclusion::Duplicate), Canada) => "PIPEDA sch. 1, 4.6",
        (Outcome::Excluded(Exclusion::Invalid | Exclusion::Duplicate), UnitedStates) => {
            "house rule: one message per person"
        }
        (Outcome::Excluded(Exclusion::Suppressed), Europe) => "GDPR 21(3)",
        (Outcome::Excluded(Exclusion::Suppressed), UnitedKingdom) => "UK GDPR 21(3); PECR 22",
        (Outcome::Excluded(Exclusion::Suppressed), Switzerland) => "UWG 3(1)(o); FADP 30(2)(b)",
        (Outcome::Excluded(Exclusion::Withdrawn), Europe) => "GDPR 7(3)",
        (Outcome::Excluded(Exclusion::Withdrawn), UnitedKingdom) => "UK GDPR 7(3); PECR 22",
        (Outcome::Excluded(Exclusion::Withdrawn), Switzerland) => "FADP 30(2)(b); UWG 3(1)(o)",
        (Outcome::Excluded(Exclusion::Suppressed | Exclusion::Withdrawn), Canada) => "CASL 11(1)-(3)",
        (Outcome::Excluded(Exclusion::Suppressed | Exclusion::Withdrawn), UnitedStates) => {
            "CAN-SPAM 15 U.S.C. 7704(a)(4)"
        }
        (Outcome::Excluded(Exclusion::Minor), Europe) => "house rule: adults only (GDPR recital 38)",
        (Outcome::Excluded(Exclusion::Minor), _) => "house rule: adults only",
        // The law of there may ask for less, or for something else; none of the EU's is in force.
        (_, Other) => "house rule: as in the EU",
        (_, Europe) => "GDPR 6(1)(a), 7(1); ePrivacy 13",
        (_, UnitedKingdom) => "UK GDPR 6(1)(a), 7(1); PECR 22",
        (_, Switzerland) => "UWG 3(1)(o)",
        (Outcome::Allowed(Basis::ImpliedConsent) | Outcome::Excluded(Exclusion::ImpliedExpired), Canada) => {
            "CASL 10(9)-(10)"
        }
        (_, Canada) => "CASL 6(1)(a), 10(1)",
        (Outcome::Allowed(Basis::OptOut), UnitedStates) => "CAN-SPAM 15 U.S.C. 7704(a)(3)-(5)",
        (_, UnitedStates) => "CAN-SPAM 15 U.S.C. 7704",
    }
}

#[cfg(test)]
#[path = "documented.rs"]
mod documented;
#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
