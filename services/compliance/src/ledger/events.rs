//! What a ledger says happened: links and their events, as protobuf messages.
//!
//! Nothing in them is personal: people are keyed hashes. Whoever commanded something is named, with their reason; and so is
//! a sender for whom something was lifted, by the address that they publish.

use prost::{Message, Oneof};

use crate::records::RegionSum;

/// One link of a region's ledger.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Link {
    /// From 1, without gaps.
    #[prost(uint64, tag = "1")]
    pub(crate) seq: u64,
    /// SHA-256 of the link before; zeros before the first.
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) previous: Vec<u8>,
    /// When it was written, RFC 3339.
    #[prost(string, tag = "3")]
    pub(crate) at: String,
    #[prost(oneof = "Event", tags = "4, 5, 6, 7, 8, 9, 10, 11")]
    pub(crate) event: Option<Event>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum Event {
    #[prost(message, tag = "4")]
    Imported(Imported),
    #[prost(message, tag = "5")]
    HandedOff(HandedOff),
    #[prost(message, tag = "6")]
    OptedOut(OptedOut),
    #[prost(message, tag = "7")]
    Objected(Objected),
    #[prost(message, tag = "8")]
    Erased(Erased),
    #[prost(message, tag = "9")]
    Lifted(Lifted),
    #[prost(message, tag = "10")]
    Undone(Undone),
    #[prost(message, tag = "11")]
    Removed(Removed),
}

/// Decisions were put on record: the blocks that the sum commits to.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Imported {
    #[prost(string, tag = "1")]
    pub(crate) campaign: String,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) import: Vec<u8>,
    #[prost(string, tag = "3")]
    pub(crate) as_of: String,
    #[prost(message, optional, tag = "4")]
    pub(crate) sum: Option<RegionSum>,
}

/// Messages of a page were handed off.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct HandedOff {
    #[prost(string, tag = "1")]
    pub(crate) campaign: String,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) import: Vec<u8>,
    #[prost(uint32, tag = "3")]
    pub(crate) cohort: u32,
    #[prost(uint32, tag = "4")]
    pub(crate) page: u32,
    #[prost(string, tag = "5")]
    pub(crate) segment: String,
    /// A bit for each entry of the page, lowest first: 1 is handed off, 0 suppressed.
    #[prost(bytes = "vec", tag = "6")]
    pub(crate) bits: Vec<u8>,
    #[prost(uint32, tag = "7")]
    pub(crate) handed_off: u32,
    #[prost(uint32, tag = "8")]
    pub(crate) suppressed: u32,
    /// Of those that are 0, whose implied consent had ended.
    #[prost(uint32, tag = "9")]
    pub(crate) expired: u32,
}

/// Who commanded something, and why.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Command {
    /// The name of the key that the call was made with.
    #[prost(string, tag = "1")]
    pub(crate) caller: String,
    #[prost(string, tag = "2")]
    pub(crate) reason: String,
}

/// Somebody opted out.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct OptedOut {
    /// Keyed hash of the person, of the suppression list.
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) address: Vec<u8>,
    #[prost(string, tag = "2")]
    pub(crate) article: String,
    /// Where an officer did it for them.
    #[prost(message, optional, tag = "3")]
    pub(crate) command: Option<Command>,
    /// The row that finds it, [`crate::schema::Reason`]; empty before 30 November 2026.
    #[prost(bytes = "vec", tag = "4")]
    pub(crate) row: Vec<u8>,
}

/// People objected in a list.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Objected {
    #[prost(string, tag = "1")]
    pub(crate) campaign: String,
    /// Empty where the list was refused, before 30 November 2026.
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) import: Vec<u8>,
    #[prost(message, repeated, tag = "3")]
    pub(crate) objections: Vec<ListObjection>,
}

/// One of them.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ListObjection {
    /// Keyed hash of the person, of the suppression list.
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) address: Vec<u8>,
    /// Where the row begins.
    #[prost(uint64, tag = "2")]
    pub(crate) line: u64,
    /// `maily_law::Objection::code`.
    #[prost(string, tag = "3")]
    pub(crate) kind: String,
    /// When it went on record, in milliseconds; none in links before 30 November 2026.
    #[prost(int64, optional, tag = "4")]
    pub(crate) at: Option<i64>,
}

/// A person was erased: their key of this region is no more.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Erased {
    /// Keyed hash of the person, of the suppression list.
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) address: Vec<u8>,
    #[prost(message, optional, tag = "2")]
    pub(crate) command: Option<Command>,
    /// Rows of theirs in this region, which nothing opens any more.
    #[prost(uint64, tag = "3")]
    pub(crate) rows: u64,
}

/// People agreed again, to one sender: what they objected to before does not bind it any more.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Lifted {
    /// Keyed hashes of the people, of the suppression list.
    #[prost(bytes = "vec", repeated, tag = "1")]
    pub(crate) addresses: Vec<Vec<u8>>,
    /// Keyed hash of the sender's address.
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) sender: Vec<u8>,
    #[prost(message, optional, tag = "3")]
    pub(crate) command: Option<Command>,
    /// The file that named them; empty where the command did.
    #[prost(string, tag = "4")]
    pub(crate) file: String,
    /// From when on, in milliseconds: behind the last objection of each.
    #[prost(int64, repeated, tag = "5")]
    pub(crate) moments: Vec<i64>,
    /// The sender's address, in the form in which addresses are compared; empty in links before 30 November 2026.
    #[prost(string, tag = "6")]
    pub(crate) sender_address: String,
}

/// An import was taken back: the objections of these links, which it alone brought, bind no later import.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Undone {
    #[prost(string, tag = "1")]
    pub(crate) campaign: String,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) import: Vec<u8>,
    #[prost(uint64, repeated, tag = "3")]
    pub(crate) links: Vec<u64>,
    #[prost(message, optional, tag = "4")]
    pub(crate) command: Option<Command>,
    /// From when on, in milliseconds; none in links before 30 November 2026.
    #[prost(int64, optional, tag = "5")]
    pub(crate) at: Option<i64>,
}

/// Rows of an import were removed, with the keys of people of whom nothing else is held.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Removed {
    #[prost(string, tag = "1")]
    pub(crate) campaign: String,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) import: Vec<u8>,
    /// What is left, and what the rest of the evidence amounts to.
    #[prost(message, optional, tag = "3")]
    pub(crate) left: Option<RegionSum>,
    /// Why: their age, or the import was taken back.
    #[prost(string, tag = "4")]
    pub(crate) why: String,
    /// Only rows that are not written to.
    #[prost(bool, tag = "5")]
    pub(crate) excluded_only: bool,
}
