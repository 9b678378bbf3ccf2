//! What is old goes: rows of imports, rows of people who were not written to, lines that could not be read.
//!
//! Ages are days since the import ([`crate::Retention`]). Counts, the suppression list and the ledger stay.

use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::records::Campaign;
use crate::state::Inner;
use crate::subjects::Which;
use crate::{Error, State};

/// How often it is looked at what is old.
const LOOK: Duration = Duration::from_secs(3_600);
const WHY: &str = "its time was over";

impl State {
    /// Removes what is old, every hour, until `shutdown`.
    pub async fn keep_retention(&self, shutdown: CancellationToken) {
        let mut tick = tokio::time::interval(LOOK);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = tick.tick() => {}
            }
            match self.retire().await {
                Ok(0) => {}
                Ok(rows) => tracing::info!(rows, "rows were removed when their time was over"),
                Err(error) => tracing::error!(%error, "what is old could not be removed; trying again"),
            }
        }
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
