//! Every row key of the two kinds of database, and the revision of their meaning.
//!
//! A key is one letter, then binary fields of fixed length but for the last. Names of rows stand unencrypted in a file's
//! footer (`maily_store::db`), so nothing in a key is personal: addresses are keyed hashes.
//!
//! | database | key | value |
//! |---|---|---|
//! | campaigns | `r` | [`REVISION`], `u32` |
//! | | `c ‖ campaign` | `Campaign`: a finished import, or a refused list whose objections are kept; writing it is the moment an import exists |
//! | | `n ‖ import` | an import under way, whose data nobody sees and the next start discards |
//! | | `p ‖ import` | the campaign of a finished import that is not yet in every region's ledger |
//! | | `v ‖ import ‖ line` | `Invalid`: a row that could not be read |
//! | | `d ‖ digest ‖ campaign` | the id of the list that was refused last with this digest for this campaign |
//! | | `looked` | when it was last looked at what is old by a clock that was believed, in milliseconds; behind it, while the clock is not, where it was at the last look, and for how long it has been steady; none before 30 November 2026 |
//! | region | `l ‖ number` | `Link` of the ledger |
//! | | `i ‖ import` | the link that recorded it |
//! | | `h ‖ import ‖ cohort ‖ page` | the link that handed it off |
//! | | `s ‖ address ‖ link` | [`Reason`]: an objection; its link tells the rest |
//! | | `f ‖ address ‖ link` | [`Lift`]: from then on earlier objections don't bind this sender |
//! | | `e ‖ address ‖ import ‖ line` | [`Position`]: where the evidence of the person's row is |
//! | | `x ‖ address ‖ link` | when the person was erased, in milliseconds |
//! | | `z ‖ address` | keys of an erased person that are on their way out |
//! | | `a ‖ former address` | the hash of the same person's comparison form |
//! | | `w ‖ import` | `Removed`: rows of an import that are on their way out |
//! | | `q ‖ import ‖ number` | `Objected`: objections of a list, not yet in the ledger |
//! | | `b ‖ import ‖ cohort ‖ page ‖ piece` | `Block`: evidence of rows |
//! | | `turned` | when the epoch last turned, in milliseconds |
//!
//! Revision 3 hashed local parts in lower case, not case-folded. Revision 2 did so, too, and had no `f`, `e`, `x`, `z` and `w`.
//! Revision 1 had `s ‖ address` → link, no `r`, `a` and `q` either, and hashed addresses as they were spelled.
//! [`crate::migrate`] brings all of them here.

mod values;

use crate::Error;
use crate::ImportId;
use crate::ledger::HandedOff;
use crate::secrets::AddressHash;

pub(crate) use values::{Channel, Lift, Position, REPEATED, Reason, clock, read_clock};

/// What this program writes. It opens the revisions before, and no later one.
pub(crate) const REVISION: u32 = 4;

/// Where the revision stands.
pub(crate) const REVISION_KEY: &[u8] = b"r";
/// When the epoch last turned.
pub(crate) const TURNED: &[u8] = b"turned";

/// When it was last looked at what is old.
pub(crate) const LOOKED: &[u8] = b"looked";

pub(crate) const LINKS: &[u8; 1] = b"l";
pub(crate) const IMPORTED: &[u8; 1] = b"i";
pub(crate) const HANDED_OFF: &[u8; 1] = b"h";
pub(crate) const BLOCKS: &[u8; 1] = b"b";
pub(crate) const SUPPRESSIONS: &[u8; 1] = b"s";
pub(crate) const LIFTS: &[u8; 1] = b"f";
pub(crate) const INDEX: &[u8; 1] = b"e";
pub(crate) const ERASURES: &[u8; 1] = b"x";
pub(crate) const UNERASED: &[u8; 1] = b"z";
pub(crate) const REMOVALS: &[u8; 1] = b"w";
pub(crate) const FORMER: &[u8; 1] = b"a";
pub(crate) const CAMPAIGNS: &[u8; 1] = b"c";
pub(crate) const UNDER_WAY: &[u8; 1] = b"n";
pub(crate) const UNRECORDED: &[u8; 1] = b"p";
pub(crate) const PENDING: &[u8; 1] = b"q";

pub(crate) fn campaign(id: &str) -> Vec<u8> {
    [CAMPAIGNS, id.as_bytes()].concat()
}

pub(crate) fn under_way(import: &[u8]) -> Vec<u8> {
    [UNDER_WAY, import].concat()
}

pub(crate) fn unrecorded(import: &[u8]) -> Vec<u8> {
    [UNRECORDED, import].concat()
}

/// What finds a refused list; a digest has 32 bytes.
pub(crate) fn refused(digest: &[u8], campaign: &str) -> Vec<u8> {
    [b"d", digest, campaign.as_bytes()].concat()
}

pub(crate) fn invalid_rows(import: &[u8]) -> Vec<u8> {
    [b"v", import].concat()
}

pub(crate) fn invalid(import: &[u8], line: u64) -> Vec<u8> {
    [b"v", import, &line.to_be_bytes()].concat()
}

pub(crate) fn link(number: u64) -> Vec<u8> {
    [LINKS, number.to_be_bytes().as_slice()].concat()
}

pub(crate) fn imported(import: &[u8]) -> Vec<u8> {
    [IMPORTED, import].concat()
}

/// Every hand-off of an import.
pub(crate) fn hand_offs(import: &ImportId) -> Vec<u8> {
    [HANDED_OFF, import.as_slice()].concat()
}

/// The key that finds a page's hand-off.
pub(crate) fn handed_off(page: &HandedOff) -> Vec<u8> {
    [HANDED_OFF, page.import.as_slice(), &page.cohort.to_be_bytes(), &page.page.to_be_bytes()].concat()
}

/// Every reason to leave an address alone.
pub(crate) fn suppressions(address: &AddressHash) -> Vec<u8> {
    [SUPPRESSIONS, address.as_slice()].concat()
}

pub(crate) fn suppression(address: &[u8], link: u64) -> Vec<u8> {
    [SUPPRESSIONS, address, &link.to_be_bytes()].concat()
}

/// The address and the link of the key of an objection, a lifting or an erasure; no link in revision 1.
pub(crate) fn read_linked(key: &[u8]) -> Result<(AddressHash, Option<u64>), Error> {
    let damaged = Error::Damaged("a row of a person");
    let (address, link) = key.get(1..).and_then(|key| key.split_first_chunk::<16>()).ok_or(damaged)?;
    match link.try_into().map(u64::from_be_bytes) {
        Ok(link) => Ok((*address, Some(link))),
        Err(_) if link.is_empty() => Ok((*address, None)),
        Err(_) => Err(Error::Damaged("a row of a person")),
    }
}

/// Everything that was lifted for a person.
pub(crate) fn lifts(address: &AddressHash) -> Vec<u8> {
    [LIFTS, address.as_slice()].concat()
}

pub(crate) fn lift(address: &[u8], link: u64) -> Vec<u8> {
    [LIFTS, address, &link.to_be_bytes()].concat()
}

/// Every row of a person.
pub(crate) fn index(address: &AddressHash) -> Vec<u8> {
    [INDEX, address.as_slice()].concat()
}

pub(crate) fn indexed(address: &[u8], import: &ImportId, line: u64) -> Vec<u8> {
    [INDEX, address, import, &line.to_be_bytes()].concat()
}

/// The address, the import and the line of a row of the index.
pub(crate) fn read_indexed(key: &[u8]) -> Result<(AddressHash, ImportId, u64), Error> {
    let read = || {
        let (address, rest) = key.get(1..)?.split_first_chunk::<16>()?;
        let (import, line) = rest.split_first_chunk::<16>()?;
        Some((*address, *import, u64::from_be_bytes(line.try_into().ok()?)))
    };
    read().ok_or(Error::Damaged("a row of the index"))
}

pub(crate) fn erasure(address: &[u8], link: u64) -> Vec<u8> {
    [ERASURES, address, &link.to_be_bytes()].concat()
}

pub(crate) fn unerased(address: &[u8]) -> Vec<u8> {
    [UNERASED, address].concat()
}

pub(crate) fn removal(import: &[u8]) -> Vec<u8> {
    [REMOVALS, import].concat()
}

pub(crate) fn former(address: &AddressHash) -> Vec<u8> {
    [FORMER, address.as_slice()].concat()
}

/// Objections of an import that are not yet in the ledger.
pub(crate) fn pending(import: &[u8]) -> Vec<u8> {
    [PENDING, import].concat()
}

pub(crate) fn pending_part(import: &[u8], number: u32) -> Vec<u8> {
    [PENDING, import, &number.to_be_bytes()].concat()
}

/// The evidence of an import.
pub(crate) fn blocks(import: &[u8]) -> Vec<u8> {
    [BLOCKS, import].concat()
}

/// The key of a page's pieces, up to the piece's number.
pub(crate) fn page(import: &ImportId, cohort: u32, page: u32) -> Vec<u8> {
    [BLOCKS, import.as_slice(), &cohort.to_be_bytes(), &page.to_be_bytes()].concat()
}

/// The cohort and the page of a piece's key.
pub(crate) fn read_page(key: &[u8]) -> Result<(u32, u32), Error> {
    let read = || {
        let (cohort, rest) = key.get(17..)?.split_first_chunk()?;
        Some((u32::from_be_bytes(*cohort), u32::from_be_bytes(*rest.first_chunk()?)))
    };
    read().ok_or(Error::Damaged("a block's key"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_kinds_of_row_share_a_letter() {
        let import = [7; 16];
        let page_off = HandedOff { import: import.to_vec(), ..HandedOff::default() };
        for keys in [
            vec![
                REVISION_KEY.to_vec(),
                campaign("x"),
                under_way(&import),
                unrecorded(&import),
                invalid(&import, 1),
                LOOKED.to_vec(),
                refused(&[1; 32], "x"),
            ],
            vec![
                link(1),
                imported(&import),
                handed_off(&page_off),
                suppression(&import, 1),
                former(&import),
                lift(&import, 1),
                indexed(&import, &import, 1),
                erasure(&import, 1),
                unerased(&import),
                removal(&import),
                pending_part(&import, 1),
                page(&import, 1, 1),
                TURNED.to_vec(),
            ],
        ] {
            let mut letters: Vec<u8> = keys.iter().map(|key| key[0]).collect();
            letters.sort_unstable();
            letters.dedup();
            assert_eq!(letters.len(), keys.len());
        }
    }

    #[test]
    fn keys_are_read_as_they_were_written() {
        assert_eq!(read_linked(&suppression(&[9; 16], 5)).unwrap(), ([9; 16], Some(5)));
        assert_eq!(read_linked(&suppressions(&[9; 16])).unwrap(), ([9; 16], None));
        assert!(read_linked(b"s1234").is_err() && read_linked(&[b's'; 20]).is_err());
        assert_eq!(read_page(&[page(&[7; 16], 5, 6).as_slice(), &[0; 4]].concat()).unwrap(), (5, 6));
        let key = indexed(&[9; 16], &[7; 16], 5);
        assert_eq!(read_indexed(&key).unwrap(), ([9; 16], [7; 16], 5));
        assert!(read_indexed(&key[..40]).is_err() && read_indexed(b"e").is_err());
    }
}
