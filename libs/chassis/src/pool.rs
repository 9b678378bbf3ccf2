//! Places for work, shared fairly among those who ask for it.
//!
//! A semaphore counts all callers together, so that one who asks often has all of its places, and all of its queue. Here
//! each caller has a share, and three rules hold where there are more who ask than places:
//!
//! * A free place goes to whoever holds the fewest, of these to whoever was served longest ago (max-min fairness). Who comes, or
//!   comes back, is behind those who wait already.
//! * Work whose end the caller decides ([`Hold::Arriving`]) gives way: where somebody comes who holds fewer, the greediest
//!   loses the place on which least has come of late. What is quick gives way once in half a minute only: it ends soon, and
//!   whoever comes often would tear all of it. Whoever waits is looked at again when that is over, and every ten seconds.
//! * Where the queue is full, the longest caller's newest request leaves it (longest queue drop, as in fair queueing of
//!   packets: Suter et al., *Design Considerations for Supporting TCP with Per-flow Queueing*, 1998).
//!
//! A caller is whatever tells them apart: the name of a key, a campaign's id.

use std::{
    fmt,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{sync::oneshot, time::timeout_at};
use tokio_util::sync::CancellationToken;

use table::Table;

mod table;

/// How many places a pool has.
#[derive(Clone, Copy, Debug)]
pub struct PoolBounds {
    /// At once, of all callers.
    pub all: usize,
    /// At once, of one caller; [`Hold::Short`] ones are not counted.
    pub each: usize,
    /// Requests that wait for a place, of all callers.
    pub waiting: usize,
}

/// Who decides how long a place is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// We do, and it ends soon.
    Short,
    /// We do, and it may take long.
    Long,
    /// The caller, who sends or takes something meanwhile: such a place may be taken away.
    Arriving,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PoolFull {
    /// This caller has their share.
    #[error("this caller has their share of the places")]
    Share,
    /// All places, or all of the queue, are taken.
    #[error("all places are taken")]
    All,
}

/// The places. Clones share them.
pub struct Pool<K>(Arc<Shared<K>>);

struct Shared<K> {
    bounds: PoolBounds,
    table: Mutex<Table<K>>,
}

impl<K> Clone for Pool<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K> fmt::Debug for Pool<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("bounds", &self.0.bounds).finish_non_exhaustive()
    }
}

impl<K> Pool<K> {
    fn table(&self) -> MutexGuard<'_, Table<K>> {
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Clone + Eq + Hash> Pool<K> {
    /// All places free.
    #[must_use]
    pub fn new(bounds: PoolBounds) -> Self {
        Self(Arc::new(Shared { bounds, table: Mutex::new(Table::default()) }))
    }

    /// A place at once. Where all are taken, one that is [`Hold::Arriving`] may give way.
    ///
    /// # Errors
    /// There is none for this caller.
    pub fn try_take(&self, caller: K, hold: Hold) -> Result<PoolPlace<K>, PoolFull> {
        let (place, mut granted) = self.ask(caller, hold, false)?;
        // It was granted, or refused already.
        granted.try_recv().unwrap_or(Err(PoolFull::All)).map(|()| place)
    }

    /// A place when it is this caller's turn. Whoever stops waiting loses the turn.
    ///
    /// # Errors
    /// The queue is full, and no other caller has more in it.
    pub async fn take(&self, caller: K, hold: Hold) -> Result<PoolPlace<K>, PoolFull> {
        let (place, mut granted) = self.ask(caller, hold, true)?;
        loop {
            let again = self.table().looks_again(place.id);
            let granted = match again {
                Some(again) => timeout_at(again, &mut granted).await,
                None => Ok((&mut granted).await),
            };
            match granted {
                Ok(answer) => return answer.unwrap_or(Err(PoolFull::All)).map(|()| place),
                // Nobody gave way when it came, which is not for good.
                Err(_) => self.table().make_room(self.0.bounds, place.id),
            }
        }
    }

    /// Takes the place away on which this caller sends least of late, if there is one: its number ([`PoolPlace::id`]).
    #[must_use]
    pub fn recall(&self, caller: &K) -> Option<u64> {
        let mut table = self.table();
        let recalled = table.recall(|held, _| held == caller);
        table.grant(self.0.bounds);
        recalled
    }

    /// A place that is there, or is waited for: it gives either up when it is dropped.
    fn ask(&self, caller: K, hold: Hold, waits: bool) -> Result<(PoolPlace<K>, Granted), PoolFull> {
        let recalled = CancellationToken::new();
        let (id, granted) = self.table().ask(self.0.bounds, caller, hold, recalled.clone(), waits)?;
        Ok((PoolPlace { pool: self.clone(), id, recalled }, granted))
    }
}

type Granted = oneshot::Receiver<Result<(), PoolFull>>;

/// A place, until this is dropped or it is taken away.
pub struct PoolPlace<K: Clone + Eq + Hash> {
    pool: Pool<K>,
    id: u64,
    recalled: CancellationToken,
}

impl<K: Clone + Eq + Hash> fmt::Debug for PoolPlace<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PoolPlace").field("id", &self.id).finish_non_exhaustive()
    }
}

impl<K: Clone + Eq + Hash> PoolPlace<K> {
    /// Its number, which no other place of the pool has or had.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// So many bytes have come, or were taken.
    pub fn moved(&self, bytes: usize) {
        self.pool.table().moved(self.id, bytes);
    }

    /// From here on the caller is not waited for, and the place is not taken away: false where it was before.
    #[must_use]
    pub fn settle(&self) -> bool {
        self.pool.table().settle(self.id)
    }

    /// Ends when the place was taken away: whatever is done on it has to stop.
    pub async fn recalled(&self) {
        self.recalled.cancelled().await;
    }

    /// Whether the place was taken away.
    #[must_use]
    pub fn is_recalled(&self) -> bool {
        self.recalled.is_cancelled()
    }
}

impl<K: Clone + Eq + Hash> Drop for PoolPlace<K> {
    fn drop(&mut self) {
        let mut table = self.pool.table();
        table.leave(self.id);
        table.grant(self.pool.0.bounds);
    }
}

#[cfg(test)]
mod tests;
