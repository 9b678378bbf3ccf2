//! The requests of a connection, and whether any of them is work: one that waits for its client is none.
//!
//! How long a client takes to send a body, or to read an answer, is the client's to decide. Who begins a request on every
//! connection and goes on with none would hold all places of a listener, so a connection whose requests all wait for their
//! client is one between two requests, and gives way.

use std::{
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use tokio::sync::watch;

use crate::places::Place;

/// How long a client may take before its connection counts as one that does nothing.
pub(crate) const AT_WORK: Duration = Duration::from_secs(1);

/// The requests of a connection that are not answered to the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct UnderWay {
    pub(crate) open: usize,
    /// Those of them that wait for their client.
    idle: usize,
}

/// A request under way, counted until this is dropped.
pub(crate) struct Open(Arc<Counted>);

/// The same request, for its body to tell how that comes: it is not counted for this. An extension of every request.
#[derive(Clone)]
pub(crate) struct Sending(Weak<Counted>);

struct Counted {
    count: watch::Sender<UnderWay>,
    place: Arc<Place>,
    waits: Mutex<Waits>,
}

/// What the client is waited for with: both, where an answer begins before the body has come.
#[derive(Default)]
struct Waits {
    unread: bool,
    unsent: bool,
}

impl Waits {
    fn any(&self) -> bool {
        self.unread || self.unsent
    }
}

impl Open {
    pub(crate) fn new(count: &watch::Sender<UnderWay>, place: Arc<Place>) -> Self {
        let counted = Counted { count: count.clone(), place, waits: Mutex::default() };
        counted.change(|under_way| under_way.open += 1);
        Self(Arc::new(counted))
    }

    /// Whether the answer waits for its reader from here on.
    pub(crate) fn is_unread(&self, unread: bool) {
        self.0.note(|waits| waits.unread = unread);
    }

    pub(crate) fn sending(&self) -> Sending {
        Sending(Arc::downgrade(&self.0))
    }
}

impl Sending {
    /// Whether the body waits for its sender from here on.
    pub(crate) fn is_unsent(&self, unsent: bool) {
        if let Some(counted) = self.0.upgrade() {
            counted.note(|waits| waits.unsent = unsent);
        }
    }
}

impl Counted {
    fn note(&self, note: impl FnOnce(&mut Waits)) {
        let mut waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
        let before = waits.any();
        note(&mut waits);
        match (before, waits.any()) {
            (false, true) => self.change(|under_way| under_way.idle += 1),
            (true, false) => self.change(|under_way| under_way.idle -= 1),
            _ => {}
        }
    }

    fn change(&self, change: impl FnOnce(&mut UnderWay)) {
        // Told while the count is held, so that the last word on the place is that of the last change.
        self.count.send_modify(|under_way| {
            change(under_way);
            match under_way.open > under_way.idle {
                true => self.place.working(),
                false => self.place.waiting(),
            }
        });
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let idle = usize::from(self.waits.get_mut().unwrap_or_else(PoisonError::into_inner).any());
        self.change(|under_way| {
            under_way.open -= 1;
            under_way.idle -= idle;
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::places::{Bounds, Places};

    use super::*;

    #[tokio::test]
    async fn a_connection_works_while_one_of_its_requests_waits_for_nothing() {
        let places = Places::new(Bounds { all: 1, each: 1, at_work_too: false });
        let place = Arc::new(places.take(None).unwrap());
        let (count, seen) = watch::channel(UnderWay::default());
        let first = Open::new(&count, Arc::clone(&place));
        let body = first.sending();
        // It waits with both, and is one request all the same.
        body.is_unsent(true);
        first.is_unread(true);
        assert_eq!(*seen.borrow(), UnderWay { open: 1, idle: 1 });
        let second = Open::new(&count, Arc::clone(&place));
        assert!(places.take(None).is_none(), "the second is at work");
        drop(second);
        first.is_unread(false);
        assert_eq!(*seen.borrow(), UnderWay { open: 1, idle: 1 }, "its body is still waited for");
        body.is_unsent(false);
        assert!(places.take(None).is_none());
        body.is_unsent(true);
        drop(first);
        assert_eq!(*seen.borrow(), UnderWay::default());
        body.is_unsent(false);
        assert_eq!(*seen.borrow(), UnderWay::default(), "what is over is not counted again");
        assert!(places.take(None).is_some(), "between two requests");
    }
}
