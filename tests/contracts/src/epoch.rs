//! An epoch of keys that is rotated by date: what holds for every service that keeps one (`maily_keys::RotationSchedule`).
//!
//! Times are in milliseconds since 1970; the clock is the check's.

/// Hours after which it is due.
pub const HOURS: u32 = 24;
/// Keys that each rotation wraps anew.
pub const KEYS: u64 = 3;

/// Some date.
const START: i64 = 1_772_366_400_000;
const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = HOURS as i64 * HOUR;
/// The longest wait for the next look.
const LOOK: i64 = 10 * MINUTE;

/// What keeps the contract: an epoch with [`KEYS`] keys that nobody has looked at, rotated every [`HOURS`].
pub trait Epoch: Sync {
    /// From now on it is `at`.
    fn set_clock(&self, at: i64);

    /// Has the scheduler look once; how many keys were wrapped anew if it was due, and how long it waits for the next look.
    fn look(&self) -> impl Future<Output = (Option<u64>, i64)> + Send;

    /// Begins a rotation, as one that was killed before its end.
    fn interrupt(&self) -> impl Future<Output = ()> + Send;

    /// By when a key that is destroyed now can be opened in no copy any more.
    fn done_by(&self) -> impl Future<Output = i64> + Send;
}

/// Looks at a date; whether it was rotated.
async fn look(epoch: &impl Epoch, at: i64) -> Option<u64> {
    epoch.set_clock(at);
    epoch.look().await.0
}

/// An epoch of before there were dates, too, has the whole time ahead of it.
pub async fn a_new_epoch_begins_when_it_is_first_looked_at(epoch: &impl Epoch) {
    epoch.set_clock(START);
    assert_eq!(epoch.look().await, (None, LOOK));
    assert_eq!(look(epoch, START + DAY - 1).await, None);
    assert_eq!(look(epoch, START + DAY).await, Some(KEYS));
}

/// A day after each rotation, not at some hour.
pub async fn it_is_rotated_when_it_is_old_enough_and_not_before(epoch: &impl Epoch) {
    look(epoch, START).await;
    let mut last = START;
    for late in [0, 7 * MINUTE, 30 * DAY] {
        assert_eq!(look(epoch, last + DAY - 1).await, None);
        last += DAY + late;
        assert_eq!(look(epoch, last).await, Some(KEYS), "{late}");
        assert_eq!(look(epoch, last).await, None, "once");
    }
}

/// The wait between two looks makes no rotation late.
pub async fn the_next_look_is_when_it_is_due(epoch: &impl Epoch) {
    epoch.set_clock(START);
    for (at, wait) in [(0, LOOK), (DAY - LOOK - 1, LOOK), (DAY - MINUTE, MINUTE), (DAY - 1, 1), (DAY, LOOK)] {
        epoch.set_clock(START + at);
        assert_eq!(epoch.look().await.1, wait, "{at}");
    }
}

/// Whatever its age: until then both epochs' keys open.
pub async fn an_interrupted_rotation_is_ended_at_once(epoch: &impl Epoch) {
    look(epoch, START).await;
    epoch.interrupt().await;
    assert_eq!(look(epoch, START + 1).await, Some(KEYS));
    assert_eq!(look(epoch, START + 2).await, None);
}

/// What the receipt of an erasure promises: never earlier than the rotation that keeps it.
pub async fn what_is_destroyed_is_gone_by_a_date(epoch: &impl Epoch) {
    epoch.set_clock(START);
    assert_eq!(epoch.done_by().await, START + LOOK + DAY + LOOK, "it begins with the first look");
    epoch.look().await;
    for at in [0, HOUR, DAY] {
        epoch.set_clock(START + at);
        assert_eq!(epoch.done_by().await, START + DAY + LOOK, "{at}");
    }
    epoch.set_clock(START + DAY + HOUR);
    assert_eq!(epoch.done_by().await, START + DAY + HOUR + LOOK, "it is late");
    // One that is under way may have wrapped the key anew before it was destroyed.
    epoch.interrupt().await;
    assert_eq!(epoch.done_by().await, START + DAY + HOUR + DAY + LOOK);
    epoch.look().await;
    epoch.look().await;
    assert_eq!(epoch.done_by().await, START + DAY + HOUR + DAY + LOOK);
}
