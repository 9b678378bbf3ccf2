//! Reading, handing off and releasing pages, and opting out: what has to agree on who is written to.

use std::sync::Arc;

use maily_crypto::{Cipher, DataKey, derive};
use maily_law::{Basis, Country, Known, Outcome, Region, Row, column, decide, is_advertisement};
use maily_proto::compliance as pb;
use prost::Message;

use crate::ledger::{Event, HandedOff};
use crate::records::{Block, Campaign, Details, Entry};
use crate::region::RegionState;
use crate::schema::{Channel, REVISION};
use crate::secrets::AddressHash;
use crate::state::{Inner, State, uninterrupted};
use crate::suppression::{Asker, OptOut};
use crate::token::Token;
use crate::{Error, ImportId, schema};

/// Longest name of a segment, in bytes.
const MAX_SEGMENT: usize = 1_024;
/// [`Campaign::removed`] where nothing is left.
pub(crate) const ALL_ROWS: &str = "all";
const ARTICLE: &str = "RFC 8058; GDPR 21(3), 7(3); CASL 11; CAN-SPAM 15 U.S.C. 7704(a)(4)";

/// What a hand-off came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HandOff {
    /// Messages handed off.
    pub handed_off: u32,
    /// Recipients who objected, or were erased, since the import.
    pub suppressed: u32,
    /// Recipients whose implied consent has ended since the planned send.
    pub expired: u32,
}

/// What of a page may leave.
#[derive(Debug, Default)]
pub struct Released {
    /// The keys of the messages.
    pub records: Vec<pb::ReleasedRecord>,
    /// Messages handed off whose recipient has objected, or was erased, or whose implied consent has ended, since.
    pub left_out: u32,
}

/// Where a page is.
struct Place<'a> {
    region: Region,
    state: &'a RegionState,
    campaign: Arc<Campaign>,
    import: ImportId,
    cohort: u32,
    page: u32,
    asker: Asker,
}

impl State {
    /// The recipients of a page who are not suppressed by now. Who is left out stays so, whatever is killed: a
    /// message that is not written can't be counted as handed off later.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a page that does not exist.
    pub async fn recipients(&self, page: &pb::Page) -> Result<Vec<pb::Recipient>, Error> {
        let inner = Arc::clone(&self.0);
        let place = inner.place(page).await?;
        let mut entries = place.entries().await?;
        let mut kept = Vec::with_capacity(entries.len());
        for entry in entries.drain(..) {
            let mut objected = false;
            for name in place.names(&entry).await? {
                objected |= inner.is_suppressed_for_good(&name, &place.asker).await?;
            }
            if !objected {
                kept.push(entry);
            }
        }
        let keys = place.keys(&kept).await?;
        let (region, import, campaign) = (place.region, place.import, Arc::clone(&place.campaign));
        drop(place);
        // Deciphering a page takes some milliseconds, which the runtime's threads are not for.
        let work = move || {
            let opened = kept.iter().zip(keys).filter_map(|(entry, key)| Some((entry, key?)));
            opened.map(|(entry, key)| inner.recipient(region, &import, &campaign, entry, &key)).collect()
        };
        maily_chassis::blocking(work).await?
    }

    /// Hands a page off; durable when it answers, and the first answer for good, also when the import is taken back later.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::OtherSegment`] when it was handed off otherwise, or [`Error::Undone`] when the import was
    /// taken back before, and then it never is.
    pub async fn hand_off(&self, page: pb::Page, segment: String) -> Result<HandOff, Error> {
        if segment.is_empty() || segment.len() > MAX_SEGMENT {
            return Err(Error::Request("segment is empty or longer than 1024 bytes"));
        }
        let inner = Arc::clone(&self.0);
        // Never half done, also when the caller gives up.
        uninterrupted(async move { inner.hand_off(&page, segment).await }).await
    }

    /// The record keys of a page's messages that were handed off, and may still leave: whose recipients have not objected
    /// since, and have consented until now where that ends by itself (CASL 10(10): until the day on which it is sent).
    ///
    /// # Errors
    /// [`Error::NotFound`], or [`Error::NotHandedOff`].
    pub async fn release(&self, page: &pb::Page) -> Result<Released, Error> {
        let place = self.0.place(page).await?;
        let handed_off = place.handed_off().await?.ok_or(Error::NotHandedOff)?;
        // Nothing is released on the strength of a record that a power cut could still undo.
        place.state.db.flush().await?;
        let mut kept = Vec::new();
        let mut released = Released::default();
        for (at, entry) in place.entries().await?.into_iter().enumerate() {
            if !bit(&handed_off.bits, at) {
                continue;
            }
            if self.0.is_left_out(&place, &entry).await? { released.left_out += 1 } else { kept.push(entry) }
        }
        let keys = place.keys(&kept).await?;
        for (entry, key) in kept.iter().zip(keys) {
            let key = match key {
                Some(key) if !self.0.has_expired(&place, entry, &key)? => key,
                _ => {
                    released.left_out += 1;
                    continue;
                }
            };
            let key = record_key(&key, &place.campaign.id, entry.line)?;
            released.records.push(pb::ReleasedRecord { line: entry.line, record_key: key.expose().to_vec() });
        }
        Ok(released)
    }

    /// How many messages of a campaign were handed off, and are not released any more, also where its import was taken back.
    /// When its rows are no more, how many they were then.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn left_out(&self, campaign: &str) -> Result<u64, Error> {
        let campaign = self.0.told(campaign).await?;
        if campaign.removed == ALL_ROWS { Ok(campaign.left_out) } else { self.0.left_out(&campaign).await }
    }

    /// Puts the opt-out that a token stands for on record; durable when it answers. Repeated within an hour, it is on record
    /// once.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a token that was not issued here.
    pub async fn opt_out(&self, token: &str) -> Result<(), Error> {
        let token =
            Token::read(&self.0.secrets.tokens, token).ok_or(Error::NotFound("there is no such link"))?;
        let inner = Arc::clone(&self.0);
        uninterrupted(async move { inner.opt_out(token).await }).await
    }

    /// Whether a token was issued here.
    #[must_use]
    pub fn knows(&self, token: &str) -> bool {
        Token::read(&self.0.secrets.tokens, token).is_some()
    }
}

impl Inner {
    async fn place(&self, page: &pb::Page) -> Result<Place<'_>, Error> {
        self.place_in(self.campaign(&page.campaign_id).await?, page)
    }

    fn place_in(&self, campaign: Arc<Campaign>, page: &pb::Page) -> Result<Place<'_>, Error> {
        if campaign.removed == ALL_ROWS {
            return Err(Error::Removed);
        }
        self.place_of(campaign, page)
    }

    /// Where a page is, or was before its rows were removed.
    fn place_of(&self, campaign: Arc<Campaign>, page: &pb::Page) -> Result<Place<'_>, Error> {
        let (region, state) = self.regions.named(&page.region)?;
        let at = campaign.cohorts.binary_search_by(|cohort| cohort.name.as_str().cmp(&page.cohort));
        let cohort = at.ok().and_then(|at| campaign.cohorts.get(at));
        let cohort = cohort.ok_or(Error::NotFound("the campaign has no such cohort"))?;
        let pages = cohort
            .regions
            .iter()
            .find(|cohort| cohort.region == page.region)
            .map_or(0, |cohort| cohort.pages);
        if page.page >= pages {
            return Err(Error::NotFound("the cohort has no such page in the region"));
        }
        let import = campaign.import_id()?;
        let (cohort, asker) = (cohort.number, campaign.asker()?);
        Ok(Place { region, state, campaign, import, cohort, page: page.page, asker })
    }

    /// Whether an address is suppressed by an opt-out that is durable. One that is only on its way there is in force
    /// already, but a kill would undo it.
    async fn is_suppressed_for_good(&self, address: &AddressHash, asker: &Asker) -> Result<bool, Error> {
        if self.suppression.binds(address, asker) {
            let lifts = self.suppression.read().lifts(address).to_vec();
            for region in self.regions.values() {
                if region.has_objected(address, asker, &lifts).await? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    async fn hand_off(&self, page: &pb::Page, segment: String) -> Result<HandOff, Error> {
        let campaign = self.told(&page.campaign_id).await?;
        if !campaign.undone_at.is_empty() {
            return self.handed_off_before(&self.place_of(campaign, page)?, &segment).await;
        }
        let place = self.place_in(campaign, page)?;
        let entries = place.entries().await?;
        let mut names = Vec::with_capacity(entries.len());
        for entry in &entries {
            names.push(place.names(entry).await?);
        }
        let keys = place.keys(&entries).await?;
        let writer = place.state.ledger.writer().await?;
        if let Some(first) = place.handed_off().await? {
            drop(writer);
            return place.answered(&first, &segment).await;
        }
        // Taken back since we looked: whoever takes it back waits for this lock then.
        let campaign = self.campaigns.find(&page.campaign_id).await?;
        if campaign.is_none_or(|campaign| !campaign.undone_at.is_empty()) {
            return Err(Error::Undone);
        }
        let mut record = place.hand_off(segment);
        record.bits = vec![0; entries.len().div_ceil(8)];
        for (at, ((entry, key), names)) in entries.iter().zip(keys).zip(&names).enumerate() {
            match key {
                // Who was erased has no message, as in `recipients`.
                None => record.suppressed += 1,
                Some(_) if self.objects_now(names, &place.asker) => record.suppressed += 1,
                Some(key) if self.has_expired(&place, entry, &key)? => record.expired += 1,
                Some(_) => {
                    let bits = record.bits.get_mut(at / 8).ok_or(Error::Damaged("a hand-off's bits"))?;
                    *bits |= 1 << (at % 8);
                    record.handed_off += 1;
                }
            }
        }
        let (answer, key) = (answer(&record), schema::handed_off(&record));
        writer.append(self.now(), Event::HandedOff(record), &key).await?.await_durable().await?;
        self.metrics.handed_off.add(u64::from(answer.handed_off), &[]);
        Ok(answer)
    }

    /// What a hand-off came to that was made before the import was taken back. Its answer may have been lost, and whom it wrote
    /// to has to be told.
    async fn handed_off_before(&self, place: &Place<'_>, segment: &str) -> Result<HandOff, Error> {
        // A hand-off that holds the lock now is written before anything that comes behind it.
        drop(place.state.ledger.writer().await?);
        match place.handed_off().await? {
            Some(first) => place.answered(&first, segment).await,
            None => Err(Error::Undone),
        }
    }

    /// How many messages of a campaign whose rows are there can't leave any more.
    pub(crate) async fn left_out(&self, campaign: &Arc<Campaign>) -> Result<u64, Error> {
        let may_have_ended = self.now() > campaign.when()?.planned();
        let may_have_objected = !self.suppression.read().is_empty();
        if !may_have_ended && !may_have_objected {
            return Ok(0);
        }
        let mut left_out = 0;
        for cohort in &campaign.cohorts {
            for region in &cohort.regions {
                for page in 0..region.pages {
                    let page = pb::Page {
                        campaign_id: campaign.id.clone(),
                        cohort: cohort.name.clone(),
                        region: region.region.clone(),
                        page,
                    };
                    left_out += self.left_out_of(&self.place_in(Arc::clone(campaign), &page)?).await?;
                }
            }
        }
        Ok(left_out)
    }

    async fn left_out_of(&self, place: &Place<'_>) -> Result<u64, Error> {
        let Some(handed_off) = place.handed_off().await? else { return Ok(0) };
        let (mut left_out, mut asked) = (0, Vec::new());
        for (at, entry) in place.entries().await?.into_iter().enumerate() {
            if !bit(&handed_off.bits, at) {
                continue;
            }
            let names = place.names(&entry).await?;
            if self.objects_now(&names, &place.asker) {
                left_out += 1;
            } else if is_implied(&entry) || names.iter().any(|name| place.state.was_erased(name)) {
                asked.push(entry);
            }
        }
        // Of the few of whom only their key tells.
        let keys = place.keys(&asked).await?;
        for (entry, key) in asked.iter().zip(keys) {
            let leaves = match key {
                Some(key) => !self.has_expired(place, entry, &key)?,
                None => false,
            };
            left_out += u64::from(!leaves);
        }
        Ok(left_out)
    }

    fn objects_now(&self, names: &[AddressHash], asker: &Asker) -> bool {
        names.iter().any(|name| self.suppression.binds(name, asker))
    }

    async fn is_left_out(&self, place: &Place<'_>, entry: &Entry) -> Result<bool, Error> {
        Ok(self.objects_now(&place.names(entry).await?, &place.asker))
    }

    /// Whether an implied consent that held at the planned send has ended by now. Nothing else that was judged at the
    /// import can end by itself.
    fn has_expired(&self, place: &Place<'_>, entry: &Entry, key: &DataKey) -> Result<bool, Error> {
        if !is_implied(entry) {
            return Ok(false);
        }
        let details = details(&place.import, entry, key)?;
        // Of what has line ends the first line will do: such a row could be imported once.
        let fields: Vec<&str> =
            details.fields.iter().map(|field| field.lines().next().unwrap_or("")).collect();
        let when = place.campaign.when()?.until(self.now());
        let row = match Row::parse(&fields, &when) {
            Ok(row) => row,
            // Revision 1 took evidence of consent that was later than the import: it shows nothing.
            Err(_) if place.campaign.revision < 2 => return Ok(true),
            Err(_) => return Err(Error::Damaged("a person's details")),
        };
        let sender = Country::parse(&place.campaign.sender).unwrap_or(row.country);
        let known = Known { countries: entry.jurisdictions(), ..Known::default() };
        let outcome = decide(&row, &known, &when, sender).outcome;
        Ok(!matches!(outcome, Outcome::Allowed(_)))
    }

    async fn opt_out(&self, token: Token) -> Result<(), Error> {
        // A link works for good, also where its region is kept here no more.
        let state = match self.regions.get(&token.region) {
            Some(state) => state,
            None => self.regions.first()?,
        };
        let opt_out = OptOut { channel: Channel::Link, article: ARTICLE, command: None, told: None };
        if self.suppression.record_opt_out(&self.regions, state, token.address, &opt_out).await? {
            self.metrics.opt_outs.add(1, &[]);
        }
        Ok(())
    }

    fn recipient(
        &self,
        region: Region,
        import: &ImportId,
        campaign: &Campaign,
        entry: &Entry,
        key: &DataKey,
    ) -> Result<pb::Recipient, Error> {
        let mut details = details(import, entry, key)?;
        let mut field = |at: usize| details.fields.get_mut(at).map(std::mem::take).unwrap_or_default();
        Ok(pb::Recipient {
            line: entry.line,
            email: field(column::EMAIL),
            first_name: field(column::FIRST_NAME),
            unsubscribe_token: Token { region, address: entry.address_hash()? }.issue(&self.secrets.tokens),
            record_key: record_key(key, &campaign.id, entry.line)?.expose().to_vec(),
            advertisement: is_advertisement(
                region,
                entry.jurisdictions(),
                Country::parse(&campaign.sender),
                &entry.outcome,
            ),
        })
    }
}

impl Place<'_> {
    async fn entries(&self) -> Result<Vec<Entry>, Error> {
        let page: Option<Block> = self.state.page(&self.import, self.cohort, self.page).await?;
        Ok(page.ok_or(Error::Damaged("a page is missing"))?.entries)
    }

    /// The persons' keys; `None` where a person was erased.
    async fn keys(&self, entries: &[Entry]) -> Result<Vec<Option<DataKey>>, Error> {
        let ids = entries.iter().map(Entry::person_id).collect::<Result<Vec<_>, _>>()?;
        Ok(self.state.keys.get(&ids).await?)
    }

    /// Every hash that may stand for the row's person in the suppression list.
    async fn names(&self, entry: &Entry) -> Result<Vec<AddressHash>, Error> {
        let address = entry.address_hash()?;
        let mut names = vec![address];
        names.extend(entry.former_hashes()?);
        // Rows of before have another hash where their local part was compared otherwise.
        if self.campaign.revision < REVISION {
            names.extend(self.state.renamed(&address).await?);
        }
        Ok(names)
    }

    fn hand_off(&self, segment: String) -> HandedOff {
        HandedOff {
            campaign: self.campaign.id.clone(),
            import: self.import.to_vec(),
            cohort: self.cohort,
            page: self.page,
            segment,
            ..HandedOff::default()
        }
    }

    /// What the page's first hand-off is answered with whenever it is repeated.
    async fn answered(&self, first: &HandedOff, segment: &str) -> Result<HandOff, Error> {
        // It may still be on its way to the disk.
        self.state.db.flush().await?;
        if first.segment == segment { Ok(answer(first)) } else { Err(Error::OtherSegment) }
    }

    /// The page's hand-off, if there was one.
    async fn handed_off(&self) -> Result<Option<HandedOff>, Error> {
        let Some(seq) = self.state.db.get(schema::handed_off(&self.hand_off(String::new()))).await? else {
            return Ok(None);
        };
        let seq = seq.as_ref().try_into().map_err(|_| Error::Damaged("a hand-off's key"))?;
        match self.state.ledger.link(u64::from_be_bytes(seq)).await?.event {
            Some(Event::HandedOff(handed_off)) => Ok(Some(handed_off)),
            _ => Err(Error::Damaged("a hand-off")),
        }
    }
}

/// Whether the row's consent ends by itself.
fn is_implied(entry: &Entry) -> bool {
    entry.outcome == Basis::ImpliedConsent.code()
}

fn answer(record: &HandedOff) -> HandOff {
    HandOff { handed_off: record.handed_off, suppressed: record.suppressed, expired: record.expired }
}

/// A person's row as it was read.
pub(crate) fn details(import: &ImportId, entry: &Entry, key: &DataKey) -> Result<Details, Error> {
    let details = Cipher::new(key)?.open(&details_aad(import, entry.line), &entry.sealed)?;
    Details::decode(details.as_slice()).map_err(|_| Error::Damaged("a person's details"))
}

/// Whether the entry at this place of a page was handed off.
pub(crate) fn bit(bits: &[u8], at: usize) -> bool {
    bits.get(at / 8).is_some_and(|byte| byte & (1 << (at % 8)) != 0)
}

/// What a person's sealed details are bound to.
pub(crate) fn details_aad(import: &ImportId, line: u64) -> Vec<u8> {
    [b"details", import.as_slice(), &line.to_be_bytes()].concat()
}

/// The key of one message's record.
fn record_key(person: &DataKey, campaign: &str, line: u64) -> Result<DataKey, Error> {
    Ok(derive(person, &[b"maily message", campaign.as_bytes(), &line.to_be_bytes()])?)
}

#[cfg(test)]
mod tests;
