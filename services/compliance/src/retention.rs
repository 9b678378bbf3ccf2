//! What is old goes: rows of imports, rows of people who were not written to, lines that could not be read.
//!
//! Ages are days since the import ([`crate::Retention`]). Counts, the suppression list and the ledger stay.
//!
//! What goes is gone, so a clock is not believed at once that has leapt ahead ([`maily_law::KnownClock`]). Meanwhile nothing is removed,
//! and whoever keeps it reads why in the log and in `maily_compliance_retention_held`.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::records::Campaign;
use crate::state::Inner;
use crate::subjects::Which;
use crate::{Error, State};

/// How often it is looked at what is old.
const LOOK: Duration = Duration::from_secs(3_600);
const WHY: &str = "its time was over";
/// Likewise, while the clock is not believed: a process that lives for minutes counts, too.
const LOOK_AGAIN: Duration = Duration::from_secs(300);
/// How often the log says so.
const WARN: Duration = Duration::from_secs(3_600);

impl State {
    /// Removes what is old, every hour, until `shutdown`.
    pub async fn keep_retention(&self, shutdown: CancellationToken) {
        let (mut last, mut warned) = (None, None::<Instant>);
        loop {
            let next = match self.look(&mut last, Instant::now()).await {
                Ok(Some(rows)) => {
                    if rows > 0 {
                        tracing::info!(rows, "rows were removed when their time was over");
                    }
                    LOOK
                }
                Ok(None) => {
                    if warned.is_none_or(|warned| warned.elapsed() >= WARN) {
                        tracing::warn!(
                            "the clock is more than 30 days ahead of when it was last looked at what is old: nothing is \
                             removed until it has gone on steadily for 6 hours"
                        );
                        warned = Some(Instant::now());
                    }
                    LOOK_AGAIN
                }
                Err(error) => {
                    tracing::error!(%error, "what is old could not be removed; trying again");
                    LOOK
                }
            };
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(next) => {}
            }
        }
    }

    /// Removes what is old, where the clock is believed; answers how many rows then. `last` is when this process looked last,
    /// `at` is now, by the time that passes.
    async fn look(&self, last: &mut Option<Instant>, at: Instant) -> Result<Option<u64>, Error> {
        let passed = last.replace(at).map_or(Duration::ZERO, |last| at.saturating_duration_since(last));
        let passed = SignedDuration::try_from(passed).unwrap_or(SignedDuration::MAX);
        let known = self.0.campaigns.clock().await?;
        let (clock, is_believed) = known.look(self.0.now(), passed);
        self.0.metrics.retention_held.record(u64::from(!is_believed), &[]);
        if clock != known {
            self.0.campaigns.note_clock(&clock).await?;
        }
        if !is_believed {
            return Ok(None);
        }
        self.retire().await.map(Some)
    }

    /// Removes what is old now; answers how many rows.
    ///
    /// # Errors
    /// A database or a key; the rest goes the next time.
    pub async fn retire(&self) -> Result<u64, Error> {
        let (mut rows, mut failed) = (0, None);
        for campaign in self.0.campaigns.all().await? {
            match self.0.retire(&campaign).await {
                Ok(removed) => rows += removed,
                // One campaign that is damaged keeps nobody else's data.
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        match failed {
            None => Ok(rows),
            Some(error) => Err(error),
        }
    }
}

impl Inner {
    async fn retire(&self, campaign: &Campaign) -> Result<u64, Error> {
        let imported = campaign.when()?.import();
        let now = self.now();
        let retention = self.config.retention;
        if is_over(imported, now, retention.invalid_days) && !campaign.invalid_removed {
            self.campaigns.forget_invalid(campaign).await?;
        }
        if is_over(imported, now, retention.imports_days) && !campaign.refused.is_empty() {
            return self.forget_refused(campaign).await;
        }
        if is_over(imported, now, retention.imports_days) {
            return self.remove(campaign, Which::All, WHY).await;
        }
        if is_over(imported, now, retention.excluded_days) {
            return self.remove(campaign, Which::Excluded, WHY).await;
        }
        Ok(0)
    }
}

impl Inner {
    /// Nothing of it was kept but its objections, and they stay.
    async fn forget_refused(&self, campaign: &Campaign) -> Result<u64, Error> {
        let _alone = self.alone.undoing.lock().await;
        let Some(found) = self.finished(&campaign.id).await? else { return Ok(0) };
        // What is being taken back is taken back first.
        if found.undone_at.is_empty() || found.is_undone {
            self.campaigns.forget_refused(&found).await?;
        }
        Ok(0)
    }
}

/// Whether so many days have passed.
fn is_over(imported: Timestamp, now: Timestamp, days: u32) -> bool {
    let age = now.as_second().saturating_sub(imported.as_second());
    days > 0 && age >= i64::from(days) * 86_400
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use bytes::Bytes;
    use maily_keys::LocalKeyring;
    use maily_law::KnownClock;
    use tempfile::TempDir;

    use super::*;
    use crate::{Config, Sender};

    const HOUR: Duration = Duration::from_secs(3_600);
    const LIST: &str = "\
id,email,first_name,country,locale,segment,birth_year,consent,consent_at,consent_source,suppressed
1,a@b.us,Ada,US,en-US,vip,1980,express,2025-01-01T00:00:00Z,form,false
";

    fn hours(hours: i64) -> Timestamp {
        "2026-04-01T07:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_hours(hours)
    }

    /// Where a state is opened, and opened again, by a clock that is set to [`hours`].
    struct Place {
        folder: TempDir,
        now: Arc<AtomicI64>,
    }

    impl Place {
        fn new() -> Self {
            Self { folder: tempfile::tempdir().unwrap(), now: Arc::default() }
        }

        async fn open(&self) -> State {
            let keyring = self.folder.path().join("keyring.json");
            let roots = Arc::new(LocalKeyring::open(&keyring).unwrap());
            let now = Arc::clone(&self.now);
            let clock = Arc::new(move || hours(now.load(Ordering::SeqCst)));
            let config = Config { keyring, ..Config::default() };
            State::open_with(&config, &self.folder.path().join("data"), roots, clock).await.unwrap()
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn nothing_goes_by_a_clock_that_is_not_believed() {
        let place = Place::new();
        let began = Instant::now();
        let state = place.open().await;
        let sender = Sender { country: "US", address: "news@brand.example" };
        let list = futures::stream::iter([Ok(Bytes::from(LIST))]);
        state.import("c", "", sender, list).await.unwrap();
        assert_eq!(state.look(&mut None, began).await.unwrap(), Some(0));
        state.close().await;
        // Four years later, and something is put on record by then.
        place.now.store(4 * 8_760, Ordering::SeqCst);
        let (state, mut watch) = (place.open().await, None);
        assert_eq!(state.look(&mut watch, began).await.unwrap(), None);
        let order = crate::Order { caller: "olga".into(), reason: "asked".into() };
        state.suppress("b@b.us", order).await.unwrap();
        assert_eq!(state.look(&mut watch, began + HOUR).await.unwrap(), None, "the clock stands");
        assert_eq!(state.find("a@b.us").await.unwrap().rows.len(), 1);
        place.now.fetch_add(6, Ordering::SeqCst);
        assert_eq!(state.look(&mut watch, began + HOUR * 7).await.unwrap(), Some(1));
        assert_eq!(state.look(&mut watch, began + HOUR * 7).await.unwrap(), Some(0));
        assert_eq!(state.find("a@b.us").await.unwrap().rows.len(), 0);
        state.close().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_refused_list_is_forgotten_and_its_objections_are_not() {
        let place = Place::new();
        let state = place.open().await;
        let sender = Sender { country: "US", address: "news@brand.example" };
        for _ in 0..2 {
            let list = LIST.replace("US", "nowhere").replace("express", "withdrawn");
            let list = futures::stream::iter([Ok(Bytes::from(list))]);
            assert!(matches!(state.import("c", "", sender, list).await, Err(Error::List(_))));
            assert_eq!(state.imports().await.unwrap().imports.len(), 1, "the same is kept once");
        }
        state.retire().await.unwrap();
        assert_eq!(state.imports().await.unwrap().imports.len(), 1);
        place.now.store(4 * 8_760, Ordering::SeqCst);
        state.retire().await.unwrap();
        assert_eq!(state.imports().await.unwrap().imports.len(), 0);
        assert!(state.find("a@b.us").await.unwrap().suppressed);
        state.verify().await.unwrap();
        state.close().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_list_that_was_refused_again_is_found_when_the_first_is_forgotten() {
        let place = Place::new();
        let state = place.open().await;
        let sender = Sender { country: "US", address: "news@brand.example" };
        let over = 3 * 365 * 24;
        // The last one within an hour of the one before, which it repeats.
        for (hour, kept) in [(0, 1), (over - 1, 2), (over, 1)] {
            place.now.store(hour, Ordering::SeqCst);
            state.retire().await.unwrap();
            let list = LIST.replace("US", "nowhere").replace("express", "withdrawn");
            let list = futures::stream::iter([Ok(Bytes::from(list))]);
            assert!(matches!(state.import("c", "", sender, list).await, Err(Error::List(_))));
            assert_eq!(state.imports().await.unwrap().imports.len(), kept, "hour {hour}");
        }
        state.verify().await.unwrap();
        state.close().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_put_on_record_by_a_wrong_clock_makes_it_no_truer() {
        let place = Place::new();
        let began = Instant::now();
        let state = place.open().await;
        let sender = Sender { country: "US", address: "news@brand.example" };
        let list = futures::stream::iter([Ok(Bytes::from(LIST))]);
        state.import("c", "", sender, list).await.unwrap();
        // Nobody has ever looked: it is the first start with this revision, and the clock is wrong.
        assert_eq!(state.0.campaigns.clock().await.unwrap(), KnownClock::default());
        state.close().await;
        place.now.store(10 * 8_760, Ordering::SeqCst);
        let (mut state, mut watch) = (place.open().await, None);
        let order = || crate::Order { caller: "olga".into(), reason: "asked".into() };
        state.suppress("b@b.us", order()).await.unwrap();
        assert_eq!(state.look(&mut watch, began).await.unwrap(), None);
        state.suppress("b@b.us", order()).await.unwrap();
        place.now.fetch_add(1, Ordering::SeqCst);
        assert_eq!(state.look(&mut watch, began + HOUR).await.unwrap(), None);
        // Sessions of two hours and of one: what was steady adds up.
        for passed in [2, 1, 1] {
            state.close().await;
            place.now.fetch_add(20, Ordering::SeqCst);
            (state, watch) = (place.open().await, None);
            assert_eq!(state.look(&mut watch, began).await.unwrap(), None);
            place.now.fetch_add(i64::from(passed), Ordering::SeqCst);
            assert_eq!(state.look(&mut watch, began + HOUR * passed).await.unwrap(), None);
        }
        place.now.fetch_add(1, Ordering::SeqCst);
        assert_eq!(state.look(&mut watch, began + HOUR * 2).await.unwrap(), Some(1));
        state.close().await;
    }
}
