//! Callers who mean harm, of every kind that was found to do some, all at once: what [`crate::fairness`] puts beside a
//! campaign, a chat and opt-outs.
//!
//! Each kind is one thread with a loop of its own, which stops by itself: when those beside have what they wanted and the
//! kind has reached its number, at its greatest number, or at the deadline of all. What it sent and how it was answered
//! is counted; a kind that was not answered so often, or in another way than it should be, fails.
//!
//! Every client is told apart by its address, and the machine has all of 127.0.0.0/8: hostile ones call from 127.0.2.0 on,
//! but where the point is that they share an address with an honest one.

mod campaigns;
mod connections;
mod http2;
mod rails;
mod requests;
mod slow;
mod tally;

use std::{
    io::{Error, ErrorKind, Result},
    net::Ipv4Addr,
    sync::atomic::{AtomicBool, Ordering},
    thread::Scope,
    time::{Duration, Instant},
};

use maily_chassis::key_hash;
use maily_testkit::{Plan, Service, pause};
use serde_json::Value;

use crate::{
    https::{Https, Reply},
    platform::Room,
    say,
};
pub use rails::write as write_rails;
pub use slow::links;
pub use tally::Tally;

/// The keys at the edge, by the names under which they are known. They are worth nothing outside of a test.
const LOCAL: &str = "a-key-with-all-scopes";
const HOSTILE: &str = "a-key-without-mail";
/// They bring lists, and nothing else: what one has of the places for lists, it does not have for its own campaigns.
const TRICKLES: [&str; 2] = ["a-key-that-trickles-lists", "another-key-that-trickles-lists"];
const INFERS: &str = "a-key-that-only-infers";
const JUDGES: &str = "a-key-that-only-judges";
/// No caller goes on for longer.
const DEADLINE: Duration = Duration::from_secs(600);
/// What a request met whose connection ended before an answer, as one may that waits while a listener is full.
const BROKEN: &str = "broken off";

/// A kind of caller.
struct Kind {
    name: &'static str,
    /// The answers that count, and how many of them there have to be.
    counts: &'static [&'static str],
    least: u64,
    /// So many are sent at most.
    most: u64,
    /// Other answers that are as they should be.
    may: &'static [&'static str],
    run: fn(&Caller<'_>),
}

const NUMBER: usize = 18;

static KINDS: [Kind; NUMBER] = [
    Kind {
        name: "templates that take all memory or stack",
        // Of a text that the template can't take, and of a folder whose template can't be used.
        counts: &["400", "422"],
        least: 30,
        most: 5_000,
        may: &["429", "503"],
        run: requests::templates,
    },
    Kind {
        name: "texts that made panics",
        counts: &["200"],
        least: 30,
        most: 5_000,
        may: &[],
        run: requests::texts,
    },
    Kind {
        name: "campaigns of texts that made panics",
        counts: &["done, 3 written"],
        least: 1,
        most: 2,
        may: &[],
        run: campaigns::texts,
    },
    Kind {
        name: "schemas that can't be used",
        counts: &["400"],
        least: 50,
        most: 5_000,
        may: &["429"],
        run: requests::schemas,
    },
    Kind {
        name: "poisoned campaigns",
        counts: &["done, 0 written", "failed"],
        least: 4,
        most: 40,
        may: &[],
        run: campaigns::poisoned,
    },
    Kind {
        name: "idle connections to inference",
        counts: &["opened"],
        least: connections::IDLE,
        most: 16 * connections::IDLE,
        may: &["closed"],
        run: connections::idle_at_inference,
    },
    Kind {
        name: "idle connections to compliance",
        counts: &["opened"],
        least: connections::IDLE,
        most: 16 * connections::IDLE,
        may: &["closed"],
        run: connections::idle_at_compliance,
    },
    Kind {
        name: "silent connections to Restate's endpoint",
        counts: &["opened"],
        least: connections::SILENT,
        most: 100 * connections::SILENT,
        may: &["closed"],
        run: connections::silent_at_the_endpoint,
    },
    Kind {
        name: "answers over HTTP/2 that nobody reads",
        counts: &["200"],
        least: 4 * http2::STREAMS,
        most: 300 * http2::STREAMS,
        // A connection whose answers all wait for their reader gives way.
        may: &["429", "NO_ERROR", "REFUSED_STREAM", "closed"],
        run: http2::unread,
    },
    Kind {
        // What is sent are requests, and what is answered is how their connection ends.
        name: "requests over HTTP/2 that are taken back at once",
        counts: &["ENHANCE_YOUR_CALM"],
        least: 10,
        most: 100_000,
        may: &["NO_ERROR"],
        run: http2::taken_back,
    },
    Kind {
        name: "uploads to S3 of 4 KB a second, by pieces",
        counts: &["piece"],
        least: 5 * slow::SENDERS,
        most: 600 * slow::SENDERS,
        // 400 is S3's RequestTimeout.
        may: &["200", "400", "503", "unfinished"],
        run: slow::uploads,
    },
    Kind {
        name: "lists of 4 KB a second, by pieces",
        counts: &["piece"],
        least: 5 * slow::LISTS,
        most: 600 * slow::LISTS,
        // 504 behind the orchestrator's `limits.request_seconds`, five minutes.
        may: &["200", "408", "503", "504", "unfinished"],
        run: slow::lists,
    },
    Kind {
        name: "unfinished bodies of 4 MB",
        counts: &["408", "503", BROKEN],
        least: slow::UNFINISHED,
        most: 5 * slow::UNFINISHED,
        may: &["unfinished"],
        run: slow::unfinished_bodies,
    },
    Kind {
        name: "bodies of 2 KB a second on every connection of inference",
        counts: &["begun"],
        least: connections::IDLE,
        most: 16 * connections::IDLE,
        // 400 is for a body of blanks.
        may: &["400", "408", "429", "503", "unfinished"],
        run: slow::dripping_bodies,
    },
    Kind {
        name: "250,000 blanks to be cut into tokens",
        counts: &["400"],
        least: 20,
        most: 5_000,
        may: &["429"],
        run: requests::blanks,
    },
    Kind {
        name: "briefs against heavy patterns",
        counts: &["200"],
        least: 20,
        most: 5_000,
        may: &["429", "503"],
        run: requests::briefs,
    },
    Kind {
        name: "junk unsubscribe links",
        counts: &["404", "429"],
        least: 200,
        most: 50_000,
        may: &[],
        run: requests::junk_links,
    },
    Kind {
        name: "keys outside of their scopes",
        counts: &["403"],
        least: 100,
        most: 50_000,
        may: &[],
        run: requests::other_scopes,
    },
];

/// All of them, at one stack.
pub struct Callers {
    plan: Plan,
    /// The model's name.
    model: Value,
    /// Signed links of uploads to storage.
    links: Vec<String>,
    /// Times each kind's number.
    effort: u64,
    end: Instant,
    over: AtomicBool,
    tallies: [Tally; NUMBER],
}

impl Callers {
    /// Those of a stack whose room has [`write_keys`] and [`write_rails`]; `links` are [`links()`].
    #[must_use]
    pub fn new(plan: Plan, model: Value, links: Vec<String>, effort: u64) -> Self {
        let (end, over) = (Instant::now() + DEADLINE, AtomicBool::new(false));
        Self { plan, model, links, effort, end, over, tallies: Default::default() }
    }

    /// Starts them.
    pub fn start<'scope, 'env>(&'env self, scope: &'scope Scope<'scope, 'env>) {
        for (kind, tally) in KINDS.iter().zip(&self.tallies) {
            scope.spawn(move || (kind.run)(&Caller { all: self, kind, tally }));
        }
    }

    /// Whether each has sent something.
    #[must_use]
    pub fn have_begun(&self) -> bool {
        self.tallies.iter().all(|tally| tally.sent() > 0)
    }

    /// Whether each has reached its number.
    #[must_use]
    pub fn have_reached(&self) -> bool {
        self.each().all(|caller| caller.has_reached())
    }

    /// Whether their time is over.
    #[must_use]
    pub fn are_late(&self) -> bool {
        Instant::now() >= self.end
    }

    /// Those that have reached their number end, and the others when they have.
    pub fn stop(&self) {
        self.over.store(true, Ordering::SeqCst);
    }

    /// Shows what was sent and answered.
    ///
    /// # Panics
    /// A kind has not reached its number, or was answered otherwise than it should be.
    pub fn judge(&self) {
        let mut faults = Vec::new();
        for caller in self.each() {
            let Caller { kind, tally, .. } = caller;
            say(format_args!("{}: {tally}", kind.name));
            if !caller.has_reached() {
                let least = kind.least * self.effort;
                faults.push(format!("{}: fewer than {least} were answered {:?}", kind.name, kind.counts));
            }
            let mut known = kind.counts.to_vec();
            known.extend(kind.may);
            known.push(BROKEN);
            for answer in tally.answers().into_keys().filter(|answer| !known.contains(&answer.as_str())) {
                faults.push(format!("{}: answered {answer}", kind.name));
            }
        }
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }

    fn each(&self) -> impl Iterator<Item = Caller<'_>> {
        KINDS.iter().zip(&self.tallies).map(|(kind, tally)| Caller { all: self, kind, tally })
    }
}

/// One of them at work.
struct Caller<'a> {
    all: &'a Callers,
    kind: &'a Kind,
    tally: &'a Tally,
}

impl Caller<'_> {
    fn has_reached(&self) -> bool {
        self.tally.of(self.kind.counts) >= self.kind.least * self.all.effort
    }

    fn may_send(&self) -> bool {
        self.tally.sent() < self.kind.most * self.all.effort
    }

    fn goes_on(&self) -> bool {
        let wanted = !self.all.over.load(Ordering::SeqCst) || !self.has_reached();
        wanted && self.may_send() && !self.all.are_late()
    }

    /// One after another, each behind the answer to the one before.
    fn each(&self, mut call: impl FnMut(u64) -> Result<String>) {
        for n in 0.. {
            if !self.goes_on() {
                return;
            }
            self.tally.send();
            self.tally.answer(call(n).unwrap_or_else(|error| broken(&error)));
            pause();
        }
    }

    /// The same with requests, whose statuses are the answers.
    fn ask(&self, mut ask: impl FnMut(u64) -> Result<Reply>) {
        self.each(|n| ask(n).map(|reply| reply.status.to_string()));
    }

    /// A client of an edge listener with this key, from 127.0.2.`host`.
    fn client(&self, service: Service, key: &str, host: u8) -> Https {
        let plan = &self.all.plan;
        let client = Https::new(&plan.ca(), &plan.edge(service)).bearer(key);
        client.calling_from(Ipv4Addr::new(127, 0, 2, host))
    }
}

fn broken(error: &Error) -> String {
    use ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    match error.kind() {
        UnexpectedEof | ConnectionReset | ConnectionAborted | BrokenPipe => BROKEN.to_owned(),
        kind => format!("error: {kind}"),
    }
}

/// Puts the keys of honest and hostile clients into a room in which no stack has been started yet.
///
/// # Panics
/// They can't be written.
pub fn write_keys(room: &Room) {
    let lines = [
        (LOCAL, "local", "infer,guardrails,campaigns,mail"),
        (HOSTILE, "hostile", "infer,guardrails,campaigns"),
        (TRICKLES[0], "trickles", "campaigns"),
        (TRICKLES[1], "trickles-too", "campaigns"),
        (INFERS, "infers", "infer"),
        (JUDGES, "judges", "guardrails"),
    ];
    let lines = lines.map(|(key, name, scopes)| format!("{}:{scopes}\n", key_hash(name, key)));
    room.write("secrets/edge.hashes", lines.concat().as_bytes());
    room.write("secrets/edge.key", LOCAL.as_bytes());
}
