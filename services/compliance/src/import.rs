//! Importing a list: read and staged row by row, then judged, sealed and laid out, then made visible at once.
//!
//! Two passes, because rules 3 and 4 look at every row of a person. Memory holds one entry per distinct person and one per
//! objection, no more of each than rows are allowed, two blocks of rows and the unfinished pages, however long the list. Nothing is written to a database
//! before the whole list was read; what the second pass writes is invisible until the campaign's record is, and
//! discarded where that does not come to be.

mod addresses;
mod judge;
pub(crate) mod layout;
pub(crate) mod list;
pub(crate) mod places;
mod read;
mod refuse;
mod stage;
mod undo;

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac::Context;
use bytes::Bytes;
use futures::{Stream, StreamExt};
use jiff::Timestamp;
use maily_chassis::PoolPlace;
use maily_law::{Country, EmailAddress, When};
use tokio::time::{Instant, timeout};

use crate::Error;
use crate::import::judge::Judging;
use crate::import::list::REFUSED;
use crate::import::places::Importing;
use crate::import::read::Reading;
use crate::import::refuse::refuse;
use crate::officer_types as types;
use crate::records::Campaign;
use crate::secrets::SenderHashes;
use crate::state::{Inner, State, uninterrupted};
use crate::suppression::Asker;

/// Bytes of a list that have to come while it is waited for as long as [`STALLED`]: a byte now and then is no progress.
const LEAST: usize = 16 << 10;
const STALLED: Duration = Duration::from_secs(20);
/// Bytes of a list in memory while it arrives: chunks that HTTP/2 has taken, and the one that is read.
const ARRIVING: usize = 2 << 20;
/// The call that brings a list.
const CALL: &str = "/maily.compliance.v1.Compliance/Import";
/// How long whoever needs to be alone waits for imports under way, and an import for whoever is alone.
pub(crate) const PATIENCE: Duration = Duration::from_secs(240);
/// Longest chunk.
const MAX_CHUNK: usize = 256 << 10;
/// Longest name of a campaign, in bytes.
const MAX_CAMPAIGN: usize = 256;

impl State {
    /// Imports the list of a campaign that is to be sent at `as_of` (RFC 3339; empty or past means now) by a sender, and
    /// answers its number of rows.
    ///
    /// # Errors
    /// [`Error::List`] and [`Error::Request`] for a bad list or request, [`Error::OtherList`] for a second list;
    /// nothing is left behind then, but for the objections of a list without a valid row.
    pub async fn import(
        &self,
        campaign: &str,
        as_of: &str,
        sender: Sender<'_>,
        chunks: impl Stream<Item = Result<Bytes, Error>> + Unpin,
    ) -> Result<u64, Error> {
        self.import_for("", campaign, as_of, sender, chunks).await
    }

    /// The same for a caller, whatever tells them apart: they share the places for lists.
    ///
    /// # Errors
    /// As [`Self::import`]; [`Error::Busy`] and [`Error::GaveWay`] where others need the places too.
    pub async fn import_for(
        &self,
        caller: &str,
        campaign: &str,
        as_of: &str,
        sender: Sender<'_>,
        mut chunks: impl Stream<Item = Result<Bytes, Error>> + Unpin,
    ) -> Result<u64, Error> {
        check(campaign)?;
        let (sender, address) = self.0.known_sender(sender)?;
        let place = Arc::new(self.0.imports.arrive(caller)?);
        // While a list is compared, its campaign goes on.
        if let Some(first) = self.0.finished(campaign).await? {
            return self.0.compare(&first, as_of, (sender, address), (&mut chunks, place.as_ref())).await;
        }
        let mut importing = self.0.imports.start(campaign, caller, Arc::clone(&place))?;
        // Another call may have finished since we looked, or failed behind its commit: its objections come first then, too.
        if self.0.campaigns.find(campaign).await?.is_some() {
            drop(importing);
            let first = self.0.finished(campaign).await?.ok_or(Error::Importing)?;
            return self.0.compare(&first, as_of, (sender, address), (&mut chunks, place.as_ref())).await;
        }
        // Once: it is kept with the import, and a repetition answers what was decided then.
        let when = When::new(self.0.now(), as_of).map_err(|error| Error::Request(error.sentence()))?;
        self.0.imports.note(&when);
        let terms = Terms { as_of: as_of.to_owned(), when, sender, address };
        let mut reading = Reading::new(&self.0, terms.clone())?;
        let mut pace = Pace::default();
        while let Some(chunk) = pace.next(&mut chunks, &place).await? {
            let bytes = chunk.len();
            reading = blocking(move || reading.push(&chunk).map(|()| reading)).await?;
            // Behind it, for a list that is too long by itself is told so.
            importing.stage(bytes)?;
        }
        let read = blocking(move || reading.finish()).await?;
        importing.read().await?;
        if read.found.valid == 0 && read.rows > 0 {
            return uninterrupted(refuse(Arc::clone(&self.0), campaign.to_owned(), terms, read, importing))
                .await;
        }
        let judging = Judging::new(&self.0, campaign.to_owned(), terms, read);
        // To its end also when the caller gives up: a later repetition then finds it done.
        uninterrupted(finish(Arc::clone(&self.0), judging, importing)).await
    }
}

impl State {
    /// What was imported, and refused lists whose objections were kept; the latest last.
    ///
    /// # Errors
    /// The database.
    pub async fn imports(&self) -> Result<types::ImportsReply, Error> {
        let dated = |campaign: Campaign| Ok((campaign.when()?.import(), campaign));
        let all = self.0.campaigns.all().await?.into_iter().map(dated);
        let mut all = all.collect::<Result<Vec<_>, Error>>()?;
        all.sort_by(|(a, first), (b, second)| (a, &first.id).cmp(&(b, &second.id)));
        let given = |text: String| (!text.is_empty()).then_some(text);
        let import = |(at, campaign): (Timestamp, Campaign)| types::Import {
            imported_at: at.to_string(),
            sender_country: given(campaign.sender),
            planned: given(campaign.planned),
            rows: campaign.rows,
            excluded: campaign.excluded.values().sum(),
            undone_at: given(campaign.undone_at),
            undone_by: campaign.undone_by.as_ref().map(|command| command.caller.clone()),
            undone_for: campaign.undone_by.map(|command| command.reason),
            refused: given(campaign.refused),
            campaign: campaign.id,
        };
        Ok(types::ImportsReply { imports: all.into_iter().map(import).collect() })
    }
}

/// Who sends a campaign.
#[derive(Clone, Copy, Debug)]
pub struct Sender<'a> {
    /// ISO 3166-1 alpha-2 code or English name.
    pub country: &'a str,
    /// The address that people know them by; empty where the caller doesn't say, and nothing is lifted for them then.
    pub address: &'a str,
}

/// What a list is judged by.
#[derive(Clone)]
pub(crate) struct Terms {
    /// As the caller wrote it.
    pub(crate) as_of: String,
    pub(crate) when: When,
    pub(crate) sender: Country,
    pub(crate) address: Option<SenderHashes>,
}

impl Terms {
    pub(crate) fn asker(&self) -> Asker {
        Asker {
            sender: self.address.map(|address| address.now),
            former_sender: self.address.and_then(|address| address.former),
            imported: self.when.import().as_millisecond(),
        }
    }
}

fn check(campaign: &str) -> Result<(), Error> {
    if campaign.is_empty() || campaign.len() > MAX_CAMPAIGN || campaign.contains(char::is_control) {
        return Err(Error::Request("campaign_id is empty, longer than 256 bytes, or has control characters"));
    }
    if campaign.starts_with(REFUSED) {
        return Err(Error::Request("campaign_id begins as those of refused lists do"));
    }
    Ok(())
}

async fn finish(inner: Arc<Inner>, judging: Judging, importing: Importing) -> Result<u64, Error> {
    let import = judging.import();
    let people = inner.alone.importing().await?;
    let campaign = match judging.run(&inner).await {
        Ok(campaign) => campaign,
        Err(error) => {
            // Its place is for others, who may be what this waits for. Where it fails too, the next start does it.
            drop((importing, people));
            if inner.discard(&[import]).await.is_err() {
                tracing::warn!("an import that failed is discarded at the next start");
            }
            return Err(error);
        }
    };
    // Nothing is discarded from here on: a commit that failed may still have been written, and the next start knows.
    inner.campaigns.commit(&import, &campaign).await?;
    inner.record(&campaign).await?;
    drop((importing, people));
    inner.count(&campaign);
    Ok(campaign.rows)
}

/// A list is passed on to the disk as it comes; other bodies are gathered.
pub(crate) fn held(request: &axum::extract::Request) -> Option<usize> {
    (request.uri().path() == CALL).then_some(ARRIVING)
}

/// How long a list may still be waited for until [`LEAST`] bytes of it have come. Time in which we work is not its sender's.
/// Where others wait for its place, it may not be waited for any longer before.
struct Pace {
    left: Duration,
    bytes: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self { left: STALLED, bytes: 0 }
    }
}

impl Pace {
    /// The next chunk of a list, in time and within its size.
    async fn next(
        &mut self,
        chunks: &mut (impl Stream<Item = Result<Bytes, Error>> + Unpin),
        place: &PoolPlace<String>,
    ) -> Result<Option<Bytes>, Error> {
        // Empty ones are no progress.
        let some = async {
            loop {
                match chunks.next().await.transpose()? {
                    Some(chunk) if chunk.is_empty() => tokio::task::yield_now().await,
                    chunk => return Ok::<_, Error>(chunk),
                }
            }
        };
        let begun = Instant::now();
        let chunk = tokio::select! {
            biased;
            () = place.recalled() => return Err(Error::GaveWay),
            chunk = timeout(self.left, some) => chunk.map_err(|_| Error::Stalled)??,
        };
        self.left = self.left.saturating_sub(begun.elapsed());
        let Some(chunk) = chunk else { return Ok(None) };
        if chunk.len() > MAX_CHUNK {
            return Err(Error::Request("a chunk is longer than 256 KiB"));
        }
        place.moved(chunk.len());
        self.bytes += chunk.len();
        if self.bytes >= LEAST {
            *self = Self::default();
        }
        Ok(Some(chunk))
    }
}

/// Runs work that computes or writes files on a thread that is meant for it.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    maily_chassis::blocking(work).await?
}

impl Inner {
    fn known_sender(&self, sender: Sender<'_>) -> Result<(Country, Option<SenderHashes>), Error> {
        let country = Country::parse(sender.country.trim())
            .ok_or(Error::Request("sender_country is no assigned ISO 3166-1 code and no English name"))?;
        if sender.address.is_empty() {
            return Ok((country, None));
        }
        let address = EmailAddress::parse(sender.address)
            .map_err(|_| Error::Request("sender_address is no address"))?;
        Ok((country, Some(self.secrets.sender_hashes(&address))))
    }

    /// Answers a repeated import: the same list as the first, or not.
    async fn compare(
        &self,
        first: &Campaign,
        as_of: &str,
        sender: (Country, Option<SenderHashes>),
        (chunks, place): (&mut (impl Stream<Item = Result<Bytes, Error>> + Unpin), &PoolPlace<String>),
    ) -> Result<u64, Error> {
        if !first.undone_at.is_empty() {
            return Err(Error::Undone);
        }
        let country = (first.revision >= 2).then_some(sender.0);
        let address = sender.1.filter(|_| first.revision >= 3);
        // In revision 3 the sender may have had another hash.
        let former = address.and_then(|address| address.former).filter(|_| first.revision == 3);
        let digest = |address: Option<&_>| self.secrets.list_digest(as_of, country, address);
        let mut digests = vec![digest(address.as_ref().map(|address| &address.now))];
        digests.extend(former.map(|former| digest(Some(&former))));
        let mut bytes = 0;
        let mut pace = Pace::default();
        while let Some(chunk) = pace.next(chunks, place).await? {
            bytes += chunk.len() as u64;
            if bytes > self.config.max_bytes {
                return Err(Error::OtherList);
            }
            digests.iter_mut().for_each(|digest| digest.update(&chunk));
        }
        let is_first =
            |digest: Context| verify_slices_are_equal(digest.sign().as_ref(), &first.digest).is_ok();
        let same = digests.into_iter().any(is_first);
        same.then_some(first.rows).ok_or(Error::OtherList)
    }

    fn count(&self, campaign: &Campaign) {
        let eligible = campaign.rows - campaign.excluded.values().sum::<u64>();
        self.metrics.rows("eligible", eligible);
        for (code, rows) in &campaign.excluded {
            self.metrics.rows(code, *rows);
        }
    }
}

#[cfg(test)]
mod tests {
    use maily_chassis::{Hold, Pool, PoolBounds};
    use maily_keys::LocalKeyring;
    use maily_law::Region;

    use super::*;
    use crate::Config;

    const LIST: &str = "\
id,email,first_name,country,locale,segment,birth_year,consent,consent_at,consent_source,suppressed
1,a@b.us,Ada,US,en-US,vip,1980,express,2025-01-01T00:00:00Z,form,false
";

    #[tokio::test(flavor = "multi_thread")]
    async fn an_import_that_failed_has_no_place_while_it_waits_to_be_discarded() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config { keyring: folder.path().join("keyring.json"), ..Config::default() };
        let roots = Arc::new(LocalKeyring::open(&config.keyring).unwrap());
        let state = State::open(&config, &folder.path().join("data"), roots).await.unwrap();
        let other = state.0.alone.importing().await.unwrap();
        state.0.regions[&Region::Us].db.close().await.unwrap();
        let importing = state.clone();
        let failing = tokio::spawn(async move {
            let sender = Sender { country: "US", address: "news@brand.example" };
            importing.import("c", "", sender, futures::stream::iter([Ok(Bytes::from(LIST))])).await
        });
        let end = Instant::now() + Duration::from_secs(20);
        let begun = async || !state.0.campaigns.unfinished().await.unwrap().is_empty();
        while !begun().await || state.0.imports.is_under_way("c") {
            assert!(Instant::now() < end, "it keeps its place");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(!failing.is_finished(), "the other import is under way");
        drop(other);
        assert!(failing.await.unwrap().is_err());
        state.close().await;
    }

    #[test]
    fn a_list_is_no_body_to_be_gathered() {
        use maily_proto::compliance::compliance_server::SERVICE_NAME;
        let call = |path: &str| axum::extract::Request::post(path).body(axum::body::Body::empty()).unwrap();
        assert!(held(&call(&format!("/{SERVICE_NAME}/Import"))).is_some());
        assert!(held(&call(&format!("/{SERVICE_NAME}/HandOff"))).is_none());
    }

    /// How many pieces of a list come through, one every `pause`, and after how long it ends.
    async fn read(piece: usize, pieces: usize, pause: Duration) -> (Result<usize, Error>, u64) {
        let begun = Instant::now();
        let trickle = futures::stream::iter(0..pieces).then(move |_| async move {
            tokio::time::sleep(pause).await;
            Ok(Bytes::from(vec![b'x'; piece]))
        });
        let place = Pool::new(PoolBounds { all: 1, each: 1, waiting: 0 });
        let place = place.try_take(String::new(), Hold::Arriving).unwrap();
        let (mut trickle, mut pace, mut came) = (Box::pin(trickle), Pace::default(), 0);
        let ended = loop {
            match pace.next(&mut trickle, &place).await {
                Ok(Some(_)) => came += 1,
                Ok(None) => break Ok(came),
                Err(error) => break Err(error),
            }
        };
        (ended, begun.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn a_list_has_to_keep_coming() {
        let second = Duration::from_secs(1);
        for (piece, pause) in [(1, second * 19), (1, second), (1_000, second * 2), (1, second * 600)] {
            let (ended, after) = read(piece, 10_000, pause).await;
            assert!(matches!(ended, Err(Error::Stalled)), "{piece} bytes every {pause:?}");
            assert_eq!(after, STALLED.as_secs(), "{piece} bytes every {pause:?}");
        }
        let (ended, after) = read(LEAST, 100, second * 19).await;
        assert_eq!((ended.ok(), after), (Some(100), 1_900), "slow, and steady");
    }
}
