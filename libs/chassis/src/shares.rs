//! Who holds how much of the request bodies under way: bounded in all, and for each client.
//!
//! One sum alone is anybody's to fill. So a key has half of it at most, an address that has proven no key an eighth, and all of
//! those together half: a key finds room, whatever strangers send. Requests that a service vouches for have a room of their own
//! beside it, with a rest for those of whom nearly nothing is held.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::extract::ConnectInfo;
use http::Extensions;

use crate::{body::Refusal, internal::Peer, places};

/// KiB of an address, vouched for, which finds room in the rest: more than there are connections can't ask at once.
const LITTLE: usize = 4;

/// Who a body counts for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Payer {
    /// A key, by its name, at whatever listener it is used.
    Key(Arc<str>),
    /// A service, by its certificate.
    Service(Arc<str>),
    /// An address whose request the service vouches for, so that no junk from there takes its room.
    Vouched(IpAddr),
    /// An address that has proven no key, or not yet.
    Stranger(Option<IpAddr>),
}

impl Payer {
    /// Who the gate or the certificate says that makes a request; otherwise an address is all that is known.
    pub(crate) fn of(extensions: &Extensions) -> Self {
        if let Some(payer) = extensions.get::<Self>() {
            return payer.clone();
        }
        if let Some(Peer(service)) = extensions.get::<Peer>() {
            return Self::service(service);
        }
        Self::stranger(extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip()))
    }

    pub(crate) fn key(name: &str) -> Self {
        Self::Key(name.into())
    }

    pub(crate) fn service(name: &str) -> Self {
        Self::Service(name.into())
    }

    pub(crate) fn vouched(address: IpAddr) -> Self {
        Self::Vouched(places::client(address))
    }

    pub(crate) fn stranger(address: Option<IpAddr>) -> Self {
        Self::Stranger(address.map(places::client))
    }

    fn share(&self, all: usize) -> usize {
        match self {
            Self::Key(_) | Self::Service(_) => all / 2,
            Self::Vouched(_) => (all / 256).max(1),
            Self::Stranger(_) => all / 8,
        }
    }
}

/// The room for bodies, in KiB.
pub(crate) struct Shares {
    all: usize,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    all: usize,
    by_strangers: usize,
    /// Not among all.
    by_vouched: usize,
    by_payer: HashMap<Payer, usize>,
}

impl Shares {
    pub(crate) fn new(all: usize) -> Self {
        Self { all, held: Mutex::default() }
    }

    /// Takes so much more for `payer`, or nothing.
    pub(crate) fn take(&self, payer: &Payer, kib: usize) -> Result<(), Refusal> {
        self.held().take(self.all, payer, kib)
    }

    pub(crate) fn give_back(&self, payer: &Payer, kib: usize) {
        self.held().give_back(payer, kib);
    }

    /// Counts for `to` what counted for `from`; where that is more than `to` may have, it is given back.
    pub(crate) fn hand_over(&self, from: &Payer, to: &Payer, kib: usize) -> Result<(), Refusal> {
        let mut held = self.held();
        held.give_back(from, kib);
        held.take(self.all, to, kib)
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn take(&mut self, all: usize, payer: &Payer, kib: usize) -> Result<(), Refusal> {
        let own = self.by_payer.get(payer).copied().unwrap_or(0);
        let fits = |held: usize, most: usize| held.checked_add(kib).is_some_and(|sum| sum <= most);
        if !fits(own, payer.share(all)) {
            return Err(Refusal::Share);
        }
        let room = match payer {
            Payer::Vouched(_) if own.saturating_add(kib) <= LITTLE => fits(self.by_vouched, all / 8),
            Payer::Vouched(_) => fits(self.by_vouched, all / 16),
            Payer::Stranger(_) => fits(self.all, all) && fits(self.by_strangers, all / 2),
            Payer::Key(_) | Payer::Service(_) => fits(self.all, all),
        };
        if !room {
            return Err(Refusal::Full);
        }
        self.sums(payer).into_iter().for_each(|sum| *sum += kib);
        // Only who holds something has an entry, so that the table is never longer than the room.
        if kib > 0 {
            self.by_payer.insert(payer.clone(), own + kib);
        }
        Ok(())
    }

    fn give_back(&mut self, payer: &Payer, kib: usize) {
        self.sums(payer).into_iter().for_each(|sum| *sum = sum.saturating_sub(kib));
        match self.by_payer.get_mut(payer) {
            Some(own) if *own > kib => *own -= kib,
            _ => drop(self.by_payer.remove(payer)),
        }
    }

    /// What this payer's bodies count in.
    fn sums(&mut self, payer: &Payer) -> Vec<&mut usize> {
        match payer {
            Payer::Vouched(_) => vec![&mut self.by_vouched],
            Payer::Stranger(_) => vec![&mut self.all, &mut self.by_strangers],
            Payer::Key(_) | Payer::Service(_) => vec![&mut self.all],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stranger(last: u8) -> Payer {
        Payer::stranger(Some([10, 0, 0, last].into()))
    }

    #[test]
    fn a_key_has_half_and_another_finds_room() {
        let shares = Shares::new(64);
        let (ann, bob) = (Payer::key("ann"), Payer::key("bob"));
        assert_eq!(shares.take(&ann, 32), Ok(()));
        assert_eq!(shares.take(&ann, 1), Err(Refusal::Share));
        assert_eq!(shares.take(&bob, 32), Ok(()), "another's half is there");
        assert_eq!(shares.take(&Payer::service("ann"), 1), Err(Refusal::Full), "all is taken");
        shares.give_back(&ann, 2);
        assert_eq!(shares.take(&bob, 1), Err(Refusal::Share));
        assert_eq!(shares.take(&ann, 2), Ok(()));
        shares.give_back(&ann, 32);
        shares.give_back(&bob, 32);
        assert!(shares.held().by_payer.is_empty() && shares.held().all == 0, "nobody is kept in mind");
    }

    #[test]
    fn strangers_take_an_eighth_each_and_half_together() {
        let shares = Shares::new(64);
        for last in 0..4 {
            assert_eq!(shares.take(&stranger(last), 8), Ok(()));
            assert_eq!(shares.take(&stranger(last), 1), Err(Refusal::Share));
        }
        assert_eq!(shares.take(&stranger(9), 1), Err(Refusal::Full), "their half is taken");
        let address = [10, 0, 0, 1].into();
        assert_eq!(shares.take(&Payer::vouched(address), 1), Ok(()), "junk takes nothing of this");
        assert_eq!(shares.take(&Payer::key("ann"), 32), Ok(()));
        let one = Payer::stranger(Some("2001:db8::1".parse().unwrap()));
        assert_eq!(one, Payer::stranger(Some("2001:db8::2".parse().unwrap())), "a network of IPv6 is one");
    }

    #[test]
    fn who_is_vouched_for_finds_room_and_takes_none_of_the_others() {
        let all = 16 << 10;
        let shares = Shares::new(all);
        let vouched =
            |last: u16| Payer::vouched([10, 1, last.to_be_bytes()[0], last.to_be_bytes()[1]].into());
        // Two keys have filled the room, and sixteen addresses with a link all that they can.
        for key in ["ann", "bob"] {
            shares.take(&Payer::key(key), all / 2).unwrap();
        }
        for address in 0..16 {
            assert_eq!(shares.take(&vouched(address), all / 256), Ok(()));
            assert_eq!(shares.take(&vouched(address), 1), Err(Refusal::Share));
        }
        assert_eq!(shares.take(&vouched(99), LITTLE + 1), Err(Refusal::Full));
        for other in 100..350 {
            assert_eq!(shares.take(&vouched(other), LITTLE), Ok(()), "a thing of a KiB is never refused");
        }
        for address in 0..16 {
            shares.give_back(&vouched(address), all / 256);
        }
        assert_eq!(shares.held().by_vouched, 250 * LITTLE);
        assert_eq!(shares.held().all, all);
    }

    #[test]
    fn what_is_held_counts_for_the_key_once_that_is_proven() {
        let shares = Shares::new(64);
        let ann = Payer::key("ann");
        shares.take(&stranger(1), 8).unwrap();
        assert_eq!(shares.hand_over(&stranger(1), &ann, 8), Ok(()));
        assert_eq!(shares.take(&stranger(1), 8), Ok(()), "the address is free again");
        shares.take(&ann, 24).unwrap();
        assert_eq!(shares.hand_over(&stranger(1), &ann, 8), Err(Refusal::Share));
        assert_eq!(shares.held().all, 32, "what was refused is given back");
    }
}
