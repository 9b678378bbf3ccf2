//! A campaign, a chat and opt-outs side by side, with every kind of hostile caller beside them or without: whether anybody
//! notices. The end-to-end test asks whether all is done, `cargo xtask bench fairness` how long it took.
//!
//! The model's answers are recorded and take a time that is given: what differs between two runs is then the listeners, the
//! queue and the machine, and not the model. With recorded answers nothing of a hostile caller's may reach the model.

use std::{
    collections::BTreeSet,
    fs,
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use maily_testkit::{Service, pause};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use serde_json::Value;

use crate::{
    api::Campaign,
    folder,
    hostile::{self, Callers},
    https::{Https, Reply},
    mail,
    platform::{Platform, Room, peak},
    report::{assert_balanced, assert_nothing_blocked, count, timeless},
    say,
};

/// Who opts out is in no list but that of the campaigns before and behind.
const OBJECTORS: usize = 500_000;
/// Recipients on a page: many pages, so that the hand-off takes a while.
const PAGE: usize = 50;
/// Requests a second at compliance of an address without an authentic link: fewer than the junk's, which comes from the
/// address of those who opt out.
const RATE: usize = 20;
/// Descriptors that the connections of all hostile callers take here.
const DESCRIPTORS: u64 = 4_096;
const PATIENCE: Duration = Duration::from_secs(600);

/// The most memory that a service may have had, in MiB: what `bench campaign` allows (300), the bodies under way
/// (`limits.body_bytes`, 256), and a head of 64 KiB for each of 1,024 connections; and the program of a debug build.
pub const MEMORY_MIB: u64 = 300 + 256 + 64 + 20;

/// What runs side by side.
#[derive(Clone, Copy, Debug)]
pub struct Trial {
    /// Rows of the campaign.
    pub rows: usize,
    /// Requests of the chat, at least: it goes on as long as the campaign, and the hostile callers' numbers, take.
    pub chats: usize,
    /// People who opt out.
    pub opt_outs: usize,
    /// How long a recorded answer takes.
    pub answer: Duration,
    /// Times the number of each kind of hostile caller.
    pub effort: u64,
}

/// Who is beside them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beside {
    /// Nobody.
    Nobody,
    /// Every kind of hostile caller.
    HostileCallers,
}

/// What came of it.
pub struct Done {
    /// The campaign's report.
    pub report: Value,
    /// How long each request of the chat took, sorted.
    pub chats: Vec<Duration>,
    /// Process to the most memory that it had, in MiB.
    pub memory: Vec<(String, u64)>,
    /// The root keys, for a run that is to write the same mail.
    pub keyring: Vec<u8>,
    out: PathBuf,
    /// Holds what was written.
    _room: Room,
}

/// A flag that is set when this ends, whichever way.
struct AtEnd<F: Fn()>(F);

impl<F: Fn()> Drop for AtEnd<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

impl Trial {
    /// Runs it on a stack of its own, with these root keys if there are some.
    ///
    /// # Panics
    /// The campaign, the chat or an opt-out fails, a process ends or panics, or a kind of hostile caller does not reach its
    /// number or is answered otherwise than it should be.
    #[must_use]
    pub fn run(&self, keyring: Option<&[u8]>, beside: Beside) -> Done {
        raise_descriptors();
        let mut platform = self.start(keyring.map_or_else(Room::new, Room::with_keyring));
        let processes = processes(&platform);
        let links = self.everybody_has_a_link(&platform);
        let (mut chat, mut objector) = (Chat::new(&platform), Objector::new(&platform, links));
        let callers = (beside == Beside::HostileCallers).then(|| {
            let plan = platform.plan().clone();
            let links = hostile::links(&plan);
            Callers::new(plan, chat.model.clone(), links, self.effort)
        });
        let (folder, out) = (platform.path("campaign"), platform.path("out"));
        folder::copy(&folder, folder::list(self.rows, folder::COHORTS.len()));
        let may_end = AtomicBool::new(false);
        let (outcome, chats) = thread::scope(|scope| {
            let over = AtEnd(|| {
                may_end.store(true, Ordering::SeqCst);
                callers.iter().for_each(Callers::stop);
            });
            if let Some(callers) = &callers {
                callers.start(scope);
                until("every kind of hostile caller has begun", || callers.have_begun());
            }
            let chats = scope.spawn(|| chat.ask_until(|n| n >= self.chats && may_end.load(Ordering::SeqCst)));
            let opted_out = scope.spawn(|| objector.opt_out());
            let outcome = platform.campaign_while(&folder, &out, |_| {});
            opted_out.join().unwrap();
            // Those that do not are told by their verdict.
            until("every kind of hostile caller has reached its number", || {
                callers.as_ref().is_none_or(|callers| callers.have_reached() || callers.are_late())
            });
            // Whoever is disturbed is so to the end.
            may_end.store(true, Ordering::SeqCst);
            let chats = chats.join().unwrap();
            drop(over);
            (outcome, chats)
        });
        callers.iter().for_each(Callers::judge);
        say(format_args!("{beside:?}: {:.1} s, {} chats", outcome.took.as_secs_f32(), chats.len()));
        let report = outcome.report(&out);
        assert_balanced(&report);
        assert_nothing_blocked(&report);
        assert_eq!(count(&report, &["written"]), self.rows as u64);
        self.everybody_is_suppressed(&platform);
        assert_eq!(self::processes(&platform), processes, "a process ended and was started again");
        assert_no_panic(&platform);
        let memory = memory(&platform);
        let keyring = fs::read(platform.plan().data().join("compliance/keyring.json")).unwrap();
        Done { report, chats, memory, keyring, out, _room: platform.stop() }
    }

    fn start(&self, room: Room) -> Platform {
        hostile::write_keys(&room);
        let rails = room.data().with_file_name("rails");
        hostile::write_rails(&rails);
        let rails = format!("service.configs={}", rails.display());
        let answer = format!("service.recorded.delay_millis={}", self.answer.as_millis());
        Platform::recorded_in(room, |plan| {
            plan.set(Service::Guardrails, &rails)
                .set(Service::Inference, &answer)
                .set(Service::Compliance, &format!("service.page_size={PAGE}"))
                .set(Service::Compliance, &format!("edge.requests_per_second={RATE}"))
        })
    }

    /// A campaign to those who will opt out, and to one who will not.
    fn objectors(&self, platform: &Platform, id: &str) -> Campaign {
        let rows = OBJECTORS..=OBJECTORS + self.opt_outs;
        let rows = rows.map(|n| folder::row(n, "GB", "en-GB", "loyal-customers") + "\n");
        let folder = platform.path(id);
        folder::copy(&folder, format!("{}\n{}", folder::HEADER, rows.collect::<String>()));
        let mut campaign = Campaign::create(platform.https(Service::Orchestrator), id, &folder);
        campaign.start();
        campaign
    }

    /// The links of those who will opt out, from the messages that they got.
    fn everybody_has_a_link(&self, platform: &Platform) -> Vec<String> {
        let mut campaign = self.objectors(platform, "before");
        let report = campaign.wait(|_, _| {});
        assert_eq!(count(&report, &["written"]), self.opt_outs as u64 + 1);
        let mail = mail::by_recipient(mail::split(&campaign.mail("uk")));
        (0..self.opt_outs).map(|n| mail[&folder::address(OBJECTORS + n)].token()).collect()
    }

    /// Those who opted out, and nobody else.
    fn everybody_is_suppressed(&self, platform: &Platform) {
        // Hostile callers have gone, and what was held of their bodies a moment later.
        until("the orchestrator has room for a body", || {
            let json = "Content-Type: application/json\r\n";
            let asked = platform.https(Service::Orchestrator).send("POST", "/v1/campaigns", json, b"{}");
            asked.is_ok_and(|reply| reply.status != 503)
        });
        let report = self.objectors(platform, "behind").wait(|_, _| {});
        assert_eq!(count(&report, &["excluded", "suppressed"]), self.opt_outs as u64);
        assert_eq!(count(&report, &["written"]), 1);
    }
}

impl Done {
    /// How long this share of the chat's requests took at most.
    #[must_use]
    pub fn percentile(&self, share: f64) -> Duration {
        let all = self.chats.len();
        let place = (all as f64 * share).ceil() as usize;
        self.chats.get(place.clamp(1, all.max(1)) - 1).copied().unwrap_or_default()
    }

    /// Services with more memory than [`MEMORY_MIB`]. Restate is not ours to bound: its own setting does.
    #[must_use]
    pub fn too_large(&self) -> Vec<&(String, u64)> {
        let is_ours = |name: &str| Service::ALL.iter().any(|service| service.name() == name);
        self.memory.iter().filter(|(name, mebibytes)| is_ours(name) && *mebibytes > MEMORY_MIB).collect()
    }

    /// Asserts that report and mail are those of another run, but for its two moments: when it ran, and how long.
    ///
    /// # Panics
    /// They are not.
    pub fn assert_equals(&self, other: &Self) {
        assert_eq!(timeless(&self.report), timeless(&other.report));
        let files = |done: &Self| -> BTreeSet<_> {
            let entries = fs::read_dir(done.out.join("mail")).unwrap();
            entries.map(|entry| entry.unwrap().file_name()).collect()
        };
        assert_eq!(files(self), files(other));
        for name in files(self) {
            let [ours, theirs] = [self, other].map(|done| mail::undated(&done.out.join("mail").join(&name)));
            assert!(ours == theirs, "{} is not the undisturbed run's", name.display());
        }
    }
}

/// Somebody who talks with the model, one question after another.
struct Chat {
    client: Https,
    model: Value,
    body: String,
}

impl Chat {
    /// It asks what the contract's suite has recorded.
    fn new(platform: &Platform) -> Self {
        let mut client = platform.https(Service::Inference);
        let model = client.get("/v1/models").unwrap().json()["data"][0]["id"].clone();
        let body = maily_contracts::inference::request(&model).to_string();
        Self { client, model, body }
    }

    /// Asks until so many answers are enough; how long each took, sorted.
    fn ask_until(&mut self, enough: impl Fn(usize) -> bool) -> Vec<Duration> {
        let (json, body) = ("Content-Type: application/json\r\n", self.body.as_bytes());
        let (mut took, mut said) = (Vec::new(), BTreeSet::new());
        while !enough(took.len()) {
            let begun = Instant::now();
            let client = &mut self.client;
            let reply = patiently(|| client.send("POST", "/v1/chat/completions", json, body));
            took.push(begun.elapsed());
            assert_eq!(reply.status, 200, "a chat is refused: {}", reply.text());
            said.insert(reply.json()["choices"][0]["message"]["content"].to_string());
        }
        assert_eq!(said.len(), 1, "the same question has several answers");
        took.sort_unstable();
        took
    }
}

/// People who use their links, one after another.
struct Objector {
    client: Https,
    links: Vec<String>,
}

impl Objector {
    fn new(platform: &Platform, links: Vec<String>) -> Self {
        let plan = platform.plan();
        Self { client: Https::new(&plan.ca(), &plan.edge(Service::Compliance)), links }
    }

    fn opt_out(&mut self) {
        for link in &self.links {
            let (client, path) = (&mut self.client, format!("/u/{link}"));
            let reply = patiently(|| client.post_form(&path, "List-Unsubscribe=One-Click"));
            assert_eq!(reply.status, 200, "a valid opt-out is refused: {}", reply.text());
            pause();
        }
    }
}

/// As any client does whose connection was closed between two requests: once more, on another.
fn patiently(mut ask: impl FnMut() -> std::io::Result<Reply>) -> Reply {
    ask().or_else(|_| ask()).expect("neither of two connections in a row was served")
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "not in time: {what}");
        pause();
    }
}

/// As many as this process may have.
fn raise_descriptors() {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    assert!(most >= DESCRIPTORS, "{DESCRIPTORS} files have to be open at once, `ulimit -Hn` is {most}");
    setrlimit(Resource::RLIMIT_NOFILE, most, most).unwrap();
}

fn processes(platform: &Platform) -> Vec<(String, Option<u32>)> {
    let names = platform.stack.names().into_iter();
    names.map(|name| (name.clone(), platform.stack.id(&name))).collect()
}

fn memory(platform: &Platform) -> Vec<(String, u64)> {
    let known = |(name, id): (String, Option<u32>)| Some((name, peak(id?)? >> 10));
    let all: Vec<_> = processes(platform).into_iter().map(known).collect();
    all.into_iter().map(|memory| memory.expect("a process without a peak")).collect()
}

/// The library of schemas panics at some, and catches it (`libs/model`, `constraint.rs`).
fn assert_no_panic(platform: &Platform) {
    for service in Service::ALL {
        let log = fs::read(platform.plan().log(service.name())).unwrap();
        let log = String::from_utf8_lossy(&log);
        let panics = log.lines().filter(|line| line.contains("a thread panicked"));
        let ours: Vec<_> =
            panics.filter(|line| !line.contains("/derivre-") && !line.contains("/llguidance-")).collect();
        assert!(ours.is_empty(), "{}: {}", service.name(), ours.join("\n"));
    }
}
