//! Everything that is held about a person, put together from the ledgers, the index and the evidence.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::try_join_all;
use futures::try_join;
use jiff::Timestamp;
use maily_keys::DataKey;
use maily_law::{EmailAddress, Region, kept_columns};

use crate::import::layout::EXCLUDED;
use crate::ledger::{Event, HandedOff, Link};
use crate::officer_types::{
    MessageState, ObjectionChannel, Subject, SubjectAct, SubjectLift, SubjectMessage, SubjectObjection,
    SubjectRow,
};
use crate::pages::{bit, details};
use crate::records::{Campaign, Entry};
use crate::region::{PageReader, RegionState};
use crate::schema::{self, Channel, Lift, Position, Reason};
use crate::secrets::AddressHash;
use crate::state::Inner;
use crate::{Error, ImportId};

/// A row of a person, found.
pub(super) struct Found {
    pub(super) campaign: Arc<Campaign>,
    pub(super) import: ImportId,
    pub(super) position: Position,
    pub(super) entry: Entry,
    pub(super) key: Option<DataKey>,
}

impl Inner {
    pub(super) async fn find(&self, address: &EmailAddress) -> Result<Subject, Error> {
        let names = self.every_name(address).await?;
        let mut subject = Subject {
            address: address.comparison().to_owned(),
            suppressed: names.iter().any(|name| self.suppression.read().stands(name).is_some()),
            objections: Vec::new(),
            lifts: Vec::new(),
            rows: Vec::new(),
            acts: Vec::new(),
        };
        // All at once: most of the time is spent waiting for blocks to be read.
        let asked = self.regions.iter().flat_map(|asked| names.iter().map(move |name| (asked, name)));
        let finding = asked.map(async |((region, state), name)| {
            let rows = async {
                let mut rows = Vec::new();
                for found in self.rows_of(state, name).await? {
                    rows.push(state.row(*region, &found).await?);
                }
                Ok(rows)
            };
            try_join!(
                state.find_objections(*region, name),
                state.find_lifts(*region, name),
                state.find_acts(*region, name),
                rows
            )
        });
        for (objections, lifts, acts, rows) in try_join_all(finding).await? {
            subject.objections.extend(objections);
            subject.lifts.extend(lifts);
            subject.acts.extend(acts);
            subject.rows.extend(rows);
        }
        subject.objections.sort_by(|a, b| (&a.at, &a.region, a.link).cmp(&(&b.at, &b.region, b.link)));
        subject.rows.sort_by(|a, b| {
            (&a.imported_at, &a.campaign, a.line).cmp(&(&b.imported_at, &b.campaign, b.line))
        });
        Ok(subject)
    }

    /// The rows of a person in a region, of imports that exist.
    pub(super) async fn rows_of(&self, state: &RegionState, name: &AddressHash) -> Result<Vec<Found>, Error> {
        let mut found = Vec::new();
        let mut pages = PageReader::new(state);
        let mut rows = state.db.scan_prefix(schema::index(name), ..).await?;
        while let Some(row) = rows.next().await? {
            let (_, import, line) = schema::read_indexed(&row.key)?;
            let position = Position::decode(&row.value)?;
            let Some(campaign) = self.campaign_of(state, &import).await? else { continue };
            let entry = pages.entry(&import, position).await?;
            let Some(entry) = entry.filter(|entry| entry.line == line) else {
                // On its way out: its index goes last.
                if campaign.removed.is_empty() {
                    return Err(Error::Damaged("a row of the index"));
                }
                continue;
            };
            let key = state.keys.get(&[entry.person_id()?]).await?.pop().flatten();
            found.push(Found { campaign, import, position, entry, key });
        }
        Ok(found)
    }

    /// The campaign of an import that is in the ledger.
    async fn campaign_of(
        &self,
        state: &RegionState,
        import: &ImportId,
    ) -> Result<Option<Arc<Campaign>>, Error> {
        let Some(link) = state.link_at(&schema::imported(import)).await? else { return Ok(None) };
        match link.event {
            Some(Event::Imported(imported)) => self.campaigns.find(&imported.campaign).await,
            _ => Err(Error::Damaged("an import's key")),
        }
    }
}

impl RegionState {
    /// The link whose number a row holds.
    pub(crate) async fn link_at(&self, key: &[u8]) -> Result<Option<Link>, Error> {
        let Some(seq) = self.db.get(key).await? else { return Ok(None) };
        let seq = seq.as_ref().try_into().map_err(|_| Error::Damaged("a link's number"))?;
        self.ledger.link(u64::from_be_bytes(seq)).await.map(Some)
    }

    async fn find_objections(
        &self,
        region: Region,
        name: &AddressHash,
    ) -> Result<Vec<SubjectObjection>, Error> {
        let mut objections = Vec::new();
        for (number, reason) in self.reasons(name).await? {
            let link = self.ledger.link(number).await?;
            let plain = objection(region, number, &reason);
            match link.event {
                Some(Event::OptedOut(opted_out)) => {
                    let command = opted_out.command.unwrap_or_default();
                    objections.push(SubjectObjection {
                        article: given(opted_out.article),
                        caller: given(command.caller),
                        reason: given(command.reason),
                        ..plain
                    });
                }
                Some(Event::Objected(objected)) => {
                    for row in objected.objections.iter().filter(|row| row.address == name) {
                        objections.push(SubjectObjection {
                            campaign: given(objected.campaign.clone()),
                            line: Some(row.line),
                            kind: given(row.kind.clone()),
                            ..plain.clone()
                        });
                    }
                }
                _ => return Err(Error::Damaged("a suppression")),
            }
        }
        Ok(objections)
    }

    async fn find_lifts(&self, region: Region, name: &AddressHash) -> Result<Vec<SubjectLift>, Error> {
        let mut lifts = Vec::new();
        let mut rows = self.db.scan_prefix(schema::lifts(name), ..).await?;
        while let Some(row) = rows.next().await? {
            let lift = Lift::decode(&row.value)?;
            let number = link_of(&row.key)?;
            let Some(Event::Lifted(lifted)) = self.ledger.link(number).await?.event else {
                return Err(Error::Damaged("a lifting"));
            };
            let command = lifted.command.unwrap_or_default();
            // Links of before know only the hash.
            let hash = || lift.sender.iter().map(|byte| format!("{byte:02x}")).collect();
            lifts.push(SubjectLift {
                at: moment(lift.at),
                sender: Some(given(lifted.sender_address).unwrap_or_else(hash)),
                region: region.name().to_owned(),
                link: number,
                caller: command.caller,
                reason: command.reason,
                file: given(lifted.file),
            });
        }
        Ok(lifts)
    }

    async fn find_acts(&self, region: Region, name: &AddressHash) -> Result<Vec<SubjectAct>, Error> {
        let mut acts = Vec::new();
        let mut rows = self.db.scan_prefix([schema::ERASURES, name.as_slice()].concat(), ..).await?;
        while let Some(row) = rows.next().await? {
            let number = link_of(&row.key)?;
            let link = self.ledger.link(number).await?;
            let Some(Event::Erased(erased)) = link.event else { return Err(Error::Damaged("an erasure")) };
            let command = erased.command.unwrap_or_default();
            acts.push(SubjectAct {
                at: link.at,
                region: region.name().to_owned(),
                link: number,
                act: "erased".to_owned(),
                caller: command.caller,
                reason: command.reason,
            });
        }
        Ok(acts)
    }

    async fn row(&self, region: Region, found: &Found) -> Result<SubjectRow, Error> {
        let Found { campaign, import, entry, key, .. } = found;
        let when = campaign.when()?;
        let not_kept = entry.sealed.is_empty();
        let fields = match key.as_ref().filter(|_| !not_kept) {
            Some(key) => {
                let values = details(import, entry, key)?.fields;
                let named = kept_columns().map(str::to_owned).zip(values);
                Some(named.filter(|(_, value)| !value.is_empty()).collect::<BTreeMap<_, _>>())
            }
            None => None,
        };
        Ok(SubjectRow {
            region: region.name().to_owned(),
            campaign: campaign.id.clone(),
            imported_at: when.import().to_string(),
            planned: when.planned().to_string(),
            undone: !campaign.undone_at.is_empty(),
            line: entry.line,
            outcome: entry.outcome.clone(),
            article: entry.article.clone(),
            objected_line: (entry.objected_line > 0).then_some(entry.objected_line),
            objected_kind: given(entry.objected_kind.clone()),
            fields,
            not_kept,
            message: self.message(found).await?,
        })
    }

    async fn message(&self, found: &Found) -> Result<SubjectMessage, Error> {
        let Position { cohort, page, at } = found.position;
        let state = |state| SubjectMessage { state, at: None, segment: None };
        if cohort == EXCLUDED {
            return Ok(state(MessageState::Excluded));
        }
        let key = HandedOff { import: found.import.to_vec(), cohort, page, ..HandedOff::default() };
        let Some(link) = self.link_at(&schema::handed_off(&key)).await? else {
            return Ok(state(MessageState::Waiting));
        };
        let Some(Event::HandedOff(page)) = link.event else { return Err(Error::Damaged("a hand-off")) };
        let left = bit(&page.bits, usize::try_from(at).unwrap_or(usize::MAX));
        Ok(SubjectMessage {
            state: if left { MessageState::HandedOff } else { MessageState::LeftOut },
            at: Some(link.at),
            segment: left.then_some(page.segment),
        })
    }
}

fn objection(region: Region, link: u64, reason: &Reason) -> SubjectObjection {
    SubjectObjection {
        at: moment(reason.at),
        channel: channel(reason.channel),
        region: region.name().to_owned(),
        link,
        campaign: None,
        line: None,
        kind: None,
        article: None,
        caller: None,
        reason: None,
        undone: reason.undone.is_some(),
    }
}

fn channel(channel: Channel) -> ObjectionChannel {
    match channel {
        Channel::Link => ObjectionChannel::Link,
        Channel::List => ObjectionChannel::List,
        Channel::Hint => ObjectionChannel::Hint,
        Channel::Officer => ObjectionChannel::Officer,
        Channel::Erasure => ObjectionChannel::Erasure,
    }
}

fn link_of(key: &[u8]) -> Result<u64, Error> {
    schema::read_linked(key)?.1.ok_or(Error::Damaged("a link's number"))
}

fn given(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

fn moment(milliseconds: i64) -> String {
    Timestamp::from_millisecond(milliseconds).map(|at| at.to_string()).unwrap_or_default()
}
