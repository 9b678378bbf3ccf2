//! Reading, handing off and releasing pages, and opting out: what has to agree on who is written to.

use std::sync::Arc;

use maily_keys::{Cipher, DataKey, KeyId, derive};
use maily_law::Region;
use maily_proto::compliance as pb;
use prost::Message;

use crate::Error;
use crate::layout::ImportId;
use crate::records::{Block, Campaign, Details, Entry, Event, HandedOff, OptedOut};
use crate::region::{RegionState, hand_off_key};
use crate::secrets::AddressHash;
use crate::state::{Inner, State};
use crate::token::Token;

/// Longest name of a segment, in bytes.
const MAX_SEGMENT: usize = 1_024;

/// Where a page is.
struct Place<'a> {
    region: Region,
    state: &'a RegionState,
    campaign: Arc<Campaign>,
    import: ImportId,
    cohort: u32,
    page: u32,
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
            if !inner.is_suppressed_for_good(&hash(&entry)?).await? {
                kept.push(entry);
            }
        }
        let keys = place.keys(&kept).await?;
        let (region, import, campaign) = (place.region, place.import, Arc::clone(&place.campaign));
        drop(place);
        // Deciphering a page takes some milliseconds, which the runtime's threads are not for.
        let work = move || {
            let opened = kept.iter().zip(keys).filter_map(|(entry, key)| Some((entry, key?)));
            opened.map(|(entry, key)| inner.recipient(region, &import, &campaign.id, entry, &key)).collect()
        };
        tokio::task::spawn_blocking(work).await.map_err(|_| Error::Interrupted)?
    }

    /// Hands a page off; durable when it answers, and the first answer for good.
    ///
    /// # Errors
    /// [`Error::NotFound`], or [`Error::OtherSegment`] when it was handed off otherwise.
    pub async fn hand_off(&self, page: pb::Page, segment: String) -> Result<(u32, u32), Error> {
        if segment.is_empty() || segment.len() > MAX_SEGMENT {
            return Err(Error::Request("segment is empty or longer than 1024 bytes"));
        }
        let inner = Arc::clone(&self.0);
        // Never half done, also when the caller gives up.
        uninterrupted(async move { inner.hand_off(&page, segment).await }).await
    }

    /// The record keys of a page's messages that were handed off.
    ///
    /// # Errors
    /// [`Error::NotFound`], or [`Error::NotHandedOff`].
    pub async fn release(&self, page: &pb::Page) -> Result<Vec<pb::ReleasedRecord>, Error> {
        let place = self.0.place(page).await?;
        let handed_off = place.handed_off().await?.ok_or(Error::NotHandedOff)?;
        // Nothing is released on the strength of a record that a power cut could still undo.
        place.state.db.flush().await?;
        let entries = place.entries().await?;
        let kept: Vec<_> =
            entries.into_iter().enumerate().filter(|(at, _)| bit(&handed_off.bits, *at)).collect();
        let kept: Vec<_> = kept.into_iter().map(|(_, entry)| entry).collect();
        let keys = place.keys(&kept).await?;
        let release = |(entry, key): (&Entry, Option<DataKey>)| {
            let key = record_key(&key?, &place.campaign.id, entry.line);
            Some(key.map(|key| pb::ReleasedRecord { line: entry.line, record_key: key.expose().to_vec() }))
        };
        kept.iter().zip(keys).filter_map(release).collect()
    }

    /// Puts the opt-out that a token stands for on record; durable when it answers. Repeating changes nothing.
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
        Token::read(&self.0.secrets.tokens, token)
            .is_some_and(|token| self.0.regions.contains_key(&token.region))
    }
}

async fn uninterrupted<T: Send + 'static>(
    work: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<T, Error> {
    tokio::spawn(work).await.map_err(|_| Error::Interrupted)?
}

impl Inner {
    async fn place(&self, page: &pb::Page) -> Result<Place<'_>, Error> {
        let campaign = self.campaign(&page.campaign_id).await?;
        let (region, state) = self.region(&page.region)?;
        let at = campaign.cohorts.binary_search_by(|cohort| cohort.name.as_str().cmp(&page.cohort));
        let cohort = &campaign.cohorts[at.map_err(|_| Error::NotFound("the campaign has no such cohort"))?];
        let pages = cohort
            .regions
            .iter()
            .find(|cohort| cohort.region == page.region)
            .map_or(0, |cohort| cohort.pages);
        if page.page >= pages {
            return Err(Error::NotFound("the cohort has no such page in the region"));
        }
        let import = campaign.import.as_slice().try_into().map_err(|_| Error::Damaged("a campaign"))?;
        let cohort = cohort.number;
        Ok(Place { region, state, campaign, import, cohort, page: page.page })
    }

    /// Whether an address is suppressed by an opt-out that is durable. One that is only on its way there is in force
    /// already, but a kill would undo it.
    async fn is_suppressed_for_good(&self, address: &AddressHash) -> Result<bool, Error> {
        if self.is_suppressed(address) {
            for region in self.regions.values() {
                if region.has_opted_out(address).await? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    async fn hand_off(&self, page: &pb::Page, segment: String) -> Result<(u32, u32), Error> {
        let place = self.place(page).await?;
        let entries = place.entries().await?;
        let addresses = entries.iter().map(hash).collect::<Result<Vec<_>, _>>()?;
        let keys = place.keys(&entries).await?;
        let writer = place.state.ledger.writer().await?;
        if let Some(first) = place.handed_off().await? {
            drop(writer);
            // The first answer may still be on its way to the disk.
            place.state.db.flush().await?;
            let same = first.segment == segment;
            return same.then_some((first.handed_off, first.suppressed)).ok_or(Error::OtherSegment);
        }
        let mut record = place.hand_off(segment);
        record.bits = vec![0; addresses.len().div_ceil(8)];
        for (at, (address, key)) in addresses.iter().zip(keys).enumerate() {
            // Who was erased has no message, as in `recipients`.
            if key.is_none() || self.is_suppressed(address) {
                record.suppressed += 1;
            } else {
                record.bits[at / 8] |= 1 << (at % 8);
                record.handed_off += 1;
            }
        }
        let (answer, key) = ((record.handed_off, record.suppressed), hand_off_key(&record));
        writer.append(Event::HandedOff(record), &key).await?.await_durable().await?;
        self.metrics.handed_off.add(u64::from(answer.0), &[]);
        Ok(answer)
    }

    async fn opt_out(&self, token: Token) -> Result<(), Error> {
        let state = self.regions.get(&token.region).ok_or(Error::NotFound("there is no such link"))?;
        let key = [b"s", token.address.as_slice()].concat();
        let writer = state.ledger.writer().await?;
        if state.db.get(&key).await?.is_some() {
            drop(writer);
            state.db.flush().await?;
            // Whoever put it on record may have been cut off before it was told.
            self.tell(token.address);
            return Ok(());
        }
        let article = "RFC 8058; GDPR 21(3), 7(3); CASL s.11; CAN-SPAM 15 U.S.C. 7704(a)(4)".into();
        let event = Event::OptedOut(OptedOut { address: token.address.to_vec(), article });
        // Before the write, so that a hand-off in any region sees it at the latest when this is acknowledged.
        self.suppress(token.address);
        writer.append(event, &key).await?.await_durable().await?;
        self.metrics.opt_outs.add(1, &[]);
        self.tell(token.address);
        Ok(())
    }

    fn recipient(
        &self,
        region: Region,
        import: &ImportId,
        campaign: &str,
        entry: &Entry,
        key: &DataKey,
    ) -> Result<pb::Recipient, Error> {
        let details = Cipher::new(key)?.open(&details_aad(import, entry.line), &entry.sealed)?;
        let mut details =
            Details::decode(details.as_slice()).map_err(|_| Error::Damaged("a person's details"))?;
        let mut field = |at: usize| details.fields.get_mut(at).map(std::mem::take).unwrap_or_default();
        Ok(pb::Recipient {
            line: entry.line,
            email: field(1),
            first_name: field(2),
            unsubscribe_token: Token { region, address: hash(entry)? }.issue(&self.secrets.tokens),
            record_key: record_key(key, campaign, entry.line)?.expose().to_vec(),
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
        let id = |entry: &Entry| {
            KeyId::try_from(entry.person.as_ref()).map_err(|_| Error::Damaged("a person's name"))
        };
        let ids = entries.iter().map(id).collect::<Result<Vec<_>, _>>()?;
        Ok(self.state.keys.get(&ids).await?)
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

    /// The page's hand-off, if there was one.
    async fn handed_off(&self) -> Result<Option<HandedOff>, Error> {
        let Some(seq) = self.state.db.get(hand_off_key(&self.hand_off(String::new()))).await? else {
            return Ok(None);
        };
        let seq = seq.as_ref().try_into().map_err(|_| Error::Damaged("a hand-off's key"))?;
        match self.state.ledger.link(u64::from_be_bytes(seq)).await?.event {
            Some(Event::HandedOff(handed_off)) => Ok(Some(handed_off)),
            _ => Err(Error::Damaged("a hand-off")),
        }
    }
}

fn hash(entry: &Entry) -> Result<AddressHash, Error> {
    entry.address.as_ref().try_into().map_err(|_| Error::Damaged("an address hash"))
}

fn bit(bits: &[u8], at: usize) -> bool {
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
#[path = "pages_tests.rs"]
mod tests;
