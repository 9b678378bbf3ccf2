//! A client in a loop, which counts what it is refused while something happens to the service.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{JoinHandle, spawn},
    time::{Duration, Instant},
};

use maily_testkit::{pause, pause_for};
use maily_tests::https::Https;

/// Between two requests: five of these loops, each with a TLS handshake for each request, are not to be the load.
const BETWEEN: Duration = Duration::from_millis(100);

/// A running loop.
pub struct Watcher {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Seen>,
}

/// What a loop saw.
#[derive(Debug, Default)]
pub struct Seen {
    /// Requests answered as they should be.
    pub answered: usize,
    /// What went wrong, each time.
    pub failed: Vec<String>,
    /// The longest time without an answer.
    pub longest: Duration,
}

impl Seen {
    /// Asserts that it saw no failure, and something.
    ///
    /// # Panics
    /// A request failed, or none was answered.
    pub fn assert_served(&self, who: &str) {
        assert!(
            self.failed.is_empty(),
            "{who} failed {} of its clients: {:?}",
            self.failed.len(),
            self.failed
        );
        assert!(self.answered > 10, "{who} was asked {} times only", self.answered);
    }
}

impl Watcher {
    /// Asks for `path` again and again, each time on a new connection, and expects this `status`. One that holds tries a
    /// failed request again until `hold` has passed, as our own clients do; only then it counts as failed.
    #[must_use]
    pub fn start(
        client: impl Fn() -> Https + Send + 'static,
        path: &'static str,
        status: u16,
        hold: Duration,
    ) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = spawn(move || {
            let mut seen = Seen::default();
            while !stopped.load(Ordering::Relaxed) {
                let begun = Instant::now();
                match request(&client, path, status, hold) {
                    Ok(()) => seen.answered += 1,
                    Err(why) => seen.failed.push(why),
                }
                seen.longest = seen.longest.max(begun.elapsed());
                pause_for(BETWEEN);
            }
            seen
        });
        Self { stop, thread }
    }

    /// Ends the loop.
    ///
    /// # Panics
    /// The loop itself did.
    #[must_use]
    pub fn stop(self) -> Seen {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

fn request(client: &impl Fn() -> Https, path: &str, status: u16, hold: Duration) -> Result<(), String> {
    let end = Instant::now() + hold;
    loop {
        let why = match client().get(path) {
            Ok(reply) if reply.status == status => return Ok(()),
            Ok(reply) => format!("status {}", reply.status),
            Err(error) => error.to_string(),
        };
        if Instant::now() >= end {
            return Err(why);
        }
        pause();
    }
}
