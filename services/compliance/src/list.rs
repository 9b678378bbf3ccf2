//! Reading a subscriber list as it arrives: bytes to records, without keeping more than one record.
//!
//! A fault of the *file* ends the reading with one sentence ([`ListFault`]); a fault of a *row* is that row's.

mod split;
mod utf8;

use maily_law::{COLUMNS, Region};

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
    /// The first record is not the header.
    #[error("line {0}: the header must be {columns}", columns = COLUMNS.join(","))]
    Header(u64),
    /// Bytes that are not UTF-8.
    #[error("line {0}: not UTF-8")]
    Utf8(u64),
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
}

impl ListFault {
    /// Always: the same list is refused again.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        true
    }
}

/// Whether a record is the header; a byte order mark before it is let pass.
pub(crate) fn is_header(record: &Record<'_>) -> bool {
    let Some((first, rest)) = record.fields.split_first() else { return false };
    first.strip_prefix('\u{feff}').unwrap_or(first) == COLUMNS[0]
        && *rest == COLUMNS[1..]
        && !record.malformed
}

#[cfg(test)]
#[path = "list/tests.rs"]
mod tests;
