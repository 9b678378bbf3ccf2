//! Who objects in a list, whatever else is wrong with the row.
//!
//! A row that can be read says it clearly. One that can't is read again here, for nothing but its objection, and in doubt
//! it objects: a person who is not written to by mistake has lost less than one who is.

use crate::column::{CONSENT, EMAIL, SUPPRESSED};
use crate::{Consent, EmailAddress, Row};

/// How somebody objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Objection {
    /// The column `consent` says `withdrawn`, and nothing else is said.
    Withdrawn,
    /// The column `suppressed` is a clear yes.
    Suppressed,
    /// A word that no table knows stands where an objection is said (`unsubscribed`, `opted out`).
    Unknown,
    /// Nothing is said where an objection would be, or the fields are not in their places.
    Assumed,
}

impl Objection {
    /// All of them, the faintest first but for what is only assumed.
    pub const ALL: [Self; 4] = [Self::Withdrawn, Self::Suppressed, Self::Unknown, Self::Assumed];

    /// Whether it goes into the tenant's suppression list. What was only assumed holds for its list.
    #[must_use]
    pub fn carries_over(self) -> bool {
        self != Self::Assumed
    }

    /// The code that records use.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Withdrawn => "withdrawn",
            Self::Suppressed => "suppressed",
            Self::Unknown => "unknown_word",
            Self::Assumed => "assumed",
        }
    }
}

/// What the column `suppressed` says.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    Yes,
    No,
    Empty,
    Unknown,
}

pub(crate) fn word(text: &str) -> Word {
    let is = |words: [&str; 3]| words.iter().any(|word| word.eq_ignore_ascii_case(text.trim()));
    match text.trim() {
        "" => Word::Empty,
        _ if is(["true", "yes", "1"]) => Word::Yes,
        _ if is(["false", "no", "0"]) => Word::No,
        _ => Word::Unknown,
    }
}

impl Row<'_> {
    /// Whether the person objects in this row.
    #[must_use]
    pub fn objection(&self) -> Option<Objection> {
        if self.suppressed {
            Some(Objection::Suppressed)
        } else {
            (self.consent == Consent::Withdrawn).then_some(Objection::Withdrawn)
        }
    }
}

/// Who objects in a row that can't be read. Its fields are in the order of [`crate::COLUMNS`] if it has as many as the
/// header; `None` says that it has not, and `fields` are all that were found.
#[must_use]
pub fn objections(columns: Option<&[&str]>, fields: &[&str]) -> Vec<(EmailAddress, Objection)> {
    match columns {
        Some(columns) => in_their_places(columns),
        None => anywhere(fields),
    }
}

fn in_their_places(columns: &[&str]) -> Vec<(EmailAddress, Objection)> {
    let column = |at: usize| columns.get(at).copied().unwrap_or_default();
    let consent = match (Consent::parse(column(CONSENT).trim()), column(CONSENT).trim()) {
        (Some(Consent::Withdrawn), _) => Some(Objection::Withdrawn),
        (Some(_), _) => None,
        (None, "") => Some(Objection::Assumed),
        (None, _) => Some(Objection::Unknown),
    };
    let suppressed = match word(column(SUPPRESSED)) {
        Word::Yes => Some(Objection::Suppressed),
        Word::No => None,
        Word::Empty => Some(Objection::Assumed),
        Word::Unknown => Some(Objection::Unknown),
    };
    let objection = match (suppressed, consent) {
        (Some(Objection::Assumed), Some(clearer)) if clearer.carries_over() => {
            // More than a plain withdrawal is wrong with the row.
            Some(if clearer == Objection::Withdrawn { Objection::Suppressed } else { clearer })
        }
        (Some(suppressed), _) => Some(suppressed),
        (None, consent) => consent,
    };
    let Some(objection) = objection else { return Vec::new() };
    EmailAddress::find_all(column(EMAIL)).into_iter().map(|address| (address, objection)).collect()
}

/// Whatever reads as an address objects. It is clear that it does where the last field is a yes in letters, or one says
/// `withdrawn`: a `1` may be anything.
fn anywhere(fields: &[&str]) -> Vec<(EmailAddress, Objection)> {
    let yes = |text: &&str| word(text) == Word::Yes && text.trim() != "1";
    let withdrawn = |text: &&str| Consent::parse(text.trim()) == Some(Consent::Withdrawn);
    let clear = fields.last().is_some_and(yes) || fields.iter().any(withdrawn);
    let objection = if clear { Objection::Suppressed } else { Objection::Assumed };
    let found =
        fields.iter().filter(|field| field.contains('@')).flat_map(|field| EmailAddress::find_all(field));
    found.map(|address| (address, objection)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [&str; 11] =
        ["7", "a@b.de", "", "DE", "en-GB", "vip", "1990", "express", "2025-06-01T00:00:00Z", "form", "false"];

    fn objects(changes: &[(usize, &'static str)]) -> Option<Objection> {
        let mut fields = GOOD;
        changes.iter().for_each(|(at, text)| fields[*at] = text);
        objections(Some(&fields), &fields).first().map(|(_, objection)| *objection)
    }

    #[test]
    fn a_row_that_cant_be_read_objects_unless_it_clearly_does_not() {
        use Objection::{Assumed, Suppressed, Unknown, Withdrawn};
        for (changes, objection) in [
            (&[(3, "")][..], None),
            (&[(3, ""), (10, "TRUE")], Some(Suppressed)),
            (&[(3, ""), (10, "Yes")], Some(Suppressed)),
            (&[(3, ""), (10, "1")], Some(Suppressed)),
            (&[(3, ""), (10, " no ")], None),
            (&[(10, "unsubscribed")], Some(Unknown)),
            (&[(10, "")], Some(Assumed)),
            (&[(7, "opted out")], Some(Unknown)),
            (&[(7, "")], Some(Assumed)),
            (&[(3, ""), (7, "None")], None),
            (&[(3, ""), (7, "WITHDRAWN")], Some(Withdrawn)),
            (&[(7, "withdrawn"), (10, "")], Some(Suppressed)),
            (&[(7, "opted out"), (10, "")], Some(Unknown)),
            (&[(7, "withdrawn"), (10, "true")], Some(Suppressed)),
            (&[(1, "a@b.de "), (10, "true")], Some(Suppressed)),
            (&[(1, "A B <a@b.de>"), (10, "true")], Some(Suppressed)),
            (&[(1, "nobody"), (10, "true")], None),
        ] {
            assert_eq!(objects(changes), objection, "{changes:?}");
        }
    }

    #[test]
    fn fields_out_of_place_object_for_every_address_among_them() {
        use Objection::{Assumed, Suppressed};
        for (fields, found) in [
            (&["7", "Jones", " Carol", "c@d.de", "false", "x"][..], vec![("c@d.de", Assumed)]),
            (
                &["c@d.de", "mailto:E@f.de", "form", "true"],
                vec![("c@d.de", Suppressed), ("e@f.de", Suppressed)],
            ),
            (&["1", "c@d.de", "withdrawn", "x"], vec![("c@d.de", Suppressed)]),
            (&["c@d.de", "1"], vec![("c@d.de", Assumed)]),
            (&["1", "no address", "true"], vec![]),
        ] {
            let said: Vec<_> = objections(None, fields);
            let said: Vec<_> =
                said.iter().map(|(address, objection)| (address.comparison(), *objection)).collect();
            assert_eq!(said, found, "{fields:?}");
        }
    }
}
