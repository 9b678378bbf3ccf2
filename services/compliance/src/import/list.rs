//! Reading a subscriber list as it arrives: bytes to records, without keeping more than one record.
//!
//! A fault of the *file* ends the reading with one sentence ([`ListFault`]); a fault of a *row* is that row's.

mod columns;
mod encoding;
mod split;
mod utf8;

use std::fmt;

use maily_law::{COLUMNS, Region};
use uuid::Uuid;

use crate::ImportId;

pub(crate) use columns::Columns;
pub(crate) use encoding::foreign;
pub(crate) use split::{Record, Splitter};
pub(crate) use utf8::Utf8;

/// Longest field in bytes, quotes aside.
pub(crate) const MAX_FIELD: usize = 64 << 10;

/// Why a list as a whole is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListFault {
    /// There is no header.
    #[error("the list is empty: its first line must be {}", COLUMNS.join(","))]
    Empty,
    /// The first record can't be read as a header.
    #[error("line {0}: the header can't be read; it has to have {columns}", columns = COLUMNS.join(","))]
    Header(u64),
    /// The header lacks a column.
    #[error("line {line}: the header has no column {column}; it has to have {columns}", columns = COLUMNS.join(","))]
    Missing {
        /// Where the header is.
        line: u64,
        /// The first column that is missing.
        column: &'static str,
    },
    /// The header has a column twice.
    #[error("line {line}: the header has the column {column} twice")]
    Twice {
        /// Where the header is.
        line: u64,
        /// The column.
        column: &'static str,
    },
    /// Bytes that are not UTF-8.
    #[error(
        "line {0}: not UTF-8, perhaps Windows-1252 or another encoding of one byte a letter; save the list as UTF-8"
    )]
    Utf8(u64),
    /// Another encoding, known by its first bytes.
    #[error("the list is {0}; save it as UTF-8")]
    Encoding(&'static str),
    /// No row could be read.
    #[error("{0}")]
    NoValidRow(Refusal),
    /// A quote that is never closed.
    #[error("line {0}: a quote is opened and never closed")]
    Quote(u64),
    /// A field that is too long; the line is where its row begins.
    #[error("line {0}: a field is longer than 64 KiB")]
    Field(u64),
    /// A row whose data this deployment must not keep.
    #[error("line {line}: the row belongs to region {region}, which is not kept here", region = region.name())]
    Region {
        /// Where the row begins.
        line: u64,
        /// Where its data would have to stay.
        region: Region,
    },
    /// More rows than configured.
    #[error("the list has more than {0} rows")]
    Rows(u64),
    /// More bytes than configured.
    #[error("the list is longer than {0} bytes")]
    Bytes(u64),
    /// More cohorts than a campaign may have: each costs a draft, and a report names them all.
    #[error("the list has more than 1000 cohorts, or more than 512 KiB of cohort names")]
    Cohorts,
    /// More people, or more objections of theirs, than rows are configured.
    #[error("the list has more than {0} people, or more than as many objections")]
    People(u64),
    /// A row that can't be read, and in which too many people may object; the line is where it begins.
    #[error("line {0}: the row can't be read, somebody may object in it, and it has more than 1000 @ signs")]
    Addresses(u64),
    /// A row that is kept in part only: who objects in the rest would be lost.
    #[error(
        "line {0}: the row can't be read, and may have addresses behind its 257th field or its first MiB"
    )]
    Rest(u64),
}

impl ListFault {
    /// Always: the same list is refused again.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        true
    }
}

/// What came of a list without a valid row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Its rows.
    pub rows: u64,
    /// People who are on the suppression list for what it says.
    pub people: u64,
    /// The column that has a word that no table knows in every row.
    pub column: Option<&'static str>,
    /// What names the list where its objections are on record.
    pub list: Option<[u8; 16]>,
}

/// What the ids of refused lists begin with, and no campaign's.
pub(crate) const REFUSED: &str = "refused-";

impl Refusal {
    /// By what a refused list is listed and taken back.
    pub(crate) fn id(list: &ImportId) -> String {
        format!("{REFUSED}{}", Uuid::from_bytes(*list).simple())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rows, people, column, list } = self;
        write!(f, "the list has no valid row: {rows} can't be read; nobody is written to")?;
        if let Some(column) = column {
            write!(f, "; in every row the column {column} has a word that no table knows")?;
        }
        match list {
            None => f.write_str("; nobody's objection in it is on record"),
            Some(list) => {
                let id = Self::id(list);
                write!(f, "; people in it who now stand as having objected, for every later list: {people}")?;
                write!(f, " (`import undo {id}` takes that back)")
            }
        }
    }
}

#[cfg(test)]
#[path = "list/tests.rs"]
mod tests;
