//! Opting out (RFC 8058) while a campaign runs: acknowledged before its message leaves, handed off or not, means no message.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use maily_testkit::{Service, pause};
use maily_tests::{
    api::Campaign,
    folder,
    https::Https,
    mail::{self, Message},
    platform::{Platform, Room},
    report::{assert_balanced, assert_nothing_blocked, count},
    say,
};
use serde_json::Value;

/// All are in the list; every sixth stays, the thousand others opt out.
const PEOPLE: usize = 1200;
const RACERS: usize = 1000;
/// Recipients on a page: many pages, so that hand-offs and opt-outs take turns.
const PAGE: usize = 10;
/// Opt-outs before anything can have been handed off: there is no copy yet.
const EARLY: usize = 250;
/// Opt-outs from the front of the list, when some of it has been handed off: too late for that, in time for the export.
const LATE: usize = 100;
const THREADS: usize = 8;
const PATIENCE: Duration = Duration::from_secs(300);

type Mail = BTreeMap<String, Message>;

#[test]
fn a_thousand_opt_outs_race_the_hand_off() {
    let room = Room::new();
    let hold = room.data().with_file_name("hold");
    let mut platform = Platform::recorded_in(room, |plan| {
        plan.set(Service::Compliance, &format!("service.page_size={PAGE}"))
            // One machine plays a thousand people.
            .set(Service::Compliance, "edge.requests_per_second=1000000")
            .set(Service::Inference, &format!("service.recorded.hold={}", hold.display()))
    });
    let tokens = everybody_gets_a_message(&platform);
    the_rest_changes_nothing(&platform, &tokens);
    race(&platform, &tokens, hold);
    only_those_who_stayed(&platform);
    platform.stack.settle().unwrap();
    drop(platform.stop());
}

fn stays(person: usize) -> bool {
    person % 6 == 5
}

fn create(platform: &Platform, name: &str) -> Campaign {
    let folder = platform.path(name);
    let people: Vec<String> = (0..PEOPLE).map(|n| folder::row(n, "GB", "en-GB", "loyal-customers")).collect();
    folder::copy(&folder, format!("{}\n{}\n", folder::HEADER, people.join("\n")));
    Campaign::create(platform.https(Service::Orchestrator), name, &folder)
}

/// A campaign that has ended.
struct Finished {
    report: Value,
    mail: Mail,
    /// When the mail was asked for.
    asked: Instant,
}

/// Waits for the end of a campaign; its report and its messages, which have to agree: who is not in the mail though handed
/// off has objected since, and is counted.
fn finish(campaign: &mut Campaign, look: impl FnMut(Instant, &Value)) -> Finished {
    let report = campaign.wait(look);
    assert_balanced(&report);
    assert_nothing_blocked(&report);
    let before = count(&report, &["left_out_after_hand_off"]);
    let asked = Instant::now();
    let mail = mail::by_recipient(mail::split(&campaign.mail("uk")));
    let after = count(&campaign.report(), &["left_out_after_hand_off"]);
    let left_out = count(&report, &["written"]) - mail.len() as u64;
    assert!((before..=after).contains(&left_out), "{left_out} left out; counted {before}, later {after}");
    assert_eq!(count(&report, &["rows"]), PEOPLE as u64);
    Finished { report, mail, asked }
}

/// The links of everybody, from the messages that they got.
fn everybody_gets_a_message(platform: &Platform) -> Vec<String> {
    let mut campaign = create(platform, "first");
    campaign.start();
    let Finished { report, mail, .. } = finish(&mut campaign, |_, _| {});
    assert_eq!((count(&report, &["written"]), mail.len()), (PEOPLE as u64, PEOPLE));
    (0..PEOPLE).map(|n| mail[&folder::address(n)].token()).collect()
}

/// A link scanner's GET, and POSTs that are not RFC 8058's: nobody of these is suppressed later on.
fn the_rest_changes_nothing(platform: &Platform, tokens: &[String]) {
    let mut client = Https::new(&platform.plan().ca(), &platform.plan().edge(Service::Compliance));
    for token in (0..PEOPLE).filter(|n| stays(*n)).take(20).map(|n| &tokens[n]) {
        let path = format!("/u/{token}");
        let page = client.get(&path).unwrap();
        assert_eq!(page.status, 200);
        assert!(!page.text().contains('@') && !page.head.contains("set-cookie"));
        for body in ["x", "List-Unsubscribe=Two-Click", "a=List-Unsubscribe%3DOne-Click"] {
            assert_eq!(client.post_form(&path, body).unwrap().status, 400, "{body}");
        }
        let mut tampered = path.clone().into_bytes();
        tampered[10] = if tampered[10] == b'A' { b'B' } else { b'A' };
        let tampered = String::from_utf8(tampered).unwrap();
        assert_eq!(client.post_form(&tampered, "List-Unsubscribe=One-Click").unwrap().status, 404);
    }
}

fn race(platform: &Platform, tokens: &[String], hold: PathBuf) {
    let mut campaign = create(platform, "second");
    // The model says nothing until the early ones are through, and a look has shown that nothing was handed off.
    fs::write(&hold, "").unwrap();
    let race = Race::new(platform, tokens, hold);
    let finished = thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| race.opt_out());
        }
        campaign.start();
        finish(&mut campaign, |asked, status| race.look(asked, &status["cohorts"][0]))
    });
    race.judge(&finished);
}

/// What is known of the hand-off at a moment.
struct Look {
    asked: Instant,
    /// Pages from this one on had not been handed off when the question was asked.
    untouched: usize,
}

/// The thousand, and what is known about when.
struct Race<'a> {
    tokens: &'a [String],
    ca: PathBuf,
    address: String,
    /// No copy is written while there is this file.
    hold: PathBuf,
    next: AtomicUsize,
    /// How far the hand-off was known to be: 0 not begun, 1 perhaps begun, 2 some pages are done.
    stage: AtomicUsize,
    looks: Mutex<Vec<Look>>,
    /// Person to the moment when the opt-out was acknowledged.
    acknowledged: Mutex<BTreeMap<usize, Instant>>,
}

impl<'a> Race<'a> {
    fn new(platform: &Platform, tokens: &'a [String], hold: PathBuf) -> Self {
        Self {
            tokens,
            ca: platform.plan().ca(),
            address: platform.plan().edge(Service::Compliance),
            hold,
            next: AtomicUsize::new(0),
            stage: AtomicUsize::new(0),
            looks: Mutex::default(),
            acknowledged: Mutex::default(),
        }
    }

    /// Takes the status in. A step covers some pages and is counted when it ends; only one runs at a time, and the one
    /// before may not be counted yet: pages behind these two have not been touched.
    fn look(&self, asked: Instant, cohort: &Value) {
        let pages = |key: &str| usize::try_from(cohort[key].as_u64().unwrap()).unwrap();
        let (all, done, drafted) = (pages("pages"), pages("pages_done"), cohort["drafted"] == true);
        assert_eq!(all, PEOPLE / PAGE);
        let untouched = if drafted { done + 2 * STEP } else { 0 };
        self.stage.store(usize::from(drafted) + usize::from(done > 0), Ordering::SeqCst);
        self.looks.lock().unwrap().push(Look { asked, untouched });
        let early = self.acknowledged.lock().unwrap();
        if early.len() >= EARLY && early.values().all(|moment| *moment < asked) {
            // It is gone already at the next look.
            let _ = fs::remove_file(&self.hold);
        }
    }

    /// One of the senders: the early ones at once, the others when the hand-off is that far.
    fn opt_out(&self) {
        let mut client = Https::new(&self.ca, &self.address);
        loop {
            let turn = self.next.fetch_add(1, Ordering::SeqCst);
            if turn >= RACERS {
                return;
            }
            let end = Instant::now() + PATIENCE;
            let stage = usize::from(turn >= EARLY) + usize::from(turn >= RACERS - LATE);
            while self.stage.load(Ordering::SeqCst) < stage && Instant::now() < end {
                pause();
            }
            let person = racer(turn);
            let path = format!("/u/{}", self.tokens[person]);
            let reply = client.post_form(&path, "List-Unsubscribe=One-Click").unwrap();
            assert_eq!(reply.status, 200, "{}", reply.text());
            self.acknowledged.lock().unwrap().insert(person, Instant::now());
        }
    }

    fn judge(&self, Finished { report, mail, asked }: &Finished) {
        let (looks, acknowledged) = (self.looks.lock().unwrap(), self.acknowledged.lock().unwrap());
        assert_eq!(acknowledged.len(), RACERS);
        let suppressed = count(report, &["excluded", "suppressed"]);
        let (mut before, mut missing) = (0, 0);
        for (person, moment) in &*acknowledged {
            let written = mail.contains_key(&folder::address(*person));
            missing += u64::from(!written);
            // Known to be acknowledged before its hand-off: a later look found its page untouched.
            let known = looks.iter().any(|l| l.asked >= *moment && l.untouched <= person / PAGE);
            before += usize::from(known);
            assert!(
                !(known && written),
                "person {person} was acknowledged before the hand-off, and written to"
            );
            assert!(
                !(moment < asked && written),
                "person {person} was acknowledged before the mail left, and is in it"
            );
        }
        for person in (0..PEOPLE).filter(|n| stays(*n)) {
            assert!(
                mail.contains_key(&folder::address(person)),
                "person {person} did not opt out: no message"
            );
        }
        // Nobody else is missing: each was suppressed at the hand-off, or left out behind it.
        assert_eq!(mail.len() as u64, PEOPLE as u64 - missing);
        assert_eq!(count(report, &["written"]), PEOPLE as u64 - suppressed);
        say(format_args!(
            "{RACERS} opt-outs: {suppressed} suppressed ({before} of them known to be before their hand-off), {} left \
             out behind it, {} written to before they opted out",
            missing - suppressed,
            RACERS as u64 - missing
        ));
        assert!(before >= EARLY, "the early ones were not early");
        assert!(suppressed < RACERS as u64, "nobody was handed off before opting out: there was no race");
    }
}

/// Pages of one step.
const STEP: usize = 16;

/// Whose turn it is. The early ones are spread over the list; the late ones are at its front, where the hand-off begins.
fn racer(turn: usize) -> usize {
    let racers: Vec<usize> = (0..PEOPLE).filter(|n| !stays(*n)).collect();
    let (early, mut rest): (Vec<_>, Vec<_>) = racers.into_iter().enumerate().partition(|(n, _)| n % 4 == 0);
    assert_eq!(early.len(), EARLY);
    rest.rotate_left(LATE);
    early.into_iter().chain(rest).map(|(_, person)| person).nth(turn).unwrap()
}

fn only_those_who_stayed(platform: &Platform) {
    let mut campaign = create(platform, "third");
    campaign.start();
    let Finished { report, mail, .. } = finish(&mut campaign, |_, _| {});
    assert_eq!(count(&report, &["excluded", "suppressed"]), RACERS as u64);
    let expected: Vec<String> = (0..PEOPLE).filter(|n| stays(*n)).map(folder::address).collect();
    assert_eq!(mail.into_keys().collect::<Vec<_>>(), expected);
}
