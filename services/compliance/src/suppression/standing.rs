//! Whom an objection binds: in memory, so that every hand-off can ask.

use std::collections::HashMap;

use crate::schema::{Channel, Lift, Reason};
use crate::secrets::{AddressHash, SenderHash};

/// Who wants to write to somebody.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asker {
    /// Unknown before revision 3: no lifting helps it.
    pub(crate) sender: Option<SenderHash>,
    /// What the sender was known by in revision 3, where that differs: what was lifted then stays lifted.
    pub(crate) former_sender: Option<SenderHash>,
    /// When its list was imported, in milliseconds. What is lifted later doesn't count: within a campaign objections only
    /// ever come to be, or a message that was not written would be taken for handed off.
    pub(crate) imported: i64,
}

impl Asker {
    /// Whether an objection binds, given what was lifted for its person.
    pub(crate) fn is_bound_by(&self, reason: &Reason, lifts: &[Lift]) -> bool {
        let undone = reason.undone.is_some_and(|undone| undone <= self.imported);
        let is_for = |sender| [self.sender, self.former_sender].contains(&Some(sender));
        let lifted =
            lifts.iter().any(|lift| is_for(lift.sender) && lift.at > reason.at && lift.at <= self.imported);
        !undone && !lifted
    }
}

/// How often an opt-out that is repeated within [`Reason::until`] is told to the other processes again.
const TOLD_AGAIN: u8 = 3;

/// People who objected: about 60 bytes each, and 50 more where they did by a link since this process began.
#[derive(Default)]
pub(crate) struct Suppressed {
    /// The latest objection of each that stands.
    standing: HashMap<AddressHash, Standing>,
    /// Those that were taken back with their import.
    undone: HashMap<AddressHash, Vec<Reason>>,
    lifts: HashMap<AddressHash, Vec<Lift>>,
    /// Moments of liftings that are about to be written.
    reserved: HashMap<AddressHash, i64>,
    /// Whose opt-out by a link is on record, durably.
    answered: HashMap<AddressHash, Answered>,
}

/// An opt-out that may be repeated without a look at what is on record.
#[derive(Clone, Copy)]
struct Answered {
    at: i64,
    until: i64,
    told_again: u8,
}

#[derive(Clone, Copy)]
struct Standing {
    channel: Channel,
    at: i64,
    told: i64,
    /// The latest [`Reason::until`] of all that stand.
    until: i64,
}

impl Standing {
    fn reason(&self) -> Reason {
        Reason { told: Some(self.told), ..Reason::new(self.channel, self.at) }
    }
}

impl Suppressed {
    pub(crate) fn add(&mut self, address: AddressHash, reason: &Reason) {
        if reason.undone.is_some() {
            self.undone.entry(address).or_default().push(*reason);
            return;
        }
        let told = reason.told.unwrap_or(reason.at);
        let new = Standing { channel: reason.channel, at: reason.at, told, until: reason.until() };
        self.stand(address, new);
    }

    fn stand(&mut self, address: AddressHash, new: Standing) {
        let latest = self.standing.entry(address).or_insert(new);
        let until = latest.until.max(new.until);
        if latest.at < new.at {
            *latest = new;
        }
        latest.until = until;
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
        other.standing.into_iter().for_each(|(address, latest)| self.stand(address, latest));
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
        self.bound(address, asker).map(|(at, _)| at).max()
    }

    /// Until when the person may have objected, by what binds who asks: only consent given later is newer.
    pub(crate) fn objected(&self, address: &AddressHash, asker: &Asker) -> Option<i64> {
        self.bound(address, asker).map(|(_, until)| until).max()
    }

    /// What binds who asks: since when, and [`Reason::until`].
    fn bound(&self, address: &AddressHash, asker: &Asker) -> impl Iterator<Item = (i64, i64)> {
        let lifts = self.lifts(address);
        let standing = self.standing.get(address).map(|latest| (latest.reason(), latest.until));
        let undone = self.undone.get(address).into_iter().flatten().map(|reason| (*reason, reason.until()));
        let bound = standing.into_iter().chain(undone);
        bound
            .filter(move |(reason, _)| asker.is_bound_by(reason, lifts))
            .map(|(reason, until)| (reason.at, until))
    }

    /// Until when the person may have objected, where that is lifted for who asks: only consent given later counts.
    pub(crate) fn lifted(&self, address: &AddressHash, asker: &Asker) -> Option<i64> {
        let latest = self.standing.get(address)?;
        (!asker.is_bound_by(&latest.reason(), self.lifts(address))).then_some(latest.until)
    }

    /// The moment to put on record for an objection: behind whatever was lifted before, whichever way the clock went.
    pub(crate) fn moment(&self, address: &AddressHash, now: i64) -> i64 {
        self.last_lift(address).map_or(now, |lifted| lifted.saturating_add(1).max(now))
    }

    /// When the person objected last, if that stands; for whom it may be lifted doesn't matter.
    pub(crate) fn stands(&self, address: &AddressHash) -> Option<i64> {
        self.standing.get(address).map(|latest| latest.at)
    }

    /// An opt-out by a link is on record, durably: while it is not lifted, a repetition until [`Reason::until`] changes
    /// nothing.
    pub(crate) fn answer(&mut self, address: AddressHash, reason: &Reason) {
        let answered = Answered { at: reason.at, until: reason.until(), told_again: 0 };
        self.answered.insert(address, answered);
    }

    /// Whether an opt-out by a link that comes now is a repetition that changes nothing.
    pub(crate) fn is_answered(&self, address: &AddressHash, now: i64) -> bool {
        let answered = self.answered.get(address);
        answered.is_some_and(|answered| Some(answered.at) > self.last_lift(address) && now <= answered.until)
    }

    /// The moment by which to tell other processes once more of an opt-out that is repeated: nobody may have been told when
    /// it was put on record. A few times, so that repeating it for ever costs nothing elsewhere.
    pub(crate) fn told_again(&mut self, address: &AddressHash) -> Option<i64> {
        let told = self.told_of(address)?;
        let answered = self.answered.get_mut(address)?;
        if answered.told_again >= TOLD_AGAIN {
            return None;
        }
        answered.told_again += 1;
        Some(told)
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
    use crate::schema::REPEATED;

    const CAROL: AddressHash = [1; 16];
    const SENDER: SenderHash = [7; 16];

    fn asker(imported: i64) -> Asker {
        Asker { sender: Some(SENDER), former_sender: None, imported }
    }

    #[test]
    fn what_is_lifted_is_lifted_for_its_sender_and_for_lists_to_come() {
        let mut suppressed = Suppressed::default();
        suppressed.add(CAROL, &Reason::new(Channel::Link, 100));
        assert_eq!(suppressed.binds(&CAROL, &asker(150)), Some(100));
        suppressed.lift(CAROL, Lift { sender: SENDER, at: 200 });
        assert_eq!(suppressed.binds(&CAROL, &asker(150)), Some(100), "a campaign under way");
        assert_eq!(suppressed.binds(&CAROL, &asker(200)), None);
        for sender in [Some([8; 16]), None] {
            assert_eq!(suppressed.binds(&CAROL, &Asker { sender, ..asker(300) }), Some(100));
        }
        let renamed = Asker { sender: Some([8; 16]), former_sender: Some(SENDER), imported: 300 };
        assert_eq!(suppressed.binds(&CAROL, &renamed), None, "it is the same sender");
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
    fn only_consent_behind_every_repetition_is_newer() {
        let mut suppressed = Suppressed::default();
        let until = |suppressed: &Suppressed| suppressed.objected(&CAROL, &asker(i64::MAX));
        suppressed.add(CAROL, &Reason::new(Channel::Link, 100));
        // An officer's is exact, and does not shorten what the link may still bring unrecorded.
        suppressed.add(CAROL, &Reason::new(Channel::Officer, 200));
        assert_eq!((until(&suppressed), suppressed.stands(&CAROL)), (Some(100 + REPEATED), Some(200)));
        let late = 200 + 2 * REPEATED;
        suppressed.add(CAROL, &Reason::new(Channel::Erasure, late));
        assert_eq!(until(&suppressed), Some(late));
        suppressed.lift(CAROL, Lift { sender: SENDER, at: late + 1 });
        assert_eq!(until(&suppressed), None);
        assert_eq!(suppressed.lifted(&CAROL, &asker(i64::MAX)), Some(late));
        let mut all = Suppressed::default();
        all.add(CAROL, &Reason::new(Channel::Link, late));
        all.extend(suppressed);
        assert_eq!(all.lifted(&CAROL, &asker(i64::MAX)), Some(late + REPEATED), "of all regions");
    }

    #[test]
    fn a_repetition_is_answered_for_an_hour_and_until_something_is_lifted() {
        let mut suppressed = Suppressed::default();
        let reason = Reason::new(Channel::Link, 100);
        suppressed.add(CAROL, &reason);
        assert!(!suppressed.is_answered(&CAROL, 100), "nobody knows whether it is on the disk");
        assert_eq!(suppressed.told_again(&CAROL), None);
        suppressed.answer(CAROL, &reason);
        assert!(suppressed.is_answered(&CAROL, 100 + REPEATED));
        assert!(!suppressed.is_answered(&CAROL, 101 + REPEATED));
        let told: Vec<_> = (0..5).map(|_| suppressed.told_again(&CAROL)).collect();
        assert_eq!(told, [Some(100), Some(100), Some(100), None, None]);
        suppressed.reserve(CAROL, 200);
        assert!(!suppressed.is_answered(&CAROL, 300), "a lifting on its way");
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
