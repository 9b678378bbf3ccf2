//! The header: which column is where.

use maily_law::{COLUMNS, FlagPlace, OPTIONAL_COLUMNS, column, holds_rows};

use super::{ListFault, Record};

/// The most columns of a list.
pub(crate) const MAX_COLUMNS: usize = 256;
/// The most unknown columns that are named, and the longest name, in characters.
const NAMED: usize = 32;
const LONGEST: usize = 64;
const ALL: usize = COLUMNS.len() + OPTIONAL_COLUMNS.len();

/// Where each column of `maily_law` stands in a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Columns {
    places: [Option<usize>; ALL],
    count: usize,
    /// Names of the columns that mean nothing here.
    pub(crate) ignored: Vec<String>,
}

impl Columns {
    /// Reads the header: names in any order and case, blanks around them and a byte order mark aside.
    ///
    /// # Errors
    /// A column is missing, or there twice. What stands there instead is not said: it may be a person's line.
    pub(crate) fn read(header: &Record<'_>) -> Result<Self, ListFault> {
        let (line, names) = (header.line, &header.fields);
        if header.malformed || names.len() > MAX_COLUMNS {
            return Err(ListFault::Header(line));
        }
        let mut columns = Self { places: [None; ALL], count: names.len(), ignored: Vec::new() };
        for (place, name) in names.iter().enumerate() {
            let name = name.trim_start_matches('\u{feff}').trim();
            let mut known = COLUMNS.iter().chain(&OPTIONAL_COLUMNS).zip(&mut columns.places);
            let known = known.find(|(known, _)| known.eq_ignore_ascii_case(name));
            match known.map(|(column, known)| (column, known.replace(place))) {
                Some((&column, Some(_))) => return Err(ListFault::Twice { line, column }),
                Some(_) => {}
                None if columns.ignored.len() < NAMED => {
                    columns.ignored.push(name.chars().take(LONGEST).collect())
                }
                None => {}
            }
        }
        match COLUMNS.iter().zip(&columns.places).find(|(_, place)| place.is_none()) {
            Some((&column, _)) => Err(ListFault::Missing { line, column }),
            None => Ok(columns),
        }
    }

    /// Where `suppressed` stands.
    pub(crate) fn flag_place(&self) -> FlagPlace {
        let before = self.places.get(column::SUPPRESSED).copied().flatten().unwrap_or_default();
        FlagPlace { before, behind: self.count.saturating_sub(before + 1) }
    }

    /// A record's fields in the order of `maily_law`, or `None` where it has not as many as the header.
    pub(crate) fn pick<'a>(&self, record: &Record<'a>) -> Option<[&'a str; ALL]> {
        let whole = record.fields.len() == self.count && !record.malformed;
        let field = |place: Option<usize>| {
            place.and_then(|place| record.fields.get(place)).copied().unwrap_or_default()
        };
        whole.then(|| self.places.map(field))
    }

    /// Whether rows of the list stand in one of a record's fields.
    pub(crate) fn are_rows_in(&self, record: &Record<'_>) -> bool {
        record.fields.iter().any(|field| holds_rows(field, record.separator, self.count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(fields: &[&'static str]) -> Record<'static> {
        Record { line: 1, fields: fields.to_vec(), malformed: false, lost: false, separator: ',' }
    }

    fn read(names: &[&'static str]) -> Result<Columns, ListFault> {
        Columns::read(&record(names))
    }

    #[test]
    fn any_order_and_case_and_columns_of_others() {
        let mut names = COLUMNS.to_vec();
        names.reverse();
        names[0] = " Suppressed ";
        names.extend(["Phone", "IMPLIED_BY"]);
        let columns = read(&names).unwrap();
        assert_eq!(columns.ignored, ["Phone"]);
        assert_eq!(columns.flag_place(), FlagPlace { before: 0, behind: 12 });
        let mut fields = vec![
            "false", "form", "", "none", "1990", "vip", "en", "US", "Ada", "a@b.c", "7", "x", "purchase",
        ];
        let picked = columns.pick(&record(&fields)).unwrap();
        assert_eq!(
            picked,
            ["7", "a@b.c", "Ada", "US", "en", "vip", "1990", "none", "", "form", "false", "purchase"]
        );
        fields.push("");
        assert!(columns.pick(&record(&fields)).is_none() && columns.pick(&record(&fields[..12])).is_none());
    }

    #[test]
    fn a_refusal_names_the_column_and_nothing_of_the_line() {
        let said = |names: &[&'static str]| read(names).unwrap_err().to_string();
        assert!(
            said(&COLUMNS[1..]).starts_with("line 1: the header has no column id; it has to have id,email,")
        );
        assert!(said(&["7", "ada@example.com", "Ada"]).starts_with("line 1: the header has no column id"));
        let twice: Vec<_> = COLUMNS.into_iter().chain(["EMAIL"]).collect();
        assert_eq!(said(&twice), "line 1: the header has the column email twice");
    }
}
