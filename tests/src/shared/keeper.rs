//! The keeper's side of a fixture: makes it, serves it, ends it.

use std::{
    fs::File,
    io::{ErrorKind, Read as _, Write as _},
    os::unix::net::{UnixListener, UnixStream},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::mpsc::{Receiver, Sender, TryRecvError, channel},
    thread,
    time::{Duration, Instant},
};

use maily_testkit::pause;

use super::{lease::FAILED, place::Place, run::Orders, watch};
use crate::say;

/// A test that does not take its line is none.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a fixture is not served any more.
enum End {
    /// Nobody has used it for a while, and nobody is about to.
    Idle,
    /// Whoever ran the tests is gone.
    Orphaned,
    /// It could not be made.
    Failed,
}

/// A test that is connected.
struct Guest {
    stream: UnixStream,
    told: bool,
}

/// The serving half.
struct Server<'a> {
    place: &'a Place,
    listener: UnixListener,
    linger: Duration,
    guests: Vec<Guest>,
    state: Option<String>,
    used: Instant,
    /// A test failed: what the fixture left is for a look.
    kept: bool,
    /// Held at the end: the next one can be started only when this one is gone.
    lock: Option<File>,
}

pub(super) fn keep<G>(name: &str, linger: Duration, make: impl FnOnce() -> (String, G) + Send) {
    let Some(orders) = Orders::read() else { return };
    assert_eq!(orders.name, name, "another fixture's keeper");
    let place = Place::new(name);
    // Two may have been started, when the test that started the first one was killed.
    let Some(_claim) = place.claim().unwrap() else { return };
    let listener = UnixListener::bind(place.socket()).unwrap();
    listener.set_nonblocking(true).unwrap();
    let (guests, state, used) = (Vec::new(), None, Instant::now());
    let mut server = Server { place: &place, listener, linger, guests, state, used, kept: false, lock: None };
    let (made, is_made) = channel();
    let (ended, is_ended) = channel();
    thread::scope(|scope| {
        scope.spawn(|| work(&place, make, made, is_ended));
        if let End::Orphaned = server.serve(&is_made) {
            // What it waits for ends, and so does it.
            watch::end_descendants(&place.keepers());
        }
        let _ = ended.send(server.kept);
    });
    place.clear(server.kept);
}

/// Makes the fixture, waits until it is not needed any more, and ends it.
fn work<G>(
    place: &Place,
    make: impl FnOnce() -> (String, G),
    made: Sender<Result<String, ()>>,
    ended: Receiver<bool>,
) {
    let guard = match catch_unwind(AssertUnwindSafe(make)) {
        Ok((state, guard)) => {
            let _ = made.send(Ok(state));
            guard
        }
        Err(words) => {
            place.fail(&said(&*words));
            let _ = made.send(Err(()));
            return;
        }
    };
    let kept = ended.recv().unwrap_or(false);
    let end = catch_unwind(AssertUnwindSafe(|| match kept {
        true => drop_as_failed(guard),
        false => drop(guard),
    }));
    if let Err(words) = end {
        place.fail(&format!("its end: {}", said(&*words)));
    }
}

/// What was dropped while its thread panics keeps its folder for a look, and says where that is.
fn drop_as_failed<G>(guard: G) {
    let _ = catch_unwind(AssertUnwindSafe(|| {
        let _guard = guard;
        resume_unwind(Box::new("a test failed"));
    }));
}

/// What a thread panicked with.
fn said(words: &(dyn std::any::Any + Send)) -> String {
    let text = words.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| words.downcast_ref::<String>().cloned()).unwrap_or_else(|| "it panicked".to_owned())
}

impl Server<'_> {
    fn serve(&mut self, made: &Receiver<Result<String, ()>>) -> End {
        loop {
            self.accept();
            self.look();
            match made.try_recv() {
                Ok(Ok(state)) => {
                    say("the fixture is there");
                    (self.state, self.used) = (Some(state), Instant::now());
                }
                Ok(Err(())) => return End::Failed,
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => {}
            }
            if !self.place.runner().alive() {
                say("the tests have ended");
                return End::Orphaned;
            }
            if self.is_idle() {
                say(format_args!("nobody has used the fixture for {:?}", self.linger));
                return End::Idle;
            }
            pause();
        }
    }

    fn accept(&mut self) {
        while let Ok((stream, _)) = self.listener.accept() {
            // The other end of a connection that is closed at once.
            if stream.set_nonblocking(true).is_ok() {
                self.guests.push(Guest { stream, told: false });
            }
        }
    }

    /// Hears what the tests say, and tells them the state.
    fn look(&mut self) {
        let (state, kept) = (self.state.as_deref(), &mut self.kept);
        self.guests.retain_mut(|guest| guest.hear(kept) && guest.tell(state));
        if !self.guests.is_empty() {
            self.used = Instant::now();
        }
    }

    /// Whether it can end: nobody is connected, and whoever is about to connect waits for the lock.
    fn is_idle(&mut self) -> bool {
        if self.state.is_none() || self.used.elapsed() < self.linger {
            return false;
        }
        let lock = self.place.try_lock();
        self.accept();
        self.lock = lock.filter(|_| self.guests.is_empty());
        self.lock.is_some()
    }
}

impl Guest {
    /// Whether the test is still there.
    fn hear(&mut self, kept: &mut bool) -> bool {
        let mut words = [0; 64];
        match self.stream.read(&mut words) {
            Ok(0) => false,
            Ok(read) => {
                *kept |= words[..read].starts_with(FAILED);
                true
            }
            Err(error) => matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted),
        }
    }

    /// Tells the state, once; whether the test took it.
    fn tell(&mut self, state: Option<&str>) -> bool {
        let Some(state) = state.filter(|_| !self.told) else { return true };
        self.told = true;
        let stream = &mut self.stream;
        let told = stream.set_nonblocking(false).and_then(|()| stream.set_write_timeout(Some(PATIENCE)));
        let told = told.and_then(|()| writeln!(stream, "{state}"));
        told.and_then(|()| stream.set_nonblocking(true)).is_ok()
    }
}
