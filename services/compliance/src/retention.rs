//! What is old goes: rows of imports, rows of people who were not written to, lines that could not be read.
//!
//! Ages are days since the import ([`crate::Retention`]). Counts, the suppression list and the ledger stay.
//!
//! What goes is gone, so a clock is not believed at once that has leapt ahead ([`LEAP`]): it may be wrong, or the platform
//! was off for so long. Nothing is removed until it has gone on steadily for a while ([`STEADY`]), in which whoever
//! keeps it sets it right, or reads why in the log and in `maily_compliance_retention_held`.

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
/// By more than this, since it was believed last, a clock has leapt.
const LEAP: SignedDuration = SignedDuration::from_hours(30 * 24);
/// For how long it then has to agree with the time that passes.
const STEADY: Duration = Duration::from_secs(6 * 3_600);
/// By how much it may be set meanwhile.
const SET: SignedDuration = SignedDuration::from_mins(5);

impl State {
    /// Removes what is old, every hour, until `shutdown`.
    pub async fn keep_retention(&self, shutdown: CancellationToken) {
        let (mut tick, mut watch) = (tokio::time::interval(LOOK), Watch::default());
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = tick.tick() => {}
            }
            match self.look(&mut watch, Instant::now()).await {
                Ok(Some(0)) => {}
                Ok(Some(rows)) => tracing::info!(rows, "rows were removed when their time was over"),
                Ok(None) => tracing::warn!(
                    "the clock is more than 30 days ahead of when it was last looked at what is old: nothing is removed \
                     until it has gone on steadily for 6 hours"
                ),
                Err(error) => tracing::error!(%error, "what is old could not be removed; trying again"),
            }
        }
    }

    /// Removes what is old, where the clock is believed; answers how many rows then.
    async fn look(&self, watch: &mut Watch, at: Instant) -> Result<Option<u64>, Error> {
        let now = self.0.now();
        let mut last = self.0.campaigns.looked().await?;
        if last.is_none() {
            for region in self.0.regions.values() {
                last = last.max(region.ledger.newest_at().await?);
            }
        }
        let believed = watch.believes(last, now, at);
        self.0.metrics.retention_held.record(u64::from(!believed), &[]);
        if !believed {
            return Ok(None);
        }
        self.0.campaigns.note_looked(now).await?;
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
        if is_over(imported, now, retention.imports_days) {
            return self.remove(campaign, Which::All, WHY).await;
        }
        if is_over(imported, now, retention.excluded_days) {
            return self.remove(campaign, Which::Excluded, WHY).await;
        }
        Ok(0)
    }
}

/// Whether so many days have passed.
fn is_over(imported: Timestamp, now: Timestamp, days: u32) -> bool {
    let age = now.as_second().saturating_sub(imported.as_second());
    days > 0 && age >= i64::from(days) * 86_400
}

/// Whether a clock is believed.
#[derive(Default)]
struct Watch {
    /// Where it was when a leap was seen, or when it was set behind that.
    since: Option<(Timestamp, Instant)>,
}

impl Watch {
    /// `last` is when it was believed last, `at` the time that passes.
    fn believes(&mut self, last: Option<Timestamp>, now: Timestamp, at: Instant) -> bool {
        if last.is_none_or(|last| now.duration_since(last) <= LEAP) {
            self.since = None;
            return true;
        }
        let (shown, began) = *self.since.get_or_insert((now, at));
        let passed = at.saturating_duration_since(began);
        let wanted = SignedDuration::try_from(passed).unwrap_or(SignedDuration::MAX);
        if now.duration_since(shown).saturating_sub(wanted).abs() > SET {
            self.since = Some((now, at));
            return false;
        }
        passed >= STEADY
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use bytes::Bytes;
    use maily_keys::LocalKeyring;

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

    #[test]
    fn a_clock_that_leaps_is_believed_when_it_has_gone_on_steadily() {
        let (mut watch, began) = (Watch::default(), Instant::now());
        assert!(watch.believes(None, hours(0), began), "there is nothing");
        let last = Some(hours(0));
        assert!(watch.believes(last, hours(-9_000), began) && watch.believes(last, hours(720), began));
        let leap = 8_760;
        for passed in 0..6 {
            assert!(
                !watch.believes(last, hours(leap + i64::from(passed)), began + HOUR * passed),
                "{passed}"
            );
        }
        // Set by a day in between: from there anew.
        assert!(!watch.believes(last, hours(leap + 30), began + HOUR * 6));
        assert!(!watch.believes(last, hours(leap + 35), began + HOUR * 11));
        assert!(watch.believes(last, hours(leap + 36), began + HOUR * 12));
        // Set right.
        assert!(watch.believes(last, hours(13), began + HOUR * 13));
        assert!(!watch.believes(last, hours(leap), began + HOUR * 14), "another leap");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn nothing_goes_by_a_clock_that_is_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config { keyring: folder.path().join("keyring.json"), ..Config::default() };
        let now = Arc::new(AtomicI64::new(0));
        let open = async || {
            let roots = Arc::new(LocalKeyring::open(&config.keyring).unwrap());
            let now = Arc::clone(&now);
            let clock = Arc::new(move || hours(now.load(Ordering::SeqCst)));
            State::open_with(&config, &folder.path().join("data"), roots, clock).await.unwrap()
        };
        let began = Instant::now();
        let state = open().await;
        let sender = Sender { country: "US", address: "news@brand.example" };
        let list = futures::stream::iter([Ok(Bytes::from(LIST))]);
        state.import("c", "", sender, list).await.unwrap();
        assert_eq!(state.look(&mut Watch::default(), began).await.unwrap(), Some(0));
        state.close().await;
        // Four years later, and something is put on record by then.
        now.store(4 * 8_760, Ordering::SeqCst);
        let (state, mut watch) = (open().await, Watch::default());
        assert_eq!(state.look(&mut watch, began).await.unwrap(), None);
        let order = crate::Order { caller: "olga".into(), reason: "asked".into() };
        state.suppress("b@b.us", order).await.unwrap();
        assert_eq!(state.look(&mut watch, began + HOUR).await.unwrap(), None, "the clock stands");
        assert_eq!(state.find("a@b.us").await.unwrap().rows.len(), 1);
        now.fetch_add(6, Ordering::SeqCst);
        assert_eq!(state.look(&mut watch, began + HOUR * 7).await.unwrap(), Some(1));
        assert_eq!(state.look(&mut watch, began + HOUR * 7).await.unwrap(), Some(0));
        assert_eq!(state.find("a@b.us").await.unwrap().rows.len(), 0);
        state.close().await;
    }
}
