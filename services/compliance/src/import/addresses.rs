//! What the rows of a list say of each person: rules 2 to 9 look at all of them.

use std::collections::HashMap;

use maily_law::{Jurisdictions, Known, Objection, Row};

use crate::secrets::AddressHash;

const SUPPRESSED: u8 = 1;
const WITHDRAWN: u8 = 2;
const SEEN: u8 = 4;

/// One entry of 28 bytes for each distinct person of a list, which are no more than it may have rows.
#[derive(Default)]
pub(crate) struct Addresses(HashMap<AddressHash, Person>);

#[derive(Default)]
struct Person {
    /// Of the first row that objects; a list of its longest has fewer lines than fit.
    line: u32,
    born: Option<i16>,
    said: Option<Objection>,
    countries: Jurisdictions,
    flags: u8,
}

/// What a list itself says of a person.
pub(crate) struct Said {
    pub(crate) known: Known,
    /// The line of their first objection in it, and how it was read.
    pub(crate) objected: Option<(u64, Objection)>,
}

impl Addresses {
    /// How many people there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Notes how a person objects, in whichever row; rows are read in the order of their lines.
    pub(crate) fn note(&mut self, address: AddressHash, line: u64, objection: Objection) {
        let person = self.0.entry(address).or_default();
        person.flags |= if objection == Objection::Withdrawn { WITHDRAWN } else { SUPPRESSED };
        if person.said.is_none() {
            person.said = Some(objection);
            person.line = line.try_into().unwrap_or(u32::MAX);
        }
    }

    /// Notes what a valid row says of its person.
    pub(crate) fn note_valid(&mut self, address: AddressHash, row: &Row<'_>) {
        let person = self.0.entry(address).or_default();
        person.born = person.born.max(row.birth_year);
        person.countries.insert(row.country.jurisdiction());
    }

    /// What is known of the next valid row's person; rows are judged in the order of their lines.
    pub(crate) fn judge(&mut self, address: AddressHash) -> Said {
        let person = self.0.entry(address).or_default();
        let known = Known {
            seen_above: person.flags & SEEN != 0,
            suppressed: person.flags & SUPPRESSED != 0,
            withdrawn: person.flags & WITHDRAWN != 0,
            born: person.born,
            countries: person.countries,
        };
        person.flags |= SEEN;
        Said { known, objected: person.said.map(|said| (u64::from(person.line), said)) }
    }
}
