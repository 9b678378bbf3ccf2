//! What the privacy officer's API takes and answers, as JSON: `POST /v1/subjects/…`, `/v1/ledger/verify`, `/v1/imports/…`.
//!
//! An address is in a body, never in a URL: those are logged. What holds personal data shows nothing in `Debug`. Requests are
//! read strictly; answers may get further fields, which a command of before leaves out. Moments are RFC 3339, in UTC.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The most addresses that one [`LiftRequest`] may name.
pub const MAX_LIFTED: usize = 10_000;

/// `find` and `export`: whose data it is.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FindRequest {
    /// The address, in any spelling.
    pub address: String,
}

/// `erase` and `suppress`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReasonedRequest {
    /// The address, in any spelling.
    pub address: String,
    /// Why, for the record.
    pub reason: String,
}

/// `lift`: these people may be written to again, by this sender.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LiftRequest {
    /// The addresses, [`MAX_LIFTED`] at most.
    pub addresses: Vec<String>,
    /// The address that writes to them.
    pub sender: String,
    /// Why, for the record.
    pub reason: String,
    /// The name of the file that they were read from, for the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

/// `ledger/verify`: nothing is asked but that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerifyRequest {}

/// `imports/list`: every list that was imported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportsRequest {}

/// `imports/undo`: the objections that this campaign's list brought hold no longer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UndoRequest {
    /// The campaign's id.
    pub campaign: String,
    /// Why, for the record.
    pub reason: String,
}

/// Everything that is kept about a person: the answer of `find` and `export`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The form in which addresses are compared: one for every spelling.
    pub address: String,
    /// Whether an objection is in force.
    pub suppressed: bool,
    /// Every objection, in force or not.
    pub objections: Vec<SubjectObjection>,
    /// Every objection that was lifted.
    pub lifts: Vec<SubjectLift>,
    /// Every row of a list that was about the person.
    pub rows: Vec<SubjectRow>,
    /// What privacy officers did.
    pub acts: Vec<SubjectAct>,
}

/// How an objection came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ObjectionChannel {
    /// By an unsubscribe link.
    Link,
    /// In a list.
    List,
    /// From another process of the tenant.
    Hint,
    /// By a privacy officer.
    Officer,
    /// With the person's erasure.
    Erasure,
}

/// One objection.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubjectObjection {
    /// When.
    pub at: String,
    /// How it came.
    pub channel: ObjectionChannel,
    /// Whose ledger has it.
    pub region: String,
    /// The ledger's link.
    pub link: u64,
    /// The campaign whose list or message it came by.
    pub campaign: Option<String>,
    /// The line of that campaign's list.
    pub line: Option<u64>,
    /// What the list said: `suppressed`, `withdrawn`, …
    pub kind: Option<String>,
    /// The provision.
    pub article: Option<String>,
    /// The name of the officer's key.
    pub caller: Option<String>,
    /// What the officer gave as the reason.
    pub reason: Option<String>,
    /// Whether its import was undone: then it holds no longer.
    pub undone: bool,
}

/// An objection that was lifted.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubjectLift {
    /// When.
    pub at: String,
    /// Who may write again: the address, or its keyed hash in hexadecimal digits where no more is known (before 30 November
    /// 2026).
    pub sender: Option<String>,
    /// Whose ledger has it.
    pub region: String,
    /// The ledger's link.
    pub link: u64,
    /// The name of the officer's key.
    pub caller: String,
    /// What the officer gave as the reason.
    pub reason: String,
    /// The file that the address was read from.
    pub file: Option<String>,
}

/// A row of a list.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubjectRow {
    /// Where it is kept.
    pub region: String,
    /// The campaign.
    pub campaign: String,
    /// When the import of the list began.
    pub imported_at: String,
    /// When the send was planned.
    pub planned: String,
    /// Whether the import was taken back.
    pub undone: bool,
    /// The row's line in the list.
    pub line: u64,
    /// What was decided: a lawful basis, or why the person was excluded.
    pub outcome: String,
    /// On which provision.
    pub article: String,
    /// The line of the list by which the person objected first in it, where that is why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objected_line: Option<u64>,
    /// How that line was read: `withdrawn`, `suppressed`, `unknown_word` or `assumed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objected_kind: Option<String>,
    /// What the row said, by column; nothing once it is erased, and where it was not kept.
    pub fields: Option<BTreeMap<String, String>>,
    /// What the row said was not kept, for the person stood as having objected.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub not_kept: bool,
    /// What became of the message.
    pub message: SubjectMessage,
}

/// How far a message got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageState {
    /// There is none: the row was excluded.
    Excluded,
    /// Not handed off: not yet, or never where its cohort was blocked or its campaign is over.
    Waiting,
    /// Handed off to whoever sends.
    HandedOff,
    /// Left out at the hand-off: the person had objected or was erased, or their consent had ended, since the import.
    LeftOut,
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubjectMessage {
    /// How far it got.
    pub state: MessageState,
    /// When.
    pub at: Option<String>,
    /// The object in storage that it is in.
    pub segment: Option<String>,
}

/// What a privacy officer did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubjectAct {
    /// When.
    pub at: String,
    /// Whose ledger has it.
    pub region: String,
    /// The ledger's link.
    pub link: u64,
    /// What: `erased`, …
    pub act: String,
    /// The name of the officer's key.
    pub caller: String,
    /// What the officer gave as the reason.
    pub reason: String,
}

/// The answer of `erase`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EraseReply {
    /// The regions where the person's key was destroyed.
    pub erased: Vec<String>,
    /// Rows that can't be read any more.
    pub rows: u64,
    /// Whether the person is on the suppression list: that remains, or the next list would bring them back.
    pub suppressed: bool,
    /// When no copy or backup opens any more either: the epoch has turned by then.
    pub unreadable_by: String,
}

/// The answer of `suppress`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuppressReply {
    /// Whether the person had not objected before; each objection is on record.
    pub new: bool,
}

/// The answer of `lift`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiftReply {
    /// Addresses whose objection was lifted.
    pub lifted: u64,
    /// Addresses on which there was none.
    pub not_suppressed: u64,
    /// Whether no list is known to have been imported for the sender: its address may be mistyped.
    #[serde(default)]
    pub unknown_sender: bool,
}

/// The answer of `ledger/verify`: every chain is whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyReply {
    /// SHA-256 of each ledger's newest link, in hexadecimal digits: whoever keeps it sees later that none was cut off.
    #[serde(default)]
    pub heads: BTreeMap<String, String>,
    /// Links by region.
    pub links: BTreeMap<String, u64>,
}

/// The answer of `imports/list`: what was imported, the latest last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportsReply {
    /// One for each campaign.
    pub imports: Vec<Import>,
}

/// A list that was imported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// The campaign's id.
    pub campaign: String,
    /// When the import began.
    pub imported_at: String,
    /// The country of the campaign's sender, ISO 3166-1 alpha-2; nothing where it was imported by revision 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender_country: Option<String>,
    /// When the send is planned; nothing likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned: Option<String>,
    /// Rows of the list.
    pub rows: u64,
    /// Those that are not written to.
    pub excluded: u64,
    /// When it was taken back.
    pub undone_at: Option<String>,
    /// The name of the officer's key who did.
    pub undone_by: Option<String>,
    /// What the officer gave as the reason.
    pub undone_for: Option<String>,
    /// Where the list was refused and only what people objected to in it was kept: the campaign that it was for.
    /// [`Self::campaign`] is then an id of the list's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// The answer of `imports/undo`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoReply {
    /// Rows of the list.
    pub rows: u64,
    /// Objections of the list that were lifted.
    pub lifted: u64,
}

/// `epochs/turn`: what was erased until now is to be unreadable in every copy at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TurnRequest {}

/// The epochs have turned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnReply {
    /// How many people's keys were wrapped anew, by region.
    pub turned: BTreeMap<String, u64>,
}

silent!(FindRequest, ReasonedRequest, LiftRequest, Subject, SubjectObjection, SubjectLift, SubjectRow);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read_strictly_and_nobody_is_in_a_debug_text() {
        let read = serde_json::from_str::<FindRequest>;
        assert_eq!(format!("{:?}", read(r#"{"address":"ann@a.example"}"#).unwrap()), "FindRequest(..)");
        assert!(read(r#"{"address":"ann@a.example","all":true}"#).is_err());
        let lift = r#"{"addresses":["a@a.example"],"sender":"news@b.example","reason":"asked"}"#;
        let read: LiftRequest = serde_json::from_str(lift).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), lift, "no file, no field");
    }

    #[test]
    fn names_are_those_of_the_contract() {
        let name = |value: serde_json::Value| value.as_str().unwrap().to_owned();
        let channels = [
            ObjectionChannel::Link,
            ObjectionChannel::List,
            ObjectionChannel::Hint,
            ObjectionChannel::Officer,
            ObjectionChannel::Erasure,
        ];
        let channels = channels.map(|channel| name(serde_json::to_value(channel).unwrap()));
        assert_eq!(channels, ["link", "list", "hint", "officer", "erasure"]);
        let states =
            [MessageState::Excluded, MessageState::Waiting, MessageState::HandedOff, MessageState::LeftOut];
        let states = states.map(|state| name(serde_json::to_value(state).unwrap()));
        assert_eq!(states, ["excluded", "waiting", "handed_off", "left_out"]);
    }
}
