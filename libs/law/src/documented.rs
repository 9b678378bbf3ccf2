//! What whoever writes a list is told: docs/lists.md has every column, code and provision that there is.

use super::{Basis, Exclusion, Outcome, article};
use crate::{COLUMNS, Jurisdiction, OPTIONAL_COLUMNS, Objection, Region};

const LISTS: &str = include_str!("../../../docs/lists.md");

/// The rows of the table under a heading, or of the one whose first line begins with `head`.
fn table(head: &str) -> Vec<&'static str> {
    let rows = LISTS.lines().skip_while(move |line| !line.starts_with(head)).skip(2);
    rows.take_while(|line| line.starts_with('|')).collect()
}

/// Whether a table has a row for each of these, in its first column.
fn lacks(head: &str, codes: impl IntoIterator<Item = &'static str>) -> Vec<&'static str> {
    let table = table(head);
    assert!(!table.is_empty(), "docs/lists.md has no table {head:?}");
    let has = |code: &str| table.iter().any(|row| row.starts_with(&format!("| `{code}` |")));
    codes.into_iter().filter(|code| !has(code)).collect()
}

#[test]
fn every_column_is_described() {
    let columns = COLUMNS.into_iter().chain(OPTIONAL_COLUMNS);
    assert_eq!(lacks("| column | meaning |", columns), [""; 0]);
    // Nor is one described that there is not.
    assert_eq!(table("| column | meaning |").len(), COLUMNS.len() + OPTIONAL_COLUMNS.len());
}

#[test]
fn every_code_is_explained() {
    assert_eq!(lacks("| code | when |", Exclusion::ALL.map(Exclusion::code)), [""; 0]);
    assert_eq!(lacks("| basis | when |", Basis::ALL.map(Basis::code)), [""; 0]);
    assert_eq!(lacks("| objection | said by |", Objection::ALL.map(Objection::code)), [""; 0]);
    for region in Region::ALL.map(|region| format!("| `{}` |", region.name())) {
        assert!(table("| country of the recipient |").iter().any(|row| row.ends_with(&region)), "{region}");
    }
}

#[test]
fn what_carries_over_is_told() {
    for objection in Objection::ALL {
        let code = format!("| `{}` |", objection.code());
        let row = table("| objection | said by |").into_iter().find(|row| row.starts_with(&code)).unwrap();
        assert_eq!(row.contains("holds for every later list"), objection.carries_over(), "{row}");
    }
}

#[test]
fn every_provision_stands_in_the_row_of_its_outcome() {
    let outcomes = Exclusion::ALL.map(Outcome::Excluded).into_iter().chain(Basis::ALL.map(Outcome::Allowed));
    let table = table("| outcome | EU, EEA | UK | Switzerland | Canada | United States | any other |");
    for outcome in outcomes {
        let code = format!("`{}`", outcome.code());
        let row = table.iter().find(|row| row.split('|').nth(1).unwrap().contains(&code)).unwrap();
        let cells: Vec<_> = row.split('|').skip(2).map(str::trim).collect();
        for (cell, law) in cells.into_iter().zip(Jurisdiction::ALL) {
            // A cell is empty where the law has no such outcome.
            assert!(cell.is_empty() || cell == article(outcome, law), "{code} {law:?}: {cell}");
        }
    }
    // What the rules can answer is not left empty.
    let empty = |row: &&str| row.split('|').skip(2).take(6).filter(|cell| cell.trim().is_empty()).count();
    assert_eq!(table.iter().map(empty).sum::<usize>(), 1 + 5 + 5 + 5);
}
