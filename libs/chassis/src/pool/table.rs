//! Who holds the places of a pool, and who waits for them.

use std::{
    cmp::Reverse,
    collections::{HashMap, VecDeque},
    hash::Hash,
    time::Duration,
};

use tokio::{sync::oneshot, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{Granted, Hold, PoolBounds, PoolFull};

/// What has come "of late": for longer than a pause of TCP, and so short that whoever stops is noticed.
const WINDOW: Duration = Duration::from_secs(10);
/// Bytes a second of what is quick.
const QUICK: u64 = 64 << 10;
/// How long no other that is quick gives way.
const PAUSE: Duration = Duration::from_secs(30);

pub(super) struct Table<K> {
    held: HashMap<u64, Held<K>>,
    /// In the order in which they came.
    waiting: VecDeque<Waiting<K>>,
    /// Of those only who hold or wait for something, so that it is never longer than the pool and its queue.
    callers: HashMap<K, Count>,
    next: u64,
    /// How many places were granted.
    turns: u64,
    /// When one that is quick gave way last.
    torn: Option<Instant>,
}

struct Held<K> {
    caller: K,
    hold: Hold,
    pace: Pace,
    recalled: CancellationToken,
}

struct Waiting<K> {
    id: u64,
    caller: K,
    hold: Hold,
    recalled: CancellationToken,
    granted: oneshot::Sender<Result<(), PoolFull>>,
}

#[derive(Clone, Copy, Default)]
struct Count {
    held: usize,
    /// Of these, those that count for the share.
    shared: usize,
    waiting: usize,
    /// The turn of the latest that was granted; of the one before they came, where none was.
    last: u64,
}

impl<K> Default for Table<K> {
    fn default() -> Self {
        let (held, waiting, callers) = (HashMap::new(), VecDeque::new(), HashMap::new());
        Self { held, waiting, callers, next: 0, turns: 0, torn: None }
    }
}

impl<K: Clone + Eq + Hash> Table<K> {
    /// A new request: granted, waiting, or refused.
    pub(super) fn ask(
        &mut self,
        bounds: PoolBounds,
        caller: K,
        hold: Hold,
        recalled: CancellationToken,
        waits: bool,
    ) -> Result<(u64, Granted), PoolFull> {
        let id = self.next;
        self.next += 1;
        let (granted, answer) = oneshot::channel();
        // Behind all who wait, but for whoever was served last: who is forgotten between two requests gains nothing by it.
        let new = Count { last: self.turns.saturating_sub(1), ..Count::default() };
        self.callers.entry(caller.clone()).or_insert(new).waiting += 1;
        self.waiting.push_back(Waiting { id, caller: caller.clone(), hold, recalled, granted });
        self.grant(bounds);
        self.make_room(bounds, id);
        if !self.is_waiting(id) {
            return Ok((id, answer));
        }
        if !waits {
            let refusal = match self.may_hold(bounds, &caller, hold) {
                true => PoolFull::All,
                false => PoolFull::Share,
            };
            self.leave(id);
            return Err(refusal);
        }
        if self.waiting.len() > bounds.waiting {
            self.shorten(&caller);
        }
        match self.is_waiting(id) {
            true => Ok((id, answer)),
            false => Err(PoolFull::All),
        }
    }

    /// Has a place given up for a request that waits, if it may have one and anybody's gives way.
    pub(super) fn make_room(&mut self, bounds: PoolBounds, id: u64) {
        let waiting = self.waiting.iter().find(|waiting| waiting.id == id);
        let Some(caller) = waiting
            .filter(|waiting| self.may_hold(bounds, &waiting.caller, waiting.hold))
            .map(|waiting| waiting.caller.clone())
        else {
            return;
        };
        let own = self.count(&caller).held;
        // One of somebody who holds just one more would only change hands, and back again.
        let held = |table: &Self, other: &K| table.count(other).held;
        let greedy: Vec<K> =
            self.callers.keys().filter(|other| held(self, other) >= own + 2).cloned().collect();
        let slow = self.recall(|other, pace| greedy.contains(other) && pace < QUICK);
        if slow.is_some() || self.recall_quick(&greedy) {
            self.grant(bounds);
        }
    }

    /// When another may have come to give way for a request, while that waits: at the end of a pause, or when whoever has stopped
    /// meanwhile is noticed.
    pub(super) fn looks_again(&self, id: u64) -> Option<Instant> {
        let now = Instant::now();
        let pause = self.torn.map(|torn| torn + PAUSE).filter(|over| *over > now);
        let soon = now + WINDOW;
        self.is_waiting(id).then(|| pause.map_or(soon, |over| over.min(soon)))
    }

    /// Gives free places to those whose turn it is.
    pub(super) fn grant(&mut self, bounds: PoolBounds) {
        while self.held.len() < bounds.all {
            let may = self.waiting.iter().enumerate();
            let may = may.filter(|(_, waiting)| self.may_hold(bounds, &waiting.caller, waiting.hold));
            let first = may.min_by_key(|(at, waiting)| {
                let count = self.count(&waiting.caller);
                (count.held, count.last, *at)
            });
            let Some(Waiting { id, caller, hold, recalled, granted }) =
                first.map(|(at, _)| at).and_then(|at| self.waiting.remove(at))
            else {
                return;
            };
            self.turns += 1;
            let turn = self.turns;
            // Whoever has stopped waiting is about to leave.
            let given = granted.send(Ok(())).is_ok();
            self.recount(&caller, |count| {
                count.waiting -= 1;
                if given {
                    (count.held, count.last) = (count.held + 1, turn);
                    count.shared += usize::from(hold != Hold::Short);
                }
            });
            if given {
                self.held.insert(id, Held { caller, hold, pace: Pace::begin(Instant::now()), recalled });
            }
        }
    }

    fn recall_quick(&mut self, greedy: &[K]) -> bool {
        let now = Instant::now();
        if self.torn.is_some_and(|torn| now.duration_since(torn) < PAUSE) {
            return false;
        }
        let quick = self.recall(|other, _| greedy.contains(other)).is_some();
        if quick {
            self.torn = Some(now);
        }
        quick
    }

    /// Takes the place away on which least has come, of the greediest of these: by the caller, and bytes a second.
    pub(super) fn recall(&mut self, among: impl Fn(&K, u64) -> bool) -> Option<u64> {
        let now = Instant::now();
        let paces = self.held.iter().filter(|(_, held)| held.hold == Hold::Arriving);
        let paces = paces.map(|(id, held)| (*id, held, held.pace.at(now)));
        let may_go = paces.filter(|(_, held, pace)| among(&held.caller, *pace));
        let least =
            may_go.min_by_key(|(id, held, pace)| (Reverse(self.count(&held.caller).held), *pace, *id));
        let id = least.map(|(id, ..)| id)?;
        if let Some(held) = self.held.get(&id) {
            held.recalled.cancel();
        }
        self.leave(id);
        Some(id)
    }

    /// Gives up a place, or a turn.
    pub(super) fn leave(&mut self, id: u64) {
        if let Some(held) = self.held.remove(&id) {
            self.recount(&held.caller, |count| {
                count.held -= 1;
                count.shared -= usize::from(held.hold != Hold::Short);
            });
        } else if let Some(at) = self.waiting.iter().position(|waiting| waiting.id == id) {
            self.refuse(at);
        }
    }

    pub(super) fn moved(&mut self, id: u64, bytes: usize) {
        if let Some(held) = self.held.get_mut(&id) {
            held.pace.moved(Instant::now(), bytes);
        }
    }

    pub(super) fn settle(&mut self, id: u64) -> bool {
        let held = self.held.get_mut(&id);
        held.map(|held| {
            if held.hold == Hold::Arriving {
                held.hold = Hold::Long;
            }
        })
        .is_some()
    }

    /// Has the newest request of whoever waits most often leave the queue; that of `newcomer` where others wait no more
    /// often.
    fn shorten(&mut self, newcomer: &K) {
        let most = self.callers.iter().max_by_key(|(caller, count)| (count.waiting, *caller == newcomer));
        let Some(longest) = most.map(|(caller, _)| caller.clone()) else { return };
        if let Some(at) = self.waiting.iter().rposition(|waiting| waiting.caller == longest) {
            self.refuse(at);
        }
    }

    fn refuse(&mut self, at: usize) {
        if let Some(waiting) = self.waiting.remove(at) {
            let _ = waiting.granted.send(Err(PoolFull::All)); // it may have gone
            self.recount(&waiting.caller, |count| count.waiting -= 1);
        }
    }

    fn is_waiting(&self, id: u64) -> bool {
        self.waiting.iter().any(|waiting| waiting.id == id)
    }

    fn may_hold(&self, bounds: PoolBounds, caller: &K, hold: Hold) -> bool {
        hold == Hold::Short || self.count(caller).shared < bounds.each
    }

    fn count(&self, caller: &K) -> Count {
        self.callers.get(caller).copied().unwrap_or_default()
    }

    fn recount(&mut self, caller: &K, change: impl FnOnce(&mut Count)) {
        if let Some(count) = self.callers.get_mut(caller) {
            change(count);
            if count.held == 0 && count.waiting == 0 {
                self.callers.remove(caller);
            }
        }
    }
}

/// How much comes, by a window that slides: what came in the one before counts by how much of it is still within.
struct Pace {
    begun: Instant,
    window: Instant,
    before: u64,
    now: u64,
}

impl Pace {
    fn begin(now: Instant) -> Self {
        Self { begun: now, window: now, before: 0, now: 0 }
    }

    fn moved(&mut self, now: Instant, bytes: usize) {
        match now.duration_since(self.window) {
            elapsed if elapsed >= 2 * WINDOW => (self.window, self.before, self.now) = (now, 0, 0),
            elapsed if elapsed >= WINDOW => {
                (self.window, self.before, self.now) = (self.window + WINDOW, self.now, 0);
            }
            _ => {}
        }
        self.now = self.now.saturating_add(bytes as u64);
    }

    /// Bytes a second, of late.
    fn at(&self, now: Instant) -> u64 {
        let elapsed = now.duration_since(self.window);
        let (before, current) = match elapsed {
            elapsed if elapsed >= 2 * WINDOW => (0, 0),
            elapsed if elapsed >= WINDOW => (self.now, 0),
            _ => (self.before, self.now),
        };
        let within = WINDOW.saturating_sub(Duration::from_millis(millis(elapsed) % millis(WINDOW)));
        let bytes = before.saturating_mul(millis(within)) / millis(WINDOW);
        // Of one that has just begun, nothing can be said yet.
        let over = now.duration_since(self.begun).clamp(Duration::from_secs(1), WINDOW);
        bytes.saturating_add(current).saturating_mul(1_000) / millis(over)
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
impl<K> Table<K> {
    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty() && self.waiting.is_empty() && self.callers.is_empty()
    }
}
