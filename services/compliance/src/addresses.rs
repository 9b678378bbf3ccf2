//! What the rows of a list say of each address: rules 2 to 4 look at all of them.

use std::collections::HashMap;

use maily_law::{Consent, Known, Row};

use crate::secrets::AddressHash;

const SUPPRESSED: u8 = 1;
const WITHDRAWN: u8 = 2;
const SEEN: u8 = 4;

/// One entry of 17 bytes for each distinct address of a list, bounded by the list's rows.
#[derive(Default)]
pub(crate) struct Addresses(HashMap<AddressHash, u8>);

impl Addresses {
    /// Notes a valid row.
    pub(crate) fn note(&mut self, address: AddressHash, row: &Row<'_>) {
        let flags = self.0.entry(address).or_default();
        *flags |= if row.suppressed { SUPPRESSED } else { 0 };
        *flags |= if row.consent == Consent::Withdrawn { WITHDRAWN } else { 0 };
    }

    /// What is known of the next row's address; rows are judged in the order of their lines.
    pub(crate) fn judge(&mut self, address: AddressHash) -> Known {
        let flags = self.0.entry(address).or_default();
        let known = Known {
            seen_above: *flags & SEEN != 0,
            suppressed: *flags & SUPPRESSED != 0,
            withdrawn: *flags & WITHDRAWN != 0,
        };
        *flags |= SEEN;
        known
    }
}
