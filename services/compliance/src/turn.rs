//! The daily turn of a region's epoch: every person's key is wrapped anew, and the old epoch's key is destroyed at the
//! root, so that no old copy of the key table opens what an erased person's key had sealed.

use std::time::Duration;

use jiff::Timestamp;
use maily_keys::db::write_durable;
use slatedb::WriteBatch;
use tokio_util::sync::CancellationToken;

use crate::region::RegionState;
use crate::schema::TURNED;
use crate::{Error, State};

/// How often a region looks whether it is time.
const LOOK: Duration = Duration::from_secs(600);

impl State {
    /// Turns every region's epoch when it is `service.epoch_hours` old, until `shutdown`.
    pub async fn keep_turning(&self, shutdown: CancellationToken) {
        let mut tick = tokio::time::interval(LOOK);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = tick.tick() => {}
            }
            for (region, state) in &self.0.regions {
                match state.turn_if_due(self.0.config.epoch_hours).await {
                    Ok(None) => {}
                    Ok(Some(count)) => tracing::info!(region = region.name(), count, "the epoch turned"),
                    Err(error) => {
                        tracing::error!(region = region.name(), %error, "the epoch could not turn; trying again");
                    }
                }
            }
        }
    }
}

impl RegionState {
    /// Turns the epoch if it is `hours` old or a turn was interrupted; answers how many keys were wrapped anew.
    pub(crate) async fn turn_if_due(&self, hours: u32) -> Result<Option<u64>, Error> {
        let now = Timestamp::now().as_millisecond();
        let last = match self.db.get(TURNED).await? {
            Some(row) => row.as_ref().try_into().map_err(|_| Error::Damaged("the epoch's date"))?,
            // A new region's epoch begins now.
            None => return self.note_turn(now).await.map(|()| None),
        };
        let due = i64::from_be_bytes(last).saturating_add(i64::from(hours) * 3_600_000) <= now;
        if !due && !self.keys.is_turning() {
            return Ok(None);
        }
        let count = self.keys.turn_epoch().await?;
        self.note_turn(now).await.map(|()| Some(count))
    }

    async fn note_turn(&self, now: i64) -> Result<(), Error> {
        let mut batch = WriteBatch::new();
        batch.put(TURNED, now.to_be_bytes());
        Ok(write_durable(&self.db, batch).await?)
    }
}
