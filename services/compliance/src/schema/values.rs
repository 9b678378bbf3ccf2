//! Values of fixed length beside the keys; those of any length are protobuf messages (`crate::records`).

use jiff::{SignedDuration, Timestamp};
use maily_law::KnownClock;

use crate::Error;
use crate::secrets::SenderHash;

/// How an objection came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Channel {
    /// An unsubscribe link.
    Link,
    /// A list.
    List,
    /// Another process of the tenant, by Redis.
    Hint,
    /// An officer's command.
    Officer,
    /// The person was erased.
    Erasure,
}

impl Channel {
    const ALL: [Self; 5] = [Self::Link, Self::List, Self::Hint, Self::Officer, Self::Erasure];
}

/// Milliseconds within which an objection that is repeated by a link, or by a list that is refused, is not put on record
/// again: a bound to what robots write.
pub(crate) const REPEATED: i64 = 3_600_000;

impl Channel {
    /// Whether the person said so, or had it done: what others say of them may be taken back without them.
    pub(crate) fn is_the_persons(self) -> bool {
        matches!(self, Self::Link | Self::Officer | Self::Erasure)
    }
}

/// What is kept of an objection beside its link; moments are milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reason {
    pub(crate) channel: Channel,
    pub(crate) at: i64,
    /// For [`Channel::Hint`]: when the process that told it had put it on record.
    pub(crate) told: Option<i64>,
    /// When the import that brought it was taken back.
    pub(crate) undone: Option<i64>,
}

impl Reason {
    pub(crate) fn new(channel: Channel, at: i64) -> Self {
        Self { channel, at, told: None, undone: None }
    }

    /// Until when it may have been repeated without a record of that: only consent given later is newer than the objection.
    /// What officers do is on record each time.
    pub(crate) fn until(&self) -> i64 {
        match self.channel {
            Channel::Officer | Channel::Erasure => self.at,
            // Where it was told from, it was repeated.
            Channel::Link | Channel::List | Channel::Hint => {
                self.told.map_or(self.at, |told| told.max(self.at)).saturating_add(REPEATED)
            }
        }
    }

    /// The channel from 1 and the moment; behind them, where there are any, the two others, 0 for none.
    pub(crate) fn encode(self) -> Vec<u8> {
        let number = Channel::ALL.into_iter().zip(1..).find(|(channel, _)| *channel == self.channel);
        let mut value = vec![number.map_or(0, |(_, number)| number)];
        value.extend(self.at.to_be_bytes());
        if self.told.is_some() || self.undone.is_some() {
            value.extend(self.told.unwrap_or(0).to_be_bytes());
            value.extend(self.undone.unwrap_or(0).to_be_bytes());
        }
        value
    }

    pub(crate) fn decode(value: &[u8]) -> Result<Self, Error> {
        let read = || {
            let (number, rest) = value.split_first()?;
            let channel = *Channel::ALL.get(usize::from(*number).checked_sub(1)?)?;
            let (at, rest) = rest.split_first_chunk()?;
            let (told, undone) = match rest {
                [] => (0, 0),
                rest => {
                    let (told, undone) = rest.split_first_chunk()?;
                    (i64::from_be_bytes(*told), i64::from_be_bytes(undone.try_into().ok()?))
                }
            };
            let given = |at: i64| (at != 0).then_some(at);
            Some(Self { channel, at: i64::from_be_bytes(*at), told: given(told), undone: given(undone) })
        };
        read().ok_or(Error::Damaged("a suppression"))
    }
}

/// What lifts objections: only those before it, and for one sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lift {
    pub(crate) sender: SenderHash,
    /// Milliseconds since 1970.
    pub(crate) at: i64,
}

impl Lift {
    pub(crate) fn encode(self) -> Vec<u8> {
        [self.sender.as_slice(), &self.at.to_be_bytes()].concat()
    }

    pub(crate) fn decode(value: &[u8]) -> Result<Self, Error> {
        let read = || {
            let (sender, at) = value.split_first_chunk::<16>()?;
            Some(Self { sender: *sender, at: i64::from_be_bytes(at.try_into().ok()?) })
        };
        read().ok_or(Error::Damaged("a lifting"))
    }
}

/// Where the evidence of a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) cohort: u32,
    pub(crate) page: u32,
    /// Which entry of the page.
    pub(crate) at: u32,
}

impl Position {
    pub(crate) fn encode(self) -> Vec<u8> {
        [self.cohort, self.page, self.at].map(u32::to_be_bytes).concat()
    }

    pub(crate) fn decode(value: &[u8]) -> Result<Self, Error> {
        let read = || {
            let (numbers, rest) = value.as_chunks::<4>();
            let [cohort, page, at] = *<&[_; 3]>::try_from(numbers).ok()?;
            let [cohort, page, at] = [cohort, page, at].map(u32::from_be_bytes);
            rest.is_empty().then_some(Self { cohort, page, at })
        };
        read().ok_or(Error::Damaged("a row of the index"))
    }
}

/// When a clock was believed last; while it is not, where it was at the last look, and for how long it has been steady. All in
/// milliseconds.
pub(crate) fn clock(clock: &KnownClock) -> Vec<u8> {
    let mut value = Vec::new();
    let Some(believed) = clock.believed else { return value };
    value.extend(believed.as_millisecond().to_be_bytes());
    if let Some(shown) = clock.shown {
        value.extend(shown.as_millisecond().to_be_bytes());
        value.extend(i64::try_from(clock.steady.as_millis()).unwrap_or(i64::MAX).to_be_bytes());
    }
    value
}

pub(crate) fn read_clock(value: &[u8]) -> Result<KnownClock, Error> {
    let read = || {
        let at = |at: &[u8; 8]| Timestamp::from_millisecond(i64::from_be_bytes(*at)).ok();
        let (believed, rest) = value.split_first_chunk()?;
        let clock = KnownClock::at(at(believed)?);
        if rest.is_empty() {
            return Some(clock);
        }
        let (shown, steady) = rest.split_first_chunk()?;
        let steady = SignedDuration::from_millis(i64::from_be_bytes(steady.try_into().ok()?));
        Some(KnownClock { shown: Some(at(shown)?), steady, ..clock })
    };
    read().ok_or(Error::Damaged("when it was looked at what is old"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_they_were_written() {
        for channel in Channel::ALL {
            let plain = Reason::new(channel, -5);
            assert_eq!(plain.encode().len(), 9, "as revision 2 has it");
            for reason in [
                plain,
                Reason { told: Some(7), ..plain },
                Reason { undone: Some(8), ..plain },
                Reason { told: Some(-7), undone: Some(8), ..plain },
            ] {
                assert_eq!(Reason::decode(&reason.encode()).unwrap(), reason);
            }
        }
        let lift = Lift { sender: [3; 16], at: 9 };
        assert_eq!(Lift::decode(&lift.encode()).unwrap(), lift);
        let position = Position { cohort: u32::MAX, page: 1, at: 2 };
        assert_eq!(Position::decode(&position.encode()).unwrap(), position);
    }

    #[test]
    fn what_may_be_repeated_unrecorded_lasts_an_hour() {
        for (channel, until) in [
            (Channel::Link, 5 + REPEATED),
            (Channel::List, 5 + REPEATED),
            (Channel::Hint, 5 + REPEATED),
            (Channel::Officer, 5),
            (Channel::Erasure, 5),
        ] {
            assert_eq!(Reason::new(channel, 5).until(), until, "{channel:?}");
        }
        let told = |told| Reason { told: Some(told), ..Reason::new(Channel::Hint, 5) }.until();
        assert_eq!((told(3), told(9)), (5 + REPEATED, 9 + REPEATED));
    }

    #[test]
    fn anything_else_is_damaged() {
        for value in [&[][..], &[0; 9], &[6; 9], &[1; 8], &[1; 10], &[1; 24], &[1; 26]] {
            assert!(Reason::decode(value).is_err(), "{value:?}");
        }
        for len in [0, 11, 13, 16, 23, 25] {
            let value = vec![1; len];
            assert!(Lift::decode(&value).is_err() && Position::decode(&value).is_err());
        }
    }
}
