//! Taking an import back as a whole: nobody is written to by it any more, and what it alone told of objections binds no
//! later list.
//!
//! The ledger of every region that has the import on record says so, with the command. Where messages of it were handed
//! off, its rows stay as their evidence; else they go with it. The objections' rows stay
//! in any case and say that they were taken back: campaigns that were imported before go on without these people.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use prost::Message;

use crate::ledger::{Command, Event, Link, Undone};
use crate::records::Campaign;
use crate::region::RegionState;
use crate::schema::{self, Reason};
use crate::secrets::AddressHash;
use crate::state::{Inner, uninterrupted};
use crate::subjects::{Order, Which};
use crate::suppression::OBJECTIONS;
use crate::{Error, ImportId, State, officer_types as types};

/// Why rows go.
const WHY: &str = "the import was taken back";

impl State {
    /// Takes the import of a campaign back. Repeating changes nothing.
    ///
    /// # Errors
    /// [`Error::Request`], [`Error::NotFound`]; [`Error::Busy`] while an import takes too long to wait for.
    pub async fn undo_import(&self, campaign: &str, order: Order) -> Result<types::UndoReply, Error> {
        let command = order.command()?;
        let (inner, campaign) = (self.0.clone(), campaign.to_owned());
        uninterrupted(async move { inner.undo_import(&campaign, command).await }).await
    }
}

impl Inner {
    async fn undo_import(&self, campaign: &str, command: Command) -> Result<types::UndoReply, Error> {
        // Looked at first: one that finishes in between is found.
        let missing = match self.imports.is_under_way(campaign) {
            true => "no import of this campaign has finished",
            false => "no import is known under this id; `import list` shows them",
        };
        let found = self.finished(campaign).await?.ok_or(Error::NotFound(missing))?;
        if !found.undone_at.is_empty() {
            return self.undo(&found).await;
        }
        // Imports that begin from now on are not bound by what is taken back; those under way are.
        let alone = self.alone.taking_keys().await?;
        let now = Timestamp::from_millisecond(self.imports.behind(self.now()));
        let now = now.map_err(|_| Error::Damaged("a campaign's moment"))?.to_string();
        let take_back = |campaign: &mut Campaign| {
            campaign.undone_at = now;
            campaign.undone_by = Some(command);
        };
        let undone = self.campaigns.change(&found.id, take_back).await?;
        drop(alone);
        self.undo(&undone).await
    }

    /// Does what the record of the campaign says is to be done, as far as it is not yet.
    async fn undo(&self, campaign: &Campaign) -> Result<types::UndoReply, Error> {
        // A call that is repeated meanwhile waits for the first.
        let _alone = self.alone.undoing.lock().await;
        let campaign =
            self.campaigns.find(&campaign.id).await?.ok_or(Error::Damaged("a campaign is missing"))?;
        let campaign = campaign.as_ref();
        if campaign.is_undone {
            return Ok(types::UndoReply { rows: 0, lifted: 0 });
        }
        let import = campaign.import_id()?;
        let at: Timestamp = campaign.undone_at.parse().map_err(|_| Error::Damaged("a campaign's moment"))?;
        let (mut people, mut handed_off) = (BTreeSet::new(), false);
        for state in self.regions.values() {
            handed_off |= state.has_handed_off(&import).await?;
            people.extend(self.undo_in(state, &import, campaign, at.as_millisecond()).await?);
        }
        let mut lifted = 0;
        for address in people {
            lifted += u64::from(!self.stands_anew(&address).await?);
        }
        let mut rows = 0;
        if !handed_off {
            rows = self.remove(campaign, Which::All, WHY).await?;
            self.campaigns.forget_invalid(campaign).await?;
        }
        self.campaigns.change(&campaign.id, |campaign| campaign.is_undone = true).await?;
        Ok(types::UndoReply { rows, lifted })
    }

    /// Puts on record that an import was taken back, and notes that with the objections that it brought to the region;
    /// answers whose they are.
    async fn undo_in(
        &self,
        state: &RegionState,
        import: &ImportId,
        campaign: &Campaign,
        at: i64,
    ) -> Result<BTreeSet<AddressHash>, Error> {
        let (parts, noted) = state.objections_of(import).await?;
        let undone = |links| Undone {
            campaign: campaign.id.clone(),
            import: import.to_vec(),
            links,
            command: campaign.undone_by.clone(),
            at: Some(at),
        };
        if !noted && (state.has_recorded(import).await? || campaign.regions.is_empty()) {
            // Who did it and why is on record whatever the list said.
            let writer = state.ledger.writer().await?;
            let event = Event::Undone(undone(Vec::new()));
            writer.append_with(self.now(), event, Vec::new(), Vec::new()).await?.await_durable().await?;
        }
        let mut people = BTreeSet::new();
        for (links, addresses) in parts {
            let mut rows = Vec::new();
            for (link, address) in &addresses {
                let key = schema::suppression(address, *link);
                let value = state.db.get(&key).await?.ok_or(Error::Damaged("a suppression"))?;
                let reason = Reason::decode(&value)?;
                people.insert(*address);
                if reason.undone.is_none() {
                    rows.push((key, Reason { undone: Some(at), ..reason }.encode()));
                }
            }
            if rows.is_empty() {
                continue;
            }
            let writer = state.ledger.writer().await?;
            let event = Event::Undone(undone(links));
            writer.append_with(self.now(), event, rows, Vec::new()).await?.await_durable().await?;
        }
        Ok(people)
    }

    /// Reads a person's objections anew from what is on record; whether one stands.
    async fn stands_anew(&self, address: &AddressHash) -> Result<bool, Error> {
        // Nothing is put on record meanwhile that would be forgotten here.
        let mut writers = Vec::new();
        let mut reasons = Vec::new();
        for state in self.regions.values() {
            writers.push(state.ledger.writer().await?);
            reasons.extend(state.reasons(address).await?.into_iter().map(|(_, reason)| reason));
        }
        let mut suppressed = self.suppression.write();
        suppressed.forget(address);
        reasons.iter().for_each(|reason| suppressed.add(*address, reason));
        Ok(suppressed.stands(address).is_some())
    }

    /// Ends what the process before had put on record and not yet done.
    pub(crate) async fn finish_undoing(&self, campaigns: &[Campaign]) -> Result<(), Error> {
        for campaign in campaigns {
            if !campaign.undone_at.is_empty() && !campaign.is_undone {
                self.undo(campaign).await?;
            }
        }
        Ok(())
    }
}

impl RegionState {
    async fn has_handed_off(&self, import: &ImportId) -> Result<bool, Error> {
        // A hand-off that holds the lock now is written before anything that comes behind it.
        drop(self.ledger.writer().await?);
        Ok(self.db.scan_prefix(schema::hand_offs(import), ..).await?.next().await?.is_some())
    }

    /// The objections that an import brought, in parts that fit a link of their own; and whether the ledger says already
    /// that it was taken back.
    async fn objections_of(&self, import: &ImportId) -> Result<(Vec<Part>, bool), Error> {
        let (mut of, mut noted) = (BTreeMap::<u64, Vec<AddressHash>>::new(), false);
        let mut links = self.db.scan_prefix(schema::LINKS, ..).await?;
        while let Some(row) = links.next().await? {
            let link = Link::decode(row.value).map_err(|_| Error::Damaged("a link"))?;
            let objected = match link.event {
                Some(Event::Objected(objected)) if objected.import == import => objected,
                Some(Event::Undone(undone)) => {
                    noted |= undone.import == import;
                    continue;
                }
                _ => continue,
            };
            for objection in objected.objections {
                let address = objection.address.as_slice().try_into();
                let address = address.map_err(|_| Error::Damaged("an objection"))?;
                of.entry(link.seq).or_default().push(address);
            }
        }
        let mut parts: Vec<Part> = Vec::new();
        for (link, mut addresses) in of {
            addresses.sort_unstable();
            addresses.dedup();
            let fits = |part: &&mut Part| part.1.len() + addresses.len() <= OBJECTIONS;
            let rows = addresses.iter().map(|address| (link, *address));
            match parts.last_mut().filter(fits) {
                Some((links, part)) => {
                    links.push(link);
                    part.extend(rows);
                }
                None => parts.push((vec![link], rows.collect())),
            }
        }
        Ok((parts, noted))
    }
}

/// Links, and the people whose objections they have.
type Part = (Vec<u64>, Vec<(u64, AddressHash)>);
