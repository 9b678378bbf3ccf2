//! A test's side of a fixture: finds or starts the keeper, and holds the connection.

use std::{
    env,
    fs::{self, File},
    io::{BufRead as _, BufReader, Write as _},
    ops::Deref,
    os::unix::net::UnixStream,
    process::{Child, Stdio},
    thread::panicking,
    time::{Duration, Instant},
};

use maily_testkit::{detached, pause};
use serde::de::DeserializeOwned;

use super::{place::Place, run::Orders};
use crate::say;

/// From the keeper's start until it listens: it has made nothing yet.
const BEGIN: Duration = Duration::from_secs(60);
/// No fixture takes longer: images that are built from nothing, a cluster and a release on it.
const LONGEST: Duration = Duration::from_secs(45 * 60);
const WORTH_SAYING: Duration = Duration::from_secs(1);
/// What a test says whose failure may be the fixture's.
pub(super) const FAILED: &[u8] = b"failed\n";

/// A test's use of a fixture: as long as it is held, the fixture stays. It derefs to the fixture's state.
pub struct Lease<S> {
    state: S,
    name: &'static str,
    stream: UnixStream,
    /// Locked, shared or for this test alone.
    _usage: Option<File>,
}

/// Whether others may use a fixture at the same time.
#[derive(Clone, Copy)]
pub(super) enum Usage {
    /// Its holder does not use it.
    None,
    /// They may.
    Shared,
    /// They wait.
    Alone,
}

impl<S> Deref for Lease<S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.state
    }
}

impl<S> Drop for Lease<S> {
    fn drop(&mut self) {
        if panicking() {
            let _ = self.stream.write_all(FAILED);
            say(format_args!(
                "{}: {} says what its keeper did",
                self.name,
                Place::new(self.name).log().display()
            ));
        }
    }
}

impl<S: DeserializeOwned> Lease<S> {
    pub(super) fn take(name: &'static str, keeper: &str, usage: Usage) -> Self {
        let place = Place::new(name);
        let begun = Instant::now();
        let stream = connect(name, &place, keeper);
        stream.set_read_timeout(Some(LONGEST)).unwrap();
        let mut line = String::new();
        let read = BufReader::new(&stream).read_line(&mut line);
        if read.is_err() || !line.ends_with('\n') {
            give_up(name, &place, &format!("the keeper ended without a word ({read:?})"));
        }
        let state = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{name}: {error}: {line}"));
        let usage = lock(&place, usage);
        if begun.elapsed() > WORTH_SAYING {
            say(format_args!("{name} was waited for {:.1} s", begun.elapsed().as_secs_f32()));
        }
        Self { state, name, stream, _usage: usage }
    }
}

fn lock(place: &Place, usage: Usage) -> Option<File> {
    let lock = match usage {
        Usage::None => return None,
        Usage::Shared => File::lock_shared,
        Usage::Alone => File::lock,
    };
    let file = place.usage().unwrap();
    lock(&file).unwrap();
    Some(file)
}

/// A connection to the keeper, which is started if there is none.
fn connect(name: &str, place: &Place, keeper: &str) -> UnixStream {
    let _lock = place.lock().unwrap();
    if place.failure().is_some() {
        give_up(name, place, "");
    }
    let mut child = match place.keeper_lives() {
        Some(true) => None,
        Some(false) => give_up(name, place, "the keeper was killed"),
        None => Some(start(name, place, keeper)),
    };
    let end = Instant::now() + BEGIN;
    loop {
        if let Ok(stream) = UnixStream::connect(place.socket()) {
            return stream;
        }
        let gone = match &mut child {
            Some(child) => child.try_wait().unwrap().is_some(),
            None => place.keeper_lives() == Some(false),
        };
        if gone || Instant::now() > end {
            give_up(name, place, "the keeper does not listen");
        }
        pause();
    }
}

/// Starts the keeper. It takes nothing of this process along that would end with it: no terminal, no pipe.
fn start(name: &str, place: &Place, keeper: &str) -> Child {
    let log = place.open_log().unwrap();
    let mut child = detached(env::current_exe().unwrap())
        .args(["--exact", keeper, "--ignored", "--nocapture"])
        .stdin(Stdio::piped())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap();
    let orders = serde_json::to_vec(&Orders::new(name)).unwrap();
    child.stdin.take().unwrap().write_all(&orders).unwrap();
    child
}

/// Fails as the keeper did; if it said nothing, for this reason, which is then that of the whole run.
fn give_up(name: &str, place: &Place, reason: &str) -> ! {
    if !reason.is_empty() {
        let log = fs::read(place.log()).unwrap_or_default();
        let tail = String::from_utf8_lossy(&log[log.len().saturating_sub(2_000)..]).into_owned();
        place.fail(&format!("{reason}; its log ends with: {tail}"));
    }
    let words = place.failure().unwrap_or_default();
    panic!("{name} is not there: {}\n(whole log: {})", words.trim_end(), place.log().display());
}
