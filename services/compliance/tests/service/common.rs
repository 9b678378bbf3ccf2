//! A state in a folder of its own, and lists to import.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bytes::Bytes;
use futures::stream;
use jiff::SignedDuration;
use maily_compliance::{Clock, Config, Error, Sender, State};
use maily_keys::LocalKeyring;
use maily_proto::compliance as pb;
use tempfile::TempDir;

pub(crate) const HEADER: &str =
    "id,email,first_name,country,locale,segment,birth_year,consent,consent_at,consent_source,suppressed\n";
pub(crate) const AS_OF: &str = "2026-04-01T09:00:00+02:00";
/// A sender in a country whose law asks for the least.
pub(crate) const SENDER: Sender<'_> = Sender { country: "US", address: "news@brand.example" };

/// It is always [`AS_OF`].
pub(crate) fn clock() -> Clock {
    Arc::new(|| AS_OF.parse().unwrap())
}

/// From [`AS_OF`] on, and a second later at each look.
pub(crate) fn ticking() -> Clock {
    ticking_by(SignedDuration::from_secs(1))
}

/// From [`AS_OF`] on, and so much later at each look.
pub(crate) fn ticking_by(step: SignedDuration) -> Clock {
    let ticks = AtomicI64::new(0);
    let start: jiff::Timestamp = AS_OF.parse().unwrap();
    let step = step.as_secs();
    Arc::new(move || start + SignedDuration::from_secs(step * ticks.fetch_add(1, Ordering::SeqCst)))
}

/// [`AS_OF`] and as many minutes as it is set to.
pub(crate) fn set_by(minutes: &Arc<AtomicI64>) -> Clock {
    let (minutes, start) = (Arc::clone(minutes), AS_OF.parse::<jiff::Timestamp>().unwrap());
    Arc::new(move || start + SignedDuration::from_mins(minutes.load(Ordering::SeqCst)))
}

/// [`AS_OF`] and so many days.
pub(crate) fn days_later(days: i64) -> Clock {
    let now: jiff::Timestamp = AS_OF.parse().unwrap();
    Arc::new(move || now + SignedDuration::from_hours(24 * days))
}

/// An open state and its folder.
pub(crate) struct Service {
    pub(crate) folder: TempDir,
    pub(crate) state: State,
}

pub(crate) fn config(folder: &Path, page_size: u32) -> Config {
    Config { keyring: folder.join("keyring.json"), page_size, ..Config::default() }
}

pub(crate) async fn open(folder: &Path, page_size: u32) -> State {
    open_with(folder, page_size, clock()).await
}

async fn open_with(folder: &Path, page_size: u32, clock: Clock) -> State {
    let config = config(folder, page_size);
    State::open_with(&config, &folder.join("data"), roots(&config), clock).await.unwrap()
}

pub(crate) fn roots(config: &Config) -> Arc<LocalKeyring> {
    Arc::new(LocalKeyring::open(&config.keyring).unwrap())
}

impl Service {
    pub(crate) async fn start(page_size: u32) -> Self {
        Self::start_with(page_size, clock()).await
    }

    /// With a clock that stands.
    pub(crate) async fn start_at(page_size: u32, now: &'static str) -> Self {
        Self::start_with(page_size, Arc::new(move || now.parse().unwrap())).await
    }

    /// With the system's clock.
    pub(crate) async fn start_now(page_size: u32) -> Self {
        Self::start_with(page_size, Arc::new(jiff::Timestamp::now)).await
    }

    pub(crate) async fn start_with(page_size: u32, clock: Clock) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let state = open_with(folder.path(), page_size, clock).await;
        Self { folder, state }
    }

    /// Closes the state and opens it again.
    pub(crate) async fn restart(self, page_size: u32) -> Self {
        self.restart_with(page_size, clock()).await
    }

    /// Closes the state and opens it again with this clock.
    pub(crate) async fn restart_with(mut self, page_size: u32, clock: Clock) -> Self {
        self.state.close().await;
        self.state = open_with(self.folder.path(), page_size, clock).await;
        self
    }
}

pub(crate) async fn import(state: &State, campaign: &str, list: impl AsRef<[u8]>) -> Result<u64, Error> {
    import_in(state, campaign, list, 1_000).await
}

pub(crate) async fn import_in(
    state: &State,
    campaign: &str,
    list: impl AsRef<[u8]>,
    chunk: usize,
) -> Result<u64, Error> {
    let chunks: Vec<_> = list.as_ref().chunks(chunk).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
    state.import(campaign, AS_OF, SENDER, stream::iter(chunks)).await
}

/// A list of eligible people in the United States and Germany, by turns.
pub(crate) fn list(rows: usize) -> String {
    let row = |at: usize| {
        let country = if at.is_multiple_of(2) { "US" } else { "DE" };
        format!(
            "{at},p{at}@Mail.Example,Name{at},{country},en-GB,seg{},1980,express,2025-01-01T00:00:00Z,form,false\n",
            at % 3
        )
    };
    std::iter::once(HEADER.to_owned()).chain((0..rows).map(row)).collect()
}

pub(crate) fn page(campaign: &str, cohort: &str, region: &str, page: u32) -> pb::Page {
    pb::Page { campaign_id: campaign.into(), cohort: cohort.into(), region: region.into(), page }
}

/// Every page of a list made by [`list`], imported with this page size.
pub(crate) fn pages(campaign: &str, rows: usize, page_size: usize) -> Vec<pb::Page> {
    let mut all = Vec::new();
    for segment in 0..3 {
        for (region, parity) in [("us", 0), ("eu", 1)] {
            let people = (0..rows).filter(|at| at % 3 == segment && at % 2 == parity).count();
            let numbers = 0..u32::try_from(people.div_ceil(page_size)).unwrap();
            all.extend(numbers.map(|number| page(campaign, &format!("en-GB/seg{segment}"), region, number)));
        }
    }
    all
}

/// A row by which the person may be written to.
pub(crate) fn good(email: &str) -> String {
    format!("1,{email},Ada,US,en-US,vip,1980,express,2025-01-01T00:00:00Z,form,false")
}

/// A list of these rows.
pub(crate) fn list_of(rows: &[String]) -> String {
    std::iter::once(HEADER.to_owned()).chain(rows.iter().map(|row| format!("{row}\n"))).collect()
}

/// Who is written to by the first page of a campaign of [`good`] people.
pub(crate) async fn written(state: &State, campaign: &str) -> Vec<String> {
    match state.recipients(&page(campaign, "en-US/vip", "us", 0)).await {
        Ok(recipients) => recipients.into_iter().map(|recipient| recipient.email).collect(),
        Err(Error::NotFound(_)) => Vec::new(),
        Err(error) => panic!("{error}"),
    }
}
