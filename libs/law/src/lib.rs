//! Who may lawfully be written to, as pure rules without I/O.
//!
//! A row of a subscriber list is first *read* ([`Row::parse`]: syntax, field by field), then *judged*
//! ([`decide`]: the first matching rule of the table in [`rules`] decides). What the rules need to know
//! beyond the row, that is, what other rows and the suppression list say of the address, comes in as
//! [`Known`]. Nothing here keeps state, reads a clock or prints a value.

mod address;
mod clock;
mod country;
mod invisible;
pub mod language;
mod moment;
mod objection;
mod row;
pub mod rules;

pub use address::{AddressError, EmailAddress};
pub use clock::KnownClock;
pub use country::{Country, Jurisdiction, Jurisdictions, Region};
pub use invisible::{has_tags, is_invisible, reorders};
pub use moment::{Moment, MomentError, When, WhenError};
pub use objection::{FlagPlace, Objection, holds_rows, may_object, objections, unknown_words};
pub use row::{COLUMNS, Consent, Fault, ImpliedBy, OPTIONAL_COLUMNS, Row, column, kept_columns, spans_lines};
pub use rules::{Basis, Decision, Exclusion, Known, Outcome, decide, is_advertisement};
