//! What the officer listener is sent and answers, as JSON: the contract of [`crate::officer`] and of the command.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Names a person.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Find {
    /// The address, however it is spelled.
    pub address: String,
}

/// Commands something about a person.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Act {
    /// The address, however it is spelled.
    pub address: String,
    /// Why, for the record; nothing personal belongs here.
    pub reason: String,
}

/// Lifts what people objected to, for one sender.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Lift {
    /// At most 10,000.
    pub addresses: Vec<String>,
    /// The sender's address, to whom the people agreed again.
    pub sender: String,
    /// Why, for the record.
    pub reason: String,
    /// The name of the file that named the people, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

/// Takes an import back.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Undo {
    /// The campaign whose list it was.
    pub campaign: String,
    /// Why, for the record.
    pub reason: String,
}

/// Checks the ledgers: `{}`.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Verify {}

/// What is held about a person.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Subject {
    /// The address in its comparison form.
    pub address: String,
    /// Whether an objection stands, for whomever may have had it lifted.
    pub suppressed: bool,
    /// Every objection on record, the oldest first.
    pub objections: Vec<Objection>,
    /// What was lifted.
    pub lifts: Vec<Lifting>,
    /// Every row of a list, with what was decided.
    pub rows: Vec<Row>,
    /// What was done to the person's data.
    pub acts: Vec<Done>,
}

/// An objection on record.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Objection {
    /// When, RFC 3339.
    pub at: String,
    /// `link`, `list`, `hint` (another process of the tenant), `officer` or `erasure`.
    pub channel: String,
    /// Whose ledger has it.
    pub region: String,
    /// The number of the ledger's link.
    pub link: u64,
    /// The campaign whose list it stood in.
    pub campaign: Option<String>,
    /// The line of that list.
    pub line: Option<u64>,
    /// What the row said.
    pub kind: Option<String>,
    /// The provisions.
    pub article: Option<String>,
    /// Who commanded it.
    pub caller: Option<String>,
    /// Why they did.
    pub reason: Option<String>,
    /// Whether the import that brought it was taken back.
    pub undone: bool,
}

/// What objected before does not bind one sender any more.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Lifting {
    /// When, RFC 3339.
    pub at: String,
    /// The sender's keyed hash, in hexadecimal digits.
    pub sender: String,
    /// Whose ledger has it.
    pub region: String,
    /// The number of the ledger's link.
    pub link: u64,
    /// Who commanded it.
    pub caller: String,
    /// Why they did.
    pub reason: String,
    /// The file that named the person.
    pub file: Option<String>,
}

/// A row of a list and what became of it.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The residency region that keeps it.
    pub region: String,
    /// The campaign whose list it stood in.
    pub campaign: String,
    /// When that list was imported, RFC 3339.
    pub imported_at: String,
    /// The planned send, RFC 3339.
    pub planned: String,
    /// Whether the import was taken back.
    pub undone: bool,
    /// The row's line.
    pub line: u64,
    /// The basis on which the person may be written to, or the exclusion's code.
    pub outcome: String,
    /// The provisions of that.
    pub article: String,
    /// The row as it was read, by column; none where the person was erased.
    pub fields: Option<BTreeMap<String, String>>,
    /// What became of the message.
    pub message: Message,
}

/// What became of a message.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Message {
    /// `excluded`, `waiting` (not handed off yet), `handed_off`, or `left_out` (objected, was erased or their consent
    /// ended between the import and the hand-off).
    pub state: String,
    /// When it was handed off or left out, RFC 3339.
    pub at: Option<String>,
    /// The storage object that holds it, sealed.
    pub segment: Option<String>,
}

/// Something done to a person's data.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Done {
    /// When, RFC 3339.
    pub at: String,
    /// Whose ledger has it.
    pub region: String,
    /// The number of the ledger's link.
    pub link: u64,
    /// `erased`.
    pub act: String,
    /// Who commanded it.
    pub caller: String,
    /// Why they did.
    pub reason: String,
}

/// The receipt of an erasure.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Erased {
    /// Regions that held something of the person.
    pub erased: Vec<String>,
    /// Rows that nothing opens any more.
    pub rows: u64,
    /// Always: whoever was erased is not written to again.
    pub suppressed: bool,
    /// When the epoch has turned at the latest, RFC 3339: from then on no copy and no backup of before opens either.
    pub unreadable_by: String,
}

/// The receipt of a suppression.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Suppressed {
    /// Whether the person had not opted out before.
    pub new: bool,
}

/// The receipt of a lifting.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Lifted {
    /// People whose objections bind the sender no more.
    pub lifted: u64,
    /// People with no objection that bound it.
    pub not_suppressed: u64,
}

/// The ledgers are in order.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Links of each region's ledger.
    pub links: BTreeMap<String, u64>,
}

/// The receipt of an import that was taken back.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Undone {
    /// Rows of it that were removed; none where messages of it had been handed off, for they are its evidence.
    pub rows: u64,
    /// People of whose objections it alone had told.
    pub lifted: u64,
}
