//! Who holds a listener's connections: bounded in all and for each client, and taken from whoever does least with theirs.
//!
//! A listener that waits for a free place is closed by whoever fills it and says nothing. So every connection is accepted,
//! and where there is no room, one gives way: of those that have asked for nothing yet, then of those between two requests,
//! and there the one whose client holds the most, then the one that has waited longest (RFC 4987, section 3.4, recycles
//! half-open connections for the same reason). A connection at work is left alone; where all are, the newest is closed. One whose
//! requests all wait for their client, with a body or for a reader, is not at work ([`crate::under_way`]).

use std::{
    cmp::Reverse,
    collections::HashMap,
    fmt,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The fewest descriptors that are kept for what is no client's connection: files, peers, the health listener.
const FEWEST_KEPT: usize = 256;

/// How many connections a listener holds.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// At once, of all clients.
    pub all: usize,
    /// At once, of one client.
    pub each: usize,
    /// Whether connections at work give way too, where a new one must always be answered.
    pub at_work_too: bool,
}

/// Connections that one of `listeners` may hold, so that all of theirs together leave descriptors for other things: a
/// quarter, and at least [`FEWEST_KEPT`].
pub(crate) fn affordable(descriptors: usize, listeners: usize) -> usize {
    let kept = (descriptors / 4).max(FEWEST_KEPT);
    (descriptors.saturating_sub(kept) / listeners.max(1)).max(1)
}

/// The client that an address stands for: a network of 64 bits for IPv6, where whoever has one address has all of those
/// (RFC 6177).
pub(crate) fn client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
        address @ IpAddr::V4(_) => address,
    }
}

/// The places of one listener.
#[derive(Clone)]
pub struct Places(Arc<Shared>);

struct Shared {
    bounds: Bounds,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    held: HashMap<u64, Held>,
    by_client: HashMap<IpAddr, usize>,
    next: u64,
}

struct Held {
    client: Option<IpAddr>,
    doing: Doing,
    since: Instant,
    recalled: CancellationToken,
}

/// In the order in which they give way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Doing {
    /// It has asked for nothing yet.
    Nothing,
    /// Its requests are answered, or wait for their client.
    Waiting,
    Working,
}

impl fmt::Debug for Places {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Places").field("bounds", &self.0.bounds).finish_non_exhaustive()
    }
}

impl Places {
    /// All of them free.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        Self(Arc::new(Shared { bounds, table: Mutex::default() }))
    }

    /// A place for a new connection of the client at `address`; of nobody in particular without one. `None` where all
    /// others are at work: the connection is to be closed.
    #[must_use]
    pub fn take(&self, address: Option<IpAddr>) -> Option<Place> {
        let client = address.map(client);
        let mut table = self.table();
        if !table.has_room(client, self.0.bounds) {
            return None;
        }
        let id = table.next;
        table.next += 1;
        let recalled = CancellationToken::new();
        table.count(client);
        let held = Held { client, doing: Doing::Nothing, since: Instant::now(), recalled: recalled.clone() };
        table.held.insert(id, held);
        Some(Place { places: self.clone(), id, recalled })
    }

    /// Has the connection that does least give up its descriptor, if any may.
    pub(crate) fn recall(&self) {
        self.table().recall(self.0.bounds.at_work_too, |_| true);
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// As many connections as a browser opens to one host, and some: a client with more of them gives way before one with fewer,
/// whatever they do between requests.
const FEW: usize = 8;

impl Table {
    /// Whether one more of this client fits, once another has given way where that is needed.
    fn has_room(&mut self, client: Option<IpAddr>, bounds: Bounds) -> bool {
        if client.is_some() && self.held_by(client) >= bounds.each {
            return self.recall(bounds.at_work_too, |held| held.client == client);
        }
        self.held.len() < bounds.all || self.recall(bounds.at_work_too, |_| true)
    }

    fn recall(&mut self, at_work_too: bool, among: impl Fn(&Held) -> bool) -> bool {
        let most = if at_work_too { Doing::Working } else { Doing::Waiting };
        let may_go = self.held.iter().filter(|(_, held)| held.doing <= most && among(held));
        let least = may_go.min_by_key(|(id, held)| {
            let of_client = self.held_by(held.client);
            // Whoever has just come has done nothing yet: who fills a listener with connections between two requests is not
            // to be safe at their cost.
            let crowd = Reverse(of_client.saturating_sub(FEW));
            (held.doing == Doing::Working, crowd, held.doing, Reverse(of_client), held.since, **id)
        });
        let least = least.map(|(id, _)| *id).and_then(|id| self.remove(id));
        if let Some(held) = &least {
            held.recalled.cancel();
        }
        least.is_some()
    }

    fn held_by(&self, client: Option<IpAddr>) -> usize {
        client.and_then(|client| self.by_client.get(&client)).copied().unwrap_or(0)
    }

    fn count(&mut self, client: Option<IpAddr>) {
        if let Some(client) = client {
            *self.by_client.entry(client).or_default() += 1;
        }
    }

    fn remove(&mut self, id: u64) -> Option<Held> {
        let held = self.held.remove(&id)?;
        if let Some(client) = held.client {
            match self.by_client.get_mut(&client) {
                Some(count) if *count > 1 => *count -= 1,
                _ => drop(self.by_client.remove(&client)),
            }
        }
        Some(held)
    }
}

/// A connection's place, until this is dropped or recalled.
pub struct Place {
    places: Places,
    id: u64,
    recalled: CancellationToken,
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Place {
    /// The connection has proven itself and is at work.
    pub fn working(&self) {
        self.note(Doing::Working);
    }

    /// Nothing is under way on the connection any more.
    pub fn waiting(&self) {
        self.note(Doing::Waiting);
    }

    /// Is cancelled when the connection has to give way.
    #[must_use]
    pub fn recalled(&self) -> CancellationToken {
        self.recalled.clone()
    }

    /// Counts the connection for the client at `address`, whom it turned out to be of; false where it has to be closed.
    pub(crate) fn is_of(&self, address: IpAddr) -> bool {
        let client = Some(client(address));
        let each = self.places.0.bounds.each;
        let mut table = self.places.table();
        let has_place = table.held.contains_key(&self.id);
        if !has_place || (table.held_by(client) >= each && !table.recall(false, |held| held.client == client))
        {
            return false;
        }
        let Some(held) = table.held.get_mut(&self.id) else { return false };
        held.client = client;
        table.count(client);
        true
    }

    fn note(&self, doing: Doing) {
        if let Some(held) = self.places.table().held.get_mut(&self.id) {
            (held.doing, held.since) = (doing, Instant::now());
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.table().remove(self.id);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn address(last: u8) -> Option<IpAddr> {
        Some([10, 0, 0, last].into())
    }

    #[test]
    fn who_fills_a_listener_with_answered_connections_gives_way_before_a_newcomer() {
        let places = places(20, 20);
        let mut held: Vec<Place> = (0..20).map(|n| places.take(address(1 + n % 2)).unwrap()).collect();
        held.iter().for_each(Place::waiting);
        let newcomer = places.take(address(3)).unwrap();
        held.push(places.take(address(1)).unwrap());
        assert!(!newcomer.recalled().is_cancelled(), "it is in its handshake");
        let gone = held.iter().filter(|place| place.recalled().is_cancelled()).count();
        assert_eq!(gone, 2);
    }

    fn places(all: usize, each: usize) -> Places {
        Places::new(Bounds { all, each, at_work_too: false })
    }

    fn gone(place: &Place) -> bool {
        place.recalled().is_cancelled()
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_silent_gives_way_to_whoever_comes() {
        let places = places(3, 3);
        let working = places.take(address(1)).unwrap();
        working.working();
        let first = places.take(address(2)).unwrap();
        tokio::time::advance(Duration::from_secs(1)).await;
        let second = places.take(address(3)).unwrap();
        let third = places.take(address(4)).unwrap();
        assert!(gone(&first) && !gone(&second) && !gone(&working), "the longest silent one");
        // The place of one that was recalled is no longer its own to give back.
        drop(first);
        second.waiting();
        let fourth = places.take(address(5)).unwrap();
        assert!(gone(&third) && !gone(&second), "one that never asked goes before one that did");
        fourth.working();
        let fifth = places.take(address(6)).unwrap();
        assert!(gone(&second));
        fifth.working();
        assert!(places.take(address(7)).is_none(), "nobody at work gives way");
        drop(working);
        assert!(places.take(address(7)).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_takes_its_own_places_and_the_greediest_gives_way_first() {
        let places = places(4, 3);
        let lone = places.take(address(9)).unwrap();
        tokio::time::advance(Duration::from_secs(1)).await;
        let mut greedy: Vec<_> = (0..3).map(|_| places.take(address(1)).unwrap()).collect();
        tokio::time::advance(Duration::from_secs(1)).await;
        greedy.push(places.take(address(1)).unwrap());
        assert!(gone(&greedy[0]) && !gone(&lone), "a fourth takes the place of its own first");
        let other = places.take(address(2)).unwrap();
        assert!(!gone(&lone) && greedy.iter().filter(|place| gone(place)).count() == 2);
        greedy.iter().for_each(Place::working);
        let last = places.take(address(1)).unwrap();
        last.working();
        assert!(gone(&lone) && !gone(&other), "of equals, the longest silent");
        assert!(
            places.take(address(1)).is_none(),
            "all of its own are at work, and another's are not for it"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn behind_a_proxy_the_client_counts_once_it_is_known() {
        let places = places(8, 1);
        let (first, second) = (places.take(None).unwrap(), places.take(None).unwrap());
        let client = address(1).unwrap();
        assert!(first.is_of(client) && second.is_of(client) && gone(&first), "one each");
        second.working();
        let third = places.take(None).unwrap();
        assert!(!third.is_of(client));
        drop(second);
        assert!(third.is_of(client));
        assert!(!first.is_of(client) && !gone(&third), "what was recalled stays so");
    }

    #[tokio::test]
    async fn where_a_question_must_be_answered_everybody_gives_way() {
        let places = Places::new(Bounds { all: 2, each: 2, at_work_too: true });
        let held = [places.take(None).unwrap(), places.take(None).unwrap()];
        held.iter().for_each(Place::working);
        assert!(places.take(None).is_some() && held.iter().any(gone));
    }

    #[test]
    fn an_ipv6_client_is_a_network() {
        let of = |text: &str| client(text.parse().unwrap()).to_string();
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!((of("::ffff:10.0.0.1"), of("10.0.0.1")), ("10.0.0.1".into(), "10.0.0.1".into()));
    }

    #[test]
    fn descriptors_are_left_for_other_things() {
        assert_eq!(affordable(1_024, 3), 256);
        assert_eq!(affordable(1_048_576, 2), 393_216);
        assert_eq!(affordable(100, 2), 1);
    }
}
