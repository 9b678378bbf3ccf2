//! When an epoch is rotated: one scheduler for every service that has a [`KeyTable`].
//!
//! An epoch is due when it is as old as the service's configuration says, or when a rotation of it was interrupted. Its
//! age counts from when the rotation that made it *began*: a key that was destroyed before is wrapped in it nowhere, one
//! that is destroyed later may be, and is ended by the next. The service keeps that moment in a row of its own database.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use maily_store::db;
use slatedb::{Db, WriteBatch};
use tokio_util::sync::CancellationToken;

use crate::{Error, KeyTable};

/// What time it is: the system's clock, or a test's.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What is rotated: a key table, and whatever else is wrapped under its epoch.
pub trait EpochRotation: Send + Sync {
    /// Why a rotation failed.
    type Error: fmt::Display + From<Error> + From<slatedb::Error> + Send;

    /// The table.
    fn keys(&self) -> &KeyTable;

    /// Where the moment is kept when the last rotation began: a database, and the name of a row in it (milliseconds since
    /// 1970, 8 bytes, big-endian).
    fn began(&self) -> (&Db, &'static [u8]);

    /// Ends a rotation that was begun: whatever is wrapped elsewhere ([`KeyTable::wrap`]) is re-wrapped, then
    /// [`KeyTable::finish_turn`] called. Answers how many keys were re-wrapped.
    ///
    /// # Errors
    /// Any; calling again goes on with it.
    fn finish(&self) -> impl Future<Output = Result<u64, Self::Error>> + Send;
}

/// When epochs are rotated, and by which clock.
#[derive(Clone)]
pub struct RotationSchedule {
    every: SignedDuration,
    clock: Clock,
}

/// What came of a look at an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Looked {
    /// How many keys were re-wrapped, where it was due.
    pub rotated: Option<u64>,
    /// For how long there is nothing to do; at most [`RotationSchedule::LOOK`].
    pub wait: SignedDuration,
}

impl RotationSchedule {
    /// The longest wait for the next look, and the one before a rotation that failed is tried again.
    pub const LOOK: SignedDuration = SignedDuration::from_mins(10);

    /// Rotations every `hours`. At 0 an epoch is due at each look.
    #[must_use]
    pub fn new(hours: u32, clock: Clock) -> Self {
        Self { every: SignedDuration::from_hours(i64::from(hours)), clock }
    }

    /// Rotates an epoch whenever it is due, until `shutdown`.
    pub async fn keep<E: EpochRotation>(&self, epoch: &E, shutdown: CancellationToken) {
        let region = epoch.keys().inner.scope.region();
        let mut wait = Duration::ZERO;
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(wait) => {}
            }
            let looked = self.look(epoch).await;
            wait = looked.as_ref().map_or(Self::LOOK, |looked| looked.wait).unsigned_abs();
            match looked {
                Ok(Looked { rotated: None, .. }) => {}
                Ok(Looked { rotated: Some(count), .. }) => tracing::info!(region, count, "the epoch turned"),
                Err(error) => tracing::error!(region, %error, "the epoch could not turn; trying again"),
            }
        }
    }

    /// Looks at an epoch once, and rotates it if it is due. One that was never looked at begins now.
    ///
    /// # Errors
    /// Any; the next look goes on with it.
    pub async fn look<E: EpochRotation>(&self, epoch: &E) -> Result<Looked, E::Error> {
        let now = (self.clock)();
        let Some(last) = read(epoch).await? else {
            note(epoch, now).await?;
            return Ok(Looked { rotated: None, wait: self.wait(now, now) });
        };
        if after(last, self.every) > now && !epoch.keys().is_turning() {
            return Ok(Looked { rotated: None, wait: self.wait(last, now) });
        }
        let rotated = Some(rotate(epoch, now).await?);
        Ok(Looked { rotated, wait: self.wait(read(epoch).await?.unwrap_or(now), now) })
    }

    /// Until it is due. What is due still, at 0 hours or by an old date, waits for the next look: nothing turns in circles.
    fn wait(&self, last: Timestamp, now: Timestamp) -> SignedDuration {
        let left = after(last, self.every).duration_since(now);
        if left.is_positive() { left.min(Self::LOOK) } else { Self::LOOK }
    }

    /// By when a key that was destroyed before this call can be opened in no copy any more: when the next rotation begins
    /// at the latest, and [`Self::LOOK`] for it to end or to be tried a second time. It does not hold while the service is
    /// down, or its root keys are out of reach.
    ///
    /// # Errors
    /// The date can't be read.
    pub async fn done_by<E: EpochRotation>(&self, epoch: &E) -> Result<Timestamp, E::Error> {
        // In this order: a rotation that began since is one that ends the key, and its date is no earlier than the old one.
        let under_way = epoch.keys().is_turning();
        let last = read(epoch).await?;
        let now = (self.clock)();
        let begins = match last {
            // The one that is under way may have re-wrapped the key already.
            Some(_) if under_way => after(now, self.every),
            Some(last) => after(last, self.every).max(now),
            None => after(after(now, Self::LOOK), self.every),
        };
        Ok(after(begins, Self::LOOK))
    }
}

impl fmt::Debug for RotationSchedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RotationSchedule").field("every", &self.every).finish_non_exhaustive()
    }
}

/// Rotates an epoch `now`, however old it is, or goes on with a rotation that was interrupted; answers how many keys were
/// re-wrapped.
///
/// # Errors
/// Any; calling again goes on with it.
pub async fn rotate<E: EpochRotation>(epoch: &E, now: Timestamp) -> Result<u64, E::Error> {
    let interrupted = epoch.keys().is_turning();
    epoch.keys().begin_turn().await?;
    // The epoch of an interrupted rotation is as old as that: its date stands, and an earlier one makes it due again.
    if !interrupted {
        note(epoch, now).await?;
    }
    epoch.finish().await
}

async fn read<E: EpochRotation>(epoch: &E) -> Result<Option<Timestamp>, E::Error> {
    let (db, row) = epoch.began();
    let Some(found) = db.get(row).await? else { return Ok(None) };
    let millis = found.as_ref().try_into().ok().map(i64::from_be_bytes);
    let began = millis.and_then(|millis| Timestamp::from_millisecond(millis).ok());
    Ok(Some(began.ok_or_else(|| Error::Invalid("the epoch's date is damaged".into()))?))
}

async fn note<E: EpochRotation>(epoch: &E, now: Timestamp) -> Result<(), E::Error> {
    let (db, row) = epoch.began();
    let mut batch = WriteBatch::new();
    batch.put(row, now.as_millisecond().to_be_bytes());
    Ok(db::write_durable(db, batch).await?)
}

fn after(at: Timestamp, duration: SignedDuration) -> Timestamp {
    at.saturating_add(duration).unwrap_or(Timestamp::MAX)
}
