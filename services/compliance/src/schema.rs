//! Every row key of the two kinds of database, and the revision of their meaning.
//!
//! A key is one letter, then binary fields of fixed length but for the last. Names of rows stand unencrypted in a file's
//! footer (`maily_keys::db`), so nothing in a key is personal: addresses are keyed hashes.
//!
//! | database | key | value |
//! |---|---|---|
//! | campaigns | `r` | [`REVISION`], `u32` |
//! | | `c ‖ campaign` | `Campaign`: a finished import; writing it is the moment an import exists |
//! | | `n ‖ import` | an import under way, whose data nobody sees and the next start discards |
//! | | `p ‖ import` | the campaign of a finished import that is not yet in every region's ledger |
//! | | `v ‖ import ‖ line` | `Invalid`: a row that could not be read |
//! | region | `l ‖ number` | `Link` of the ledger |
//! | | `i ‖ import` | the link that recorded it |
//! | | `h ‖ import ‖ cohort ‖ page` | the link that handed it off |
//! | | `s ‖ address ‖ link` | [`Reason`]: an objection in force; its link tells the rest |
//! | | `a ‖ former address` | the hash of the same person's comparison form |
//! | | `q ‖ import ‖ number` | `Objected`: objections of a list, not yet in the ledger |
//! | | `b ‖ import ‖ cohort ‖ page ‖ piece` | `Block`: evidence of rows |
//! | | `turned` | when the epoch last turned, in milliseconds |
//!
//! Revision 1 had `s ‖ address` → link, no `r`, `a` and `q`, and hashed addresses as they were spelled;
//! [`crate::migrate`] brings it here.

use crate::Error;
use crate::layout::ImportId;
use crate::records::HandedOff;
use crate::secrets::AddressHash;

/// What this program writes. It opens the revision before, and no later one.
pub(crate) const REVISION: u32 = 2;

/// Where the revision stands.
pub(crate) const REVISION_KEY: &[u8] = b"r";
/// When the epoch last turned.
pub(crate) const TURNED: &[u8] = b"turned";

pub(crate) const LINKS: &[u8; 1] = b"l";
pub(crate) const BLOCKS: &[u8; 1] = b"b";
pub(crate) const SUPPRESSIONS: &[u8; 1] = b"s";
pub(crate) const FORMER: &[u8; 1] = b"a";
pub(crate) const CAMPAIGNS: &[u8; 1] = b"c";
pub(crate) const UNDER_WAY: &[u8; 1] = b"n";
pub(crate) const UNRECORDED: &[u8; 1] = b"p";

pub(crate) fn campaign(id: &str) -> Vec<u8> {
    [CAMPAIGNS, id.as_bytes()].concat()
}

pub(crate) fn under_way(import: &[u8]) -> Vec<u8> {
    [UNDER_WAY, import].concat()
}

pub(crate) fn unrecorded(import: &[u8]) -> Vec<u8> {
    [UNRECORDED, import].concat()
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
    [b"i", import].concat()
}

/// The key that finds a page's hand-off.
pub(crate) fn handed_off(page: &HandedOff) -> Vec<u8> {
    [b"h", page.import.as_slice(), &page.cohort.to_be_bytes(), &page.page.to_be_bytes()].concat()
}

/// Every reason to leave an address alone.
pub(crate) fn suppressions(address: &AddressHash) -> Vec<u8> {
    [SUPPRESSIONS, address.as_slice()].concat()
}

pub(crate) fn suppression(address: &[u8], link: u64) -> Vec<u8> {
    [SUPPRESSIONS, address, &link.to_be_bytes()].concat()
}

/// The address and the link of a suppression's key; no link in revision 1.
pub(crate) fn read_suppression(key: &[u8]) -> Result<(AddressHash, Option<u64>), Error> {
    let damaged = Error::Damaged("a suppression");
    let (address, link) = key.get(1..).and_then(|key| key.split_first_chunk::<16>()).ok_or(damaged)?;
    match link.try_into().map(u64::from_be_bytes) {
        Ok(link) => Ok((*address, Some(link))),
        Err(_) if link.is_empty() => Ok((*address, None)),
        Err(_) => Err(Error::Damaged("a suppression")),
    }
}

pub(crate) fn former(address: &AddressHash) -> Vec<u8> {
    [FORMER, address.as_slice()].concat()
}

/// Objections of an import that are not yet in the ledger.
pub(crate) fn pending(import: &[u8]) -> Vec<u8> {
    [b"q", import].concat()
}

pub(crate) fn pending_part(import: &[u8], number: u32) -> Vec<u8> {
    [b"q", import, &number.to_be_bytes()].concat()
}

/// The evidence of an import.
pub(crate) fn blocks(import: &[u8]) -> Vec<u8> {
    [BLOCKS, import].concat()
}

/// The key of a page's pieces, up to the piece's number.
pub(crate) fn page(import: &ImportId, cohort: u32, page: u32) -> Vec<u8> {
    [BLOCKS, import.as_slice(), &cohort.to_be_bytes(), &page.to_be_bytes()].concat()
}

/// How an objection came; the row's first byte, its moment in milliseconds behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Channel {
    /// An unsubscribe link.
    Link,
    /// A list.
    List,
    /// Another process of the tenant, by Redis.
    Hint,
}

/// What is kept of a reason beside its link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reason {
    pub(crate) channel: Channel,
    /// Milliseconds since 1970.
    pub(crate) at: i64,
}

impl Reason {
    pub(crate) fn encode(self) -> Vec<u8> {
        let channel = match self.channel {
            Channel::Link => 1,
            Channel::List => 2,
            Channel::Hint => 3,
        };
        [&[channel], self.at.to_be_bytes().as_slice()].concat()
    }

    pub(crate) fn decode(value: &[u8]) -> Result<Self, Error> {
        let damaged = || Error::Damaged("a suppression");
        let (channel, at) = value.split_first().ok_or_else(damaged)?;
        let channel = match channel {
            1 => Channel::Link,
            2 => Channel::List,
            3 => Channel::Hint,
            _ => return Err(damaged()),
        };
        Ok(Self { channel, at: i64::from_be_bytes(at.try_into().map_err(|_| damaged())?) })
    }
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
            ],
            vec![
                link(1),
                imported(&import),
                handed_off(&page_off),
                suppression(&import, 1),
                former(&import),
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
    fn a_suppression_is_read_as_it_was_written() {
        assert_eq!(read_suppression(&suppression(&[9; 16], 5)).unwrap(), ([9; 16], Some(5)));
        assert_eq!(read_suppression(&suppressions(&[9; 16])).unwrap(), ([9; 16], None));
        assert!(read_suppression(b"s1234").is_err() && read_suppression(&[b's'; 20]).is_err());
        for channel in [Channel::Link, Channel::List, Channel::Hint] {
            let reason = Reason { channel, at: -5 };
            assert_eq!(Reason::decode(&reason.encode()).unwrap(), reason);
        }
        assert!(
            Reason::decode(&[]).is_err()
                && Reason::decode(&[9; 9]).is_err()
                && Reason::decode(&[1; 8]).is_err()
        );
    }
}
