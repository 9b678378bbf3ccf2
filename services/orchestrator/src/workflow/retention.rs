//! The end of a campaign's messages: days after it has ended, and after its planned send, its sealed segments go.
//!
//! What is due follows from what lies in storage, looked at when the service starts and then daily. So it needs no
//! workflow that came to its end, and no folder of Restate's that was never lost. Whatever ends a sweep midway, the next one
//! goes on with what is left; two processes at once remove the same.
//!
//! What goes is gone, so a clock is not believed at once that has leapt ahead ([`KnownClock`]). What is known of it is the name of
//! an object, for objects never change: a look writes the next and removes the one before.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use maily_law::{KnownClock, Moment, Region, When};
use restate_sdk::prelude::*;
use serde::Deserialize;
use tracing::{info, warn};

use super::{
    Deps, Keys,
    ending::{self, End},
};
use crate::{
    campaign::CampaignId,
    metrics,
    peers::{Bucket, PeerError},
    restate::{Ingress, Outcome, RestateError},
};

/// Before what is known of the clock; no campaign has such a name.
const CLOCK: &str = "_clock/";
const DAILY: Duration = Duration::from_secs(86_400);
/// After a sweep that had to leave something for later.
const LATER: Duration = Duration::from_secs(600);

/// Removes messages whose time is over.
pub(crate) struct Sweep {
    pub(crate) deps: Arc<Deps>,
    pub(crate) ingress: Ingress,
    /// How long messages are kept.
    pub(crate) kept: Duration,
}

/// What a sweep did.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Swept {
    /// Segments that were removed.
    pub(crate) segments: u64,
    /// Campaigns and regions of which it could not be said what is due.
    pub(crate) left: u64,
}

/// Why it can't be said of a campaign.
#[derive(Debug, thiserror::Error)]
enum SweepError {
    #[error(transparent)]
    Peer(#[from] PeerError),
    #[error(transparent)]
    Restate(#[from] RestateError),
}

/// Of campaign.json, whichever revision wrote it.
#[derive(Deserialize)]
struct Planned {
    settings: PlannedSettings,
}

#[derive(Deserialize)]
struct PlannedSettings {
    #[serde(default)]
    as_of: String,
}

impl Sweep {
    /// Sweeps at once and then every day, for as long as it is polled.
    pub(crate) async fn run(self) {
        let mut last: Option<Instant> = None;
        loop {
            let passed = last.replace(Instant::now()).map_or(Duration::ZERO, |last| last.elapsed());
            let swept = self.look(Timestamp::now(), passed).await;
            if swept.segments > 0 {
                info!(segments = swept.segments, "messages whose time was over were removed");
            }
            tokio::time::sleep(if swept.left == 0 { DAILY } else { LATER }).await;
        }
    }

    /// [`Self::once`], where the clock is believed; `passed` is the time since this process looked last.
    pub(crate) async fn look(&self, now: Timestamp, passed: Duration) -> Swept {
        let is_believed = match self.believes(now, passed).await {
            Ok(is_believed) => is_believed,
            Err(error) => {
                warn!(%error, "it can't be told whether the clock is right: no old messages are removed");
                return Swept { segments: 0, left: 1 };
            }
        };
        metrics::messages_held(!is_believed);
        if is_believed {
            return self.once(now).await;
        }
        warn!(
            "the clock is more than 30 days ahead of the last look at old messages: none is removed until it has gone on \
             steadily for 6 hours"
        );
        Swept { segments: 0, left: 1 }
    }

    async fn believes(&self, now: Timestamp, passed: Duration) -> Result<bool, PeerError> {
        let kept = self.deps.objects.list(&Bucket::Campaigns, CLOCK).await?;
        // A look that ended midway has left two, and two processes may: by the one that lets less go.
        let known = kept.iter().filter_map(|object| read_clock(&object.key));
        let known = match known.min_by_key(|clock| (clock.believed, clock.steady)) {
            Some(known) => known,
            // Nobody ever looked: what was written last was written before now.
            None => {
                let all = self.deps.objects.list(&Bucket::Campaigns, "").await?;
                let newest = all.into_iter().map(|object| object.written).max();
                newest.map(KnownClock::at).unwrap_or_default()
            }
        };
        let passed = SignedDuration::try_from(passed).unwrap_or(SignedDuration::MAX);
        let (clock, is_believed) = known.look(now, passed);
        let key = clock_key(&clock);
        self.deps.objects.create(&Bucket::Campaigns, &key, Bytes::from_static(b"1")).await?;
        for object in kept.iter().filter(|object| object.key != key) {
            self.deps.objects.remove_all(&Bucket::Campaigns, &object.key).await?;
        }
        Ok(is_believed)
    }

    /// Removes what is due at `now`. What can't be told of one campaign keeps no other from its end.
    pub(crate) async fn once(&self, now: Timestamp) -> Swept {
        let mut swept = Swept::default();
        for region in Region::ALL {
            let bucket = Bucket::Mail(region.name().to_owned());
            if let Err(error) = self.region(&bucket, now, &mut swept).await {
                warn!(region = region.name(), %error, "old messages can't be looked for");
                swept.left += 1;
            }
        }
        swept
    }

    /// Page by page: only campaigns that have messages are looked at, however many there ever were.
    async fn region(&self, bucket: &Bucket, now: Timestamp, swept: &mut Swept) -> Result<(), SweepError> {
        let mut from = None;
        loop {
            let page = self.deps.objects.folders(bucket, from).await?;
            for name in page.names {
                // Another name is no campaign's, and so not ours to remove.
                let Ok(id) = CampaignId::try_from(name) else { continue };
                match self.campaign(bucket, &id, now).await {
                    Ok(segments) => swept.segments += segments,
                    Err(error) => {
                        warn!(campaign = %id, %error, "it can't be said whether messages are to go");
                        swept.left += 1;
                    }
                }
            }
            from = page.next;
            if from.is_none() {
                return Ok(());
            }
        }
    }

    async fn campaign(&self, bucket: &Bucket, id: &CampaignId, now: Timestamp) -> Result<u64, SweepError> {
        let Some(over) = self.over(bucket, id).await? else { return Ok(0) };
        // Days beyond the calendar's end never come.
        let is_due = over.checked_add(self.kept).is_ok_and(|due| due <= now);
        match is_due {
            true => Ok(self.deps.objects.remove_all(bucket, &Keys(id).all()).await?),
            false => Ok(0),
        }
    }

    /// The moment from which on days count; none for a campaign that goes on, or whose end is known only now.
    async fn over(&self, bucket: &Bucket, id: &CampaignId) -> Result<Option<Timestamp>, SweepError> {
        let keys = Keys(id);
        let objects = self.deps.objects.list(&Bucket::Campaigns, &keys.all()).await?;
        let written =
            |key: String| objects.iter().find(|object| object.key == key).map(|object| object.written);
        // Campaigns of before have a report alone.
        let ended = match written(keys.end()).max(written(keys.report())) {
            Some(ended) => ended,
            None => match self.unfinished(bucket, id).await? {
                Some(last) => last,
                None => return Ok(None),
            },
        };
        let campaign: Option<Planned> = self.deps.objects.read_json(&keys.campaign()).await?;
        let planned = campaign.and_then(|campaign| Moment::parse(&campaign.settings.as_of).ok());
        // What is planned later was never allowed, but campaigns of before could say so.
        let latest = ended.checked_add(When::AHEAD).unwrap_or(Timestamp::MAX);
        Ok(Some(planned.map_or(ended, |planned| planned.instant().clamp(ended, latest))))
    }

    /// The last that was done for a campaign without an end, unless its workflow goes on. An end that Restate alone knows is
    /// kept from here on.
    async fn unfinished(&self, bucket: &Bucket, id: &CampaignId) -> Result<Option<Timestamp>, SweepError> {
        match self.ingress.outcome("Campaign", id.as_str()).await? {
            Outcome::Running => Ok(None),
            Outcome::Failed(message) => {
                ending::settle(&self.deps, id, End::failed(&message)).await?;
                Ok(None)
            }
            // Restate's folder was lost, or it forgot before anybody asked.
            Outcome::Unknown | Outcome::Done => {
                let segments = self.deps.objects.list(bucket, &Keys(id).all()).await?;
                Ok(segments.into_iter().map(|segment| segment.written).max())
            }
        }
    }
}

/// Milliseconds, the last two while the clock is not believed. No such name is the beginning of another.
fn clock_key(clock: &KnownClock) -> String {
    let believed = clock.believed.unwrap_or_default().as_millisecond();
    match clock.shown {
        None => format!("{CLOCK}{believed}."),
        Some(shown) => {
            format!("{CLOCK}{believed}_{}_{}.", shown.as_millisecond(), clock.steady.as_millis())
        }
    }
}

fn read_clock(key: &str) -> Option<KnownClock> {
    let mut numbers = key.strip_prefix(CLOCK)?.strip_suffix('.')?.split('_').map(str::parse::<i64>);
    let mut next = || numbers.next()?.ok();
    let clock = KnownClock::at(Timestamp::from_millisecond(next()?).ok()?);
    let Some(shown) = next() else { return Some(clock) };
    let shown = Some(Timestamp::from_millisecond(shown).ok()?);
    Some(KnownClock { shown, steady: SignedDuration::from_millis(next()?), ..clock })
}

/// How long messages are kept; none for good.
pub(crate) fn after(days: u32) -> Option<Duration> {
    (days > 0).then(|| Duration::from_secs(u64::from(days) * 86_400))
}

/// Answers the delayed calls that ended campaigns of before have left in Restate: the sweep does what they were for.
#[derive(Clone)]
pub(crate) struct Retention;

#[restate_sdk::service(name = "Retention", client_visibility = "pub(crate)")]
impl Retention {
    #[handler]
    async fn retire(&self, _ctx: Context<'_>, _id: String) -> HandlerResult<u64> {
        Ok(0)
    }
}
