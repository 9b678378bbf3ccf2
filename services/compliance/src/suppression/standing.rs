//! Whom an objection binds: in memory, so that every hand-off can ask.

use std::collections::HashMap;

use crate::schema::{Channel, Lift, Reason};
use crate::secrets::{AddressHash, SenderHash};

/// Who wants to write to somebody.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asker {
    /// Unknown before revision 3: no lifting helps it.
    pub(crate) sender: Option<SenderHash>,
    /// When its list was imported, in milliseconds. What is lifted later doesn't count: within a campaign objections only
    /// ever come to be, or a message that was not written would be taken for handed off.
    pub(crate) imported: i64,
}

impl Asker {
    /// Whether an objection binds, given what was lifted for its person.
    pub(crate) fn is_bound_by(&self, reason: &Reason, lifts: &[Lift]) -> bool {
        let undone = reason.undone.is_some_and(|undone| undone <= self.imported);
        let lifted = lifts
            .iter()
            .any(|lift| Some(lift.sender) == self.sender && lift.at > reason.at && lift.at <= self.imported);
        !undone && !lifted
    }
}

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// People who objected: about 50 bytes each.
#[derive(Default)]
pub(crate) struct Suppressed {
    /// The latest objection of each that stands.
    standing: HashMap<AddressHash, Standing>,
    /// Those that were taken back with their import.
    undone: HashMap<AddressHash, Vec<Reason>>,
    lifts: HashMap<AddressHash, Vec<Lift>>,
    /// Moments of liftings that are about to be written.
    reserved: HashMap<AddressHash, i64>,
    /// When repeated objections were told last.
    repeated: HashMap<AddressHash, i64>,
}

#[derive(Clone, Copy)]
struct Standing {
    channel: Channel,
    at: i64,
    told: i64,
}

impl Suppressed {
    pub(crate) fn add(&mut self, address: AddressHash, reason: &Reason) {
        if reason.undone.is_some() {
            self.undone.entry(address).or_default().push(*reason);
            return;
        }
        let new = Standing { channel: reason.channel, at: reason.at, told: reason.told.unwrap_or(reason.at) };
        let latest = self.standing.entry(address).or_insert(new);
        if latest.at < new.at {
            *latest = new;
        }
    }

    /// The moment to put on record for a lifting: behind whatever it lifts, and before whatever comes to be from now on.
    pub(crate) fn reserve(&mut self, address: AddressHash, now: i64) -> i64 {
        let before = self.standing.get(&address).map_or(now, |latest| latest.at.saturating_add(1));
        let at = self.moment(&address, now).max(before);
        self.reserved.insert(address, at);
        at
    }

    pub(crate) fn lift(&mut self, address: AddressHash, lift: Lift) {
        self.lifts.entry(address).or_default().push(lift);
    }

    pub(crate) fn extend(&mut self, other: Self) {
        for (address, latest) in other.standing {
            let reason = Reason { told: Some(latest.told), ..Reason::new(latest.channel, latest.at) };
            self.add(address, &reason);
        }
        for (address, undone) in other.undone {
            self.undone.entry(address).or_default().extend(undone);
        }
        for (address, lifts) in other.lifts {
            self.lifts.entry(address).or_default().extend(lifts);
        }
    }

    /// Forgets what a person objected to, so that what is on record can be read anew.
    pub(crate) fn forget(&mut self, address: &AddressHash) {
        self.standing.remove(address);
        self.undone.remove(address);
    }

    pub(crate) fn lifts(&self, address: &AddressHash) -> &[Lift] {
        self.lifts.get(address).map_or(&[], Vec::as_slice)
    }

    /// When something was lifted last for a person, also where that is not on record yet.
    pub(crate) fn last_lift(&self, address: &AddressHash) -> Option<i64> {
        let lifts = self.lifts(address).iter().map(|lift| lift.at);
        lifts.chain(self.reserved.get(address).copied()).max()
    }

    /// When the person objected last, of what binds who asks.
    pub(crate) fn binds(&self, address: &AddressHash, asker: &Asker) -> Option<i64> {
        let lifts = self.lifts(address);
        let standing = self.standing.get(address).map(|latest| Reason::new(latest.channel, latest.at));
        let undone = self.undone.get(address).into_iter().flatten().copied();
        let bound = standing.into_iter().chain(undone).filter(|reason| asker.is_bound_by(reason, lifts));
        bound.map(|reason| reason.at).max()
    }

    /// When the person objected last, where that is lifted for who asks: only consent given since then counts.
    pub(crate) fn lifted(&self, address: &AddressHash, asker: &Asker) -> Option<i64> {
        let latest = self.standing.get(address)?;
        let reason = Reason::new(latest.channel, latest.at);
        (!asker.is_bound_by(&reason, self.lifts(address))).then_some(latest.at)
    }

    /// The moment to put on record for an objection: behind whatever was lifted before, whichever way the clock went.
    pub(crate) fn moment(&self, address: &AddressHash, now: i64) -> i64 {
        self.last_lift(address).map_or(now, |lifted| lifted.saturating_add(1).max(now))
    }

    /// When the person objected last, if that stands; for whom it may be lifted doesn't matter.
    pub(crate) fn stands(&self, address: &AddressHash) -> Option<i64> {
        self.standing.get(address).map(|latest| latest.at)
    }

    /// The moment to tell other processes of an objection that is repeated: a new one, once a day.
    pub(crate) fn told_again(&mut self, address: &AddressHash, now: i64) -> Option<i64> {
        let first = self.told_of(address)?;
        let last = self.repeated.entry(*address).or_insert(first);
        if now.saturating_sub(*last) >= DAY {
            *last = now;
        }
        Some(*last)
    }

    /// The moment by which other processes know a person's objection.
    pub(crate) fn told_of(&self, address: &AddressHash) -> Option<i64> {
        self.standing.get(address).map(|latest| latest.told)
    }

    /// Whether nobody has ever objected.
    pub(crate) fn is_empty(&self) -> bool {
        self.standing.is_empty() && self.undone.is_empty()
    }

    /// Everybody, with the moment by which other processes know the objection.
    pub(crate) fn told(&self) -> impl Iterator<Item = (AddressHash, i64)> {
        self.standing.iter().map(|(address, latest)| (*address, latest.told))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAROL: AddressHash = [1; 16];
    const SENDER: SenderHash = [7; 16];

    fn asker(imported: i64) -> Asker {
        Asker { sender: Some(SENDER), imported }
    }

    #[test]
    fn what_is_lifted_is_lifted_for_its_sender_and_for_lists_to_come() {
        let mut suppressed = Suppressed::default();
        suppressed.add(CAROL, &Reason::new(Channel::Link, 100));
        assert_eq!(suppressed.binds(&CAROL, &asker(150)), Some(100));
        suppressed.lift(CAROL, Lift { sender: SENDER, at: 200 });
        assert_eq!(suppressed.binds(&CAROL, &asker(150)), Some(100), "a campaign under way");
        assert_eq!(suppressed.binds(&CAROL, &asker(200)), None);
        for other in [Asker { sender: Some([8; 16]), imported: 300 }, Asker { sender: None, imported: 300 }] {
            assert_eq!(suppressed.binds(&CAROL, &other), Some(100));
        }
    }

    #[test]
    fn an_objection_after_a_lifting_binds_whichever_way_the_clock_went() {
        let mut suppressed = Suppressed::default();
        suppressed.add(CAROL, &Reason::new(Channel::List, 100));
        suppressed.lift(CAROL, Lift { sender: SENDER, at: 200 });
        for now in [50, 200, 300] {
            let at = suppressed.moment(&CAROL, now);
            assert!(at > 200 && at >= now);
            suppressed.add(CAROL, &Reason::new(Channel::Link, at));
            assert_eq!(suppressed.binds(&CAROL, &asker(1_000)), Some(at));
        }
        assert_eq!(suppressed.moment(&[2; 16], 50), 50);
        // A lifting that is not yet on record is behind it.
        let lifted = suppressed.reserve(CAROL, 10);
        assert!(suppressed.stands(&CAROL) < Some(lifted) && suppressed.moment(&CAROL, 10) > lifted);
        assert_eq!(suppressed.last_lift(&CAROL), Some(lifted));
    }

    #[test]
    fn what_was_taken_back_binds_only_lists_of_before() {
        let mut suppressed = Suppressed::default();
        let undone = Reason { undone: Some(200), ..Reason::new(Channel::List, 100) };
        suppressed.add(CAROL, &undone);
        assert_eq!(suppressed.binds(&CAROL, &asker(150)), Some(100));
        assert_eq!((suppressed.binds(&CAROL, &asker(200)), suppressed.stands(&CAROL)), (None, None));
        suppressed.add(CAROL, &Reason::new(Channel::Link, 90));
        assert_eq!(suppressed.binds(&CAROL, &asker(300)), Some(90), "another objection stands");
    }
}
