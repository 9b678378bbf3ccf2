//! The end of a campaign's messages: days after it has ended, and after its planned send, its sealed segments go.
//!
//! What is due follows from what lies in storage, looked at when the service starts and then daily. So it needs no
//! workflow that came to its end, and no folder of Restate's that was never lost. Whatever ends a sweep midway, the next one
//! goes on with what is left; two processes at once remove the same.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use maily_law::{Moment, Region, When};
use restate_sdk::prelude::*;
use serde::Deserialize;
use tracing::{info, warn};

use super::{
    Deps, Keys,
    ending::{self, End},
};
use crate::{
    campaign::CampaignId,
    peers::{Bucket, PeerError},
    restate::{Ingress, Outcome, RestateError},
};

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
        loop {
            let swept = self.once(Timestamp::now()).await;
            if swept.segments > 0 {
                info!(segments = swept.segments, "messages whose time was over were removed");
            }
            tokio::time::sleep(if swept.left == 0 { DAILY } else { LATER }).await;
        }
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
