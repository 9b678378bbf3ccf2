//! What the rows of a list say of each person: rules 2 to 4 look at all of them.

use std::collections::HashMap;

use maily_law::{Known, Objection};

use crate::secrets::AddressHash;

const SUPPRESSED: u8 = 1;
const WITHDRAWN: u8 = 2;
const SEEN: u8 = 4;

/// One entry of 17 bytes for each distinct person of a list, bounded by the list's rows.
#[derive(Default)]
pub(crate) struct Addresses(HashMap<AddressHash, u8>);

impl Addresses {
    /// Notes how a person objects, in whichever row.
    pub(crate) fn note(&mut self, address: AddressHash, objection: Objection) {
        let flags = self.0.entry(address).or_default();
        *flags |= if objection == Objection::Withdrawn { WITHDRAWN } else { SUPPRESSED };
    }

    /// What is known of the next valid row's person; rows are judged in the order of their lines.
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
