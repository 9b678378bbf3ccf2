//! What is kept, as protobuf messages: old records stay readable when fields are added.
//!
//! Those that hold personal data exist only sealed, and show nothing in `Debug`.

use std::collections::BTreeMap;

use bytes::Bytes;
use maily_keys::KeyId;
use maily_law::{Jurisdictions, Moment, When, WhenError};
use prost::Message;

use crate::ledger::Command;
use crate::secrets::AddressHash;
use crate::suppression::Asker;
use crate::{Error, ImportId};

/// A row on its way from reading to judging; sealed under a key that dies with the import.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(crate) struct Staged {
    #[prost(uint64, tag = "1")]
    pub(crate) line: u64,
    /// Keyed hash of the person; empty for an invalid row.
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) address: Vec<u8>,
    /// The row's fields; for an invalid row, column and reason.
    #[prost(string, repeated, tag = "3")]
    pub(crate) fields: Vec<String>,
    /// What stood for the person before, by the address as the list spells it: what is kept of it has other forms.
    #[prost(bytes = "vec", repeated, tag = "4")]
    pub(crate) formers: Vec<Vec<u8>>,
}

/// A block of staged rows.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(crate) struct StagedBlock {
    #[prost(message, repeated, tag = "1")]
    pub(crate) rows: Vec<Staged>,
}

/// A person's row as it was read, the address as it is written to: sealed under the person's key.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(crate) struct Details {
    /// In the order of `maily_law::COLUMNS`, and of the optional ones since revision 2.
    #[prost(string, repeated, tag = "1")]
    pub(crate) fields: Vec<String>,
}

silent!(Staged, StagedBlock, Details);

/// The evidence of one row: who, what, when, from where (sealed), and what was decided on which provision.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Entry {
    #[prost(uint64, tag = "1")]
    pub(crate) line: u64,
    /// Keyed hash of the address, of this region: 32 bytes.
    #[prost(bytes = "bytes", tag = "2")]
    pub(crate) person: Bytes,
    /// Keyed hash of the address, of the suppression list: 16 bytes.
    #[prost(bytes = "bytes", tag = "3")]
    pub(crate) address: Bytes,
    /// Basis or exclusion code.
    #[prost(string, tag = "4")]
    pub(crate) outcome: String,
    #[prost(string, tag = "5")]
    pub(crate) article: String,
    /// `Details` under the person's key; empty where the person stood as having objected, for then nothing of what the row
    /// said is kept.
    #[prost(bytes = "bytes", tag = "6")]
    pub(crate) sealed: Bytes,
    /// What was in the place of `address` before, where that differs: a link of then may still be used.
    #[prost(bytes = "bytes", tag = "7")]
    pub(crate) former: Bytes,
    /// Likewise, of other revisions.
    #[prost(bytes = "bytes", tag = "8")]
    pub(crate) other_former: Bytes,
    #[prost(bytes = "bytes", tag = "12")]
    pub(crate) third_former: Bytes,
    /// Where the person is excluded for what the list says itself: the line of their first objection in it, and
    /// `maily_law::Objection::code`.
    #[prost(uint64, tag = "9")]
    pub(crate) objected_line: u64,
    #[prost(string, tag = "10")]
    pub(crate) objected_kind: String,
    /// Of who may be written to: `Jurisdictions::bits` of all rows of the person, where those are not this row's alone.
    #[prost(uint32, tag = "11")]
    pub(crate) countries: u32,
}

impl Entry {
    /// By what id the person has their key.
    pub(crate) fn person_id(&self) -> Result<KeyId, Error> {
        self.person.as_ref().try_into().map_err(|_| Error::Damaged("a person's name"))
    }

    /// The person in the suppression list, as of the row's revision.
    pub(crate) fn address_hash(&self) -> Result<AddressHash, Error> {
        self.address.as_ref().try_into().map_err(|_| Error::Damaged("an address hash"))
    }

    /// What may stand for the person in the suppression list besides, as of before.
    pub(crate) fn former_hashes(&self) -> Result<Vec<AddressHash>, Error> {
        let formers = [&self.former, &self.other_former, &self.third_former];
        let formers = formers.into_iter().filter(|former| !former.is_empty());
        let hash = |former: &Bytes| former.as_ref().try_into().map_err(|_| Error::Damaged("an address hash"));
        formers.map(hash).collect()
    }

    /// The laws of all countries that the list has the person in.
    pub(crate) fn jurisdictions(&self) -> Jurisdictions {
        Jurisdictions::from_bits(u8::try_from(self.countries).unwrap_or_default())
    }
}

/// A page or a piece of one; pieces written one after the other are one message.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Block {
    #[prost(message, repeated, tag = "1")]
    pub(crate) entries: Vec<Entry>,
}

/// The same message with its entries not yet decoded, for whoever wants one of a thousand.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct EncodedBlock {
    #[prost(bytes = "bytes", repeated, tag = "1")]
    pub(crate) entries: Vec<Bytes>,
}

/// A finished import, without anything personal.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Campaign {
    #[prost(string, tag = "1")]
    pub(crate) id: String,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) import: Vec<u8>,
    #[prost(string, tag = "3")]
    pub(crate) as_of: String,
    /// Keyed digest of the list's bytes.
    #[prost(bytes = "vec", tag = "4")]
    pub(crate) digest: Vec<u8>,
    #[prost(uint64, tag = "5")]
    pub(crate) rows: u64,
    #[prost(uint32, tag = "6")]
    pub(crate) page_size: u32,
    #[prost(btree_map = "string, uint64", tag = "7")]
    pub(crate) excluded: BTreeMap<String, u64>,
    /// In the order of their names.
    #[prost(message, repeated, tag = "8")]
    pub(crate) cohorts: Vec<Cohort>,
    #[prost(message, repeated, tag = "9")]
    pub(crate) regions: Vec<RegionSum>,
    /// `schema::REVISION` when it was imported; 0 is revision 1.
    #[prost(uint32, tag = "10")]
    pub(crate) revision: u32,
    /// When the import began, and when the send is planned, RFC 3339. Of revision 1, when the import was put on record
    /// ([`crate::migrate::date_imports`]), and nothing.
    #[prost(string, tag = "11")]
    pub(crate) imported_at: String,
    #[prost(string, tag = "12")]
    pub(crate) planned: String,
    /// The sender's country, ISO 3166-1.
    #[prost(string, tag = "13")]
    pub(crate) sender: String,
    /// What is counted apart: rows are among them that are counted elsewhere, too.
    #[prost(btree_map = "string, uint64", tag = "14")]
    pub(crate) notes: BTreeMap<String, u64>,
    /// Columns of the list that mean nothing here.
    #[prost(string, repeated, tag = "15")]
    pub(crate) ignored_columns: Vec<String>,
    /// Keyed hash of the sender's address: 16 bytes, or none before revision 3.
    #[prost(bytes = "vec", tag = "16")]
    pub(crate) sender_address: Vec<u8>,
    /// When the import was taken back, RFC 3339; empty where it stands.
    #[prost(string, tag = "17")]
    pub(crate) undone_at: String,
    /// Who took it back.
    #[prost(message, optional, tag = "18")]
    pub(crate) undone_by: Option<Command>,
    /// What of its rows is no more: `excluded`, `all`, or nothing.
    #[prost(string, tag = "19")]
    pub(crate) removed: String,
    /// Those rows are still on their way out.
    #[prost(bool, tag = "20")]
    pub(crate) removing: bool,
    /// Rows that could not be read are no more; their count is.
    #[prost(bool, tag = "21")]
    pub(crate) invalid_removed: bool,
    /// What it brought is taken back, too.
    #[prost(bool, tag = "22")]
    pub(crate) is_undone: bool,
    /// How many messages that were handed off could not leave any more when the rows went.
    #[prost(uint64, tag = "23")]
    pub(crate) left_out: u64,
    /// Of a list that was refused, of which nothing but objections was kept: the campaign that it was for. The record's
    /// `id` is then its own.
    #[prost(string, tag = "24")]
    pub(crate) refused: String,
    /// What the sender was known by in revision 3, where that differs from `sender_address`.
    #[prost(bytes = "vec", tag = "25")]
    pub(crate) former_sender: Vec<u8>,
}

impl Campaign {
    /// When the list was judged; revision 1 judged all of it at `as_of`, which could be any moment.
    pub(crate) fn when(&self) -> Result<When, Error> {
        let import = if self.imported_at.is_empty() { &self.as_of } else { &self.imported_at };
        let import = Moment::parse(import).map_err(|_| Error::Damaged("a campaign's moment"))?.instant();
        match When::new(import, &self.as_of) {
            Err(WhenError::TooFar) if self.revision < 2 => Ok(When::at(import)),
            when => when.map_err(|_| Error::Damaged("a campaign's moment")),
        }
    }

    /// What names its data in keys.
    pub(crate) fn import_id(&self) -> Result<ImportId, Error> {
        self.import.as_slice().try_into().map_err(|_| Error::Damaged("a campaign"))
    }

    /// Who asks for the campaign whether somebody objects.
    pub(crate) fn asker(&self) -> Result<Asker, Error> {
        let sender = self.sender_address.as_slice().try_into().ok();
        let former_sender = self.former_sender.as_slice().try_into().ok();
        Ok(Asker { sender, former_sender, imported: self.when()?.import().as_millisecond() })
    }
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Cohort {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    /// Names the cohort in keys.
    #[prost(uint32, tag = "2")]
    pub(crate) number: u32,
    /// In the order of `Region::ALL`.
    #[prost(message, repeated, tag = "3")]
    pub(crate) regions: Vec<CohortRegion>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct CohortRegion {
    #[prost(string, tag = "1")]
    pub(crate) region: String,
    #[prost(uint64, tag = "2")]
    pub(crate) recipients: u64,
    #[prost(uint32, tag = "3")]
    pub(crate) pages: u32,
}

/// What an import put into one region.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct RegionSum {
    #[prost(string, tag = "1")]
    pub(crate) region: String,
    #[prost(uint64, tag = "2")]
    pub(crate) rows: u64,
    /// SHA-256 over the keys and the SHA-256s of its blocks, in the order of the keys.
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) digest: Vec<u8>,
}

/// A row that could not be read.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Invalid {
    #[prost(string, tag = "1")]
    pub(crate) field: String,
    #[prost(string, tag = "2")]
    pub(crate) reason: String,
}
