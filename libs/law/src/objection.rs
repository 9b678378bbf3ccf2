//! Who objects in a list, whatever else is wrong with the row.
//!
//! A row that can be read says it clearly. One that can't is read again here, for nothing but its objection, and in doubt
//! it objects: a person who is not written to by mistake has lost less than one who is.

use std::collections::HashMap;

use crate::column::{CONSENT, EMAIL, SUPPRESSED};
use crate::row::spans_lines;
use crate::{COLUMNS, Consent, EmailAddress, Row};

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

/// Where the column `suppressed` stands in a header: so many columns are before it, and so many behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlagPlace {
    /// Columns before it.
    pub before: usize,
    /// Columns behind it.
    pub behind: usize,
}

impl FlagPlace {
    /// The last of [`COLUMNS`], in their order.
    pub const LAST: Self = Self { before: SUPPRESSED, behind: 0 };
}

/// Who objects in a row that can't be read, each person once. Its fields are in the order of [`COLUMNS`] if it has as many as
/// the header; `None` says that it has not, and `fields` are all that were found.
#[must_use]
pub fn objections(
    columns: Option<&[&str]>,
    fields: &[&str],
    place: FlagPlace,
) -> Vec<(EmailAddress, Objection)> {
    match in_place(columns) {
        Some(columns) => in_their_places(columns, fields),
        None => out_of_place(fields, place),
    }
}

/// Whether somebody may object in a row that can't be read, whoever that is: not where its fields are in their places, and say
/// clearly that nobody does.
#[must_use]
pub fn may_object(columns: Option<&[&str]>) -> bool {
    in_place(columns).is_none_or(|columns| said(columns).is_some())
}

/// The columns, unless the lines of other rows may be in one of them.
fn in_place<'a, 'b>(columns: Option<&'a [&'b str]>) -> Option<&'a [&'b str]> {
    columns.filter(|columns| !columns.iter().any(|value| spans_lines(value)))
}

/// The columns of a row that have a word that no table knows where an objection is said.
pub fn unknown_words(columns: &[&str]) -> impl Iterator<Item = &'static str> {
    let column = |at: usize| columns.get(at).copied().unwrap_or_default().trim();
    let consent = !column(CONSENT).is_empty() && Consent::parse(column(CONSENT)).is_none();
    let suppressed = word(column(SUPPRESSED)) == Word::Unknown;
    [(consent, COLUMNS[CONSENT]), (suppressed, COLUMNS[SUPPRESSED])]
        .into_iter()
        .filter_map(|(unknown, name)| unknown.then_some(name))
}

/// How a row objects by what stands in its columns.
fn said(columns: &[&str]) -> Option<Objection> {
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
    match (suppressed, consent) {
        (Some(Objection::Assumed), Some(clearer)) if clearer.carries_over() => {
            // More than a plain withdrawal is wrong with the row.
            Some(if clearer == Objection::Withdrawn { Objection::Suppressed } else { clearer })
        }
        (Some(suppressed), _) => Some(suppressed),
        (None, consent) => consent,
    }
}

fn in_their_places(columns: &[&str], fields: &[&str]) -> Vec<(EmailAddress, Objection)> {
    let Some(objection) = said(columns) else { return Vec::new() };
    let mut people = EmailAddress::find_all(columns.get(EMAIL).copied().unwrap_or_default());
    if people.is_empty() {
        // Values may have changed places, their number being right.
        people = fields.iter().flat_map(|field| EmailAddress::find_all(field)).collect();
    }
    each_once(people.into_iter().map(|address| (address, objection)))
}

/// Whatever reads as an address objects. Where a field has the lines of others in it, each line speaks for itself.
fn out_of_place(fields: &[&str], place: FlagPlace) -> Vec<(EmailAddress, Objection)> {
    let behind = |field: &&str| field.split_once('\n').is_some_and(|(_, rest)| has_address(rest));
    if !fields.iter().any(behind) {
        return each_once(in_line(fields, place));
    }
    each_once(lines(fields).iter().flat_map(|line| in_line(line, place)))
}

/// Whether rows of a list stand in a value, into which a stray quote took them; the list's separator, and how many columns
/// it has. They are told from a note of several lines by an address that has separators with it: so many as [`COLUMNS`] have
/// between them in a line of its own, or, where the quotes stood in the middle of two rows, for each line end just so many as a
/// row has.
#[must_use]
pub fn holds_rows(value: &str, separator: char, columns: usize) -> bool {
    let Some((_, behind)) = value.split_once('\n') else { return false };
    let separators = |text: &str| text.matches(separator).count();
    let is_row = |line: &str| separators(line) >= COLUMNS.len() - 1 && has_address(line);
    let of_rows = value.matches('\n').count() * columns.saturating_sub(1);
    behind.split('\n').any(is_row) || (separators(value) == of_rows && has_address(value))
}

fn has_address(text: &str) -> bool {
    !EmailAddress::find_all(text).is_empty()
}

/// The lines of a row; what a field has of them is separated again by whatever may separate.
fn lines<'a>(fields: &[&'a str]) -> Vec<Vec<&'a str>> {
    let (mut lines, mut line) = (Vec::new(), Vec::new());
    for field in fields {
        if !field.contains('\n') {
            line.push(*field);
            continue;
        }
        for (at, piece) in field.split('\n').enumerate() {
            if at > 0 {
                lines.push(std::mem::take(&mut line));
            }
            line.extend(piece.split([',', ';', '\t']));
        }
    }
    lines.push(line);
    lines
}

/// It is clear that somebody objects where a yes in letters stands in the place of `suppressed`, which holds from the first
/// field up to what is too many or too few and from the last back to it, or a field says `withdrawn`: a `1` may be anything.
fn in_line(fields: &[&str], place: FlagPlace) -> Vec<(EmailAddress, Objection)> {
    let from_behind = fields.len().checked_sub(place.behind + 1);
    let mut flags = [Some(place.before), from_behind].into_iter().flatten().filter_map(|at| fields.get(at));
    let yes = |text: &str| word(text) == Word::Yes && text.trim() != "1";
    let withdrawn = |text: &&str| Consent::parse(text.trim()) == Some(Consent::Withdrawn);
    let clear = flags.any(|flag| yes(flag)) || fields.iter().any(withdrawn);
    let objection = if clear { Objection::Suppressed } else { Objection::Assumed };
    let found = fields.iter().flat_map(|field| EmailAddress::find_all(field));
    found.map(|address| (address, objection)).collect()
}

/// Each person once, with what is clearer where it differs.
fn each_once(found: impl IntoIterator<Item = (EmailAddress, Objection)>) -> Vec<(EmailAddress, Objection)> {
    let mut people: Vec<(EmailAddress, Objection)> = Vec::new();
    let mut places = HashMap::new();
    for (address, objection) in found {
        let at = *places.entry(address.comparison().to_owned()).or_insert(people.len());
        match people.get_mut(at) {
            Some((_, before)) if before.carries_over() => {}
            Some((_, before)) => *before = objection,
            None => people.push((address, objection)),
        }
    }
    people
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [&str; 11] =
        ["7", "a@b.de", "", "DE", "en-GB", "vip", "1990", "express", "2025-06-01T00:00:00Z", "form", "false"];

    fn objects(changes: &[(usize, &'static str)]) -> Option<Objection> {
        let mut fields = GOOD;
        changes.iter().for_each(|(at, text)| fields[*at] = text);
        let found = objections(Some(&fields), &fields, FlagPlace::LAST);
        assert!(found.is_empty() || may_object(Some(&fields)), "{changes:?}");
        found.first().map(|(_, objection)| *objection)
    }

    /// Who objects in a row whose fields are not in their places.
    fn anywhere(fields: &[&str], place: FlagPlace) -> Vec<(String, Objection)> {
        let found = objections(None, fields, place).into_iter();
        found.map(|(address, objection)| (address.comparison().to_owned(), objection)).collect()
    }

    fn people<const N: usize>(found: [(&str, Objection); N]) -> Vec<(String, Objection)> {
        found.map(|(address, objection)| (address.to_owned(), objection)).into()
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
            // Name and address have changed places.
            (&[(1, "Ada"), (2, "a@b.de"), (10, "true")], Some(Suppressed)),
            (&[(1, "Ada"), (2, "a@b.de")], None),
            (&[(1, "SMTP:a@b.de"), (10, "true")], Some(Suppressed)),
        ] {
            assert_eq!(objects(changes), objection, "{changes:?}");
        }
    }

    #[test]
    fn where_nobody_objects_nobody_is_looked_for() {
        for (changes, may) in [
            (&[(3, "")][..], false),
            (&[(1, "nobody"), (7, "none"), (10, "0")], false),
            (&[(1, "nobody"), (10, "true")], true),
            (&[(1, "nobody"), (7, "")], true),
            (&[(2, "Ada\nLovelace")], true),
        ] {
            let mut fields = GOOD;
            changes.iter().for_each(|(at, text)| fields[*at] = text);
            assert_eq!(may_object(Some(&fields)), may, "{changes:?}");
        }
        assert!(may_object(None));
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
            // Somebody is among them more than once: the clearest counts.
            (&["c@d.de", "C@d.de", "true"], vec![("c@d.de", Suppressed)]),
            (&["mailto:c%40d.de", "x"], vec![("c@d.de", Assumed)]),
        ] {
            let said = anywhere(fields, FlagPlace::LAST);
            let found: Vec<_> =
                found.into_iter().map(|(address, objection)| (address.to_owned(), objection)).collect();
            assert_eq!(said, found, "{fields:?}");
        }
    }

    #[test]
    fn the_flag_is_in_its_place_before_the_surplus_and_behind_it() {
        use Objection::{Assumed, Suppressed};
        let first = FlagPlace { before: 0, behind: 3 };
        let third = FlagPlace { before: 2, behind: 1 };
        for (place, fields, objection) in [
            (first, &["true", "1", "c@d.de", "Ada", " née Byron"][..], Suppressed),
            (first, &["false", "1", "c@d.de", "Ada", "true"], Assumed),
            (first, &["1", "1", "c@d.de", "Ada", "x"], Assumed),
            (third, &["c@d.de", "Ada", "yes", "form", "x"], Suppressed),
            (third, &["c@d.de", "Ada", " née Byron", "TRUE", "form"], Suppressed),
            (third, &["c@d.de", "Ada"], Assumed),
            // Another column's yes at the end is none.
            (third, &["c@d.de", "Ada", "x", "false", "true"], Assumed),
        ] {
            assert_eq!(anywhere(fields, place), people([("c@d.de", objection)]), "{fields:?}");
        }
    }

    #[test]
    fn a_quote_that_takes_lines_into_it_silences_nobody() {
        use Objection::{Assumed, Suppressed};
        let swallowed = "Ada,DE,en-GB,vip,,express,2025-01-01T00:00:00Z,form,false\r\n\
            2,carol@d.de,Carol,DE,en-GB,vip,,withdrawn,,,false\r\n\
            3,dave@d.de,Dave,DE,en-GB,vip,,express,,,true\r\n\
            4,carol@d.de,Carol,DE,en-GB,vip,,express,,,false\n5,bob@d.de,Bob";
        let mut fields = GOOD;
        fields[2] = swallowed;
        let said = objections(Some(&fields), &fields, FlagPlace::LAST);
        let said: Vec<_> = said
            .into_iter()
            .map(|(address, objection)| (address.comparison().to_owned(), objection))
            .collect();
        let wanted = people([
            ("a@b.de", Assumed),
            ("carol@d.de", Suppressed),
            ("dave@d.de", Suppressed),
            ("bob@d.de", Assumed),
        ]);
        assert_eq!(said, wanted);
        // A note of several lines is one of its row, if nobody is in it.
        let noted = ["7", "c@d.de", "x", "a note\nof two lines", "true"];
        assert_eq!(anywhere(&noted, FlagPlace { before: 3, behind: 0 }), people([("c@d.de", Suppressed)]));
    }

    #[test]
    fn rows_in_a_value_are_told_from_a_note() {
        for (value, rows) in [
            ("see file\r\n2,c@d.de,Carol,DE,en-GB,vip,,express,,,true,\n3,x,y", true),
            ("\n2,c@d.de,Carol,DE,en-GB,vip,,withdrawn,,,false,", true),
            ("x,Ann,DE,en-GB,vip,,express,,form,true\n3,c@d.de,ok", true),
            ("c@d.de,DE,en-GB,vip,,express,,form,true\n3,x,y,ok", true),
            ("x,Ann,DE,en-GB,vip,,express,,form,true\n3,c@d.de,ok,y", false),
            ("a note\nof two lines", false),
            ("asked by c@d.de,\nwho called twice, at noon, and again", false),
            ("c@d.de,Carol,DE,en-GB,vip,,express,,,true,,", false),
            ("see file\n2,nobody,Carol,DE,en-GB,vip,,express,,,true,", false),
            ("see file\n2;c@d.de;Carol;DE;en-GB;vip;;express;;;true;", false),
        ] {
            assert_eq!(holds_rows(value, ',', 12), rows, "{value:?}");
        }
    }

    #[test]
    fn words_that_no_table_knows_are_told_by_their_columns() {
        for (consent, suppressed, columns) in [
            ("express", "false", &[][..]),
            ("", "", &[]),
            (" subscribed ", "0", &["consent"]),
            ("express", "nein", &["suppressed"]),
            ("x", "x", &["consent", "suppressed"]),
        ] {
            let mut fields = GOOD;
            (fields[CONSENT], fields[SUPPRESSED]) = (consent, suppressed);
            assert_eq!(unknown_words(&fields).collect::<Vec<_>>(), columns);
        }
    }
}
