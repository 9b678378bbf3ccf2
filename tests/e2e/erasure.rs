//! A person is erased, and nothing that Maily keeps or has kept anywhere opens what was theirs: stores, their write-ahead
//! logs, segments, Restate, Redis, logs, the exported mail when it is exported again, and every backup made before.

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
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use maily_testkit::{Access, Redis, Service, pause, ports};
use maily_tests::{
    api::Campaign,
    folder,
    https::Https,
    mail,
    platform::{Platform, Room, with_redis},
    report::{assert_nothing_blocked, count},
    say,
};
use serde_json::{Value, json};

/// How long a program may take to start, or to end.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn a_hundred_of_a_thousand_people_are_erased() {
    erase(1_000);
}

mod soak {
    #[test]
    fn a_thousand_of_ten_thousand_people_are_erased() {
        super::erase(10_000);
    }
}

fn is_erased(person: usize) -> bool {
    person.is_multiple_of(10)
}

fn address(person: usize) -> String {
    format!("Person.{person:06}@post.example.org")
}

/// Nobody else's, so that it can be searched for. In letters: digits are no name.
fn name(person: usize) -> String {
    let letter = |digit: char| char::from(b"abcdefghij"[digit.to_digit(10).unwrap() as usize]);
    format!("Quill{}x", format!("{person:06}").chars().map(letter).collect::<String>())
}

fn list(people: usize) -> String {
    let row = |person: usize| {
        let (country, (locale, segment)) = match person % 3 {
            0 => ("GB", ("en-GB", "loyal-customers")),
            1 => ("IE", ("en-IE", "loyal-customers")),
            _ => ("CA", ("en-CA", "new-subscribers")),
        };
        format!(
            "P{person},{},{},{country},{locale},{segment},1980,express,2025-02-03T10:00:00Z,signup form,false\n",
            address(person),
            name(person)
        )
    };
    std::iter::once(format!("{}\n", folder::HEADER)).chain((0..people).map(row)).collect()
}

fn erase(people: usize) {
    let room = Room::new();
    let redis_dir = room.data().with_file_name("redis");
    fs::create_dir_all(&redis_dir).unwrap();
    let redis = Redis::start(&redis_dir, Access::Secured).unwrap();
    let mut platform = Platform::recorded_in(room, |plan| with_redis(plan, &redis));
    let (source, out) = (platform.path("source"), platform.path("out"));
    folder::copy(&source, list(people));
    let report = platform.campaign(&source, &out).report(&out);
    assert_nothing_blocked(&report);
    assert_eq!(count(&report, &["written"]), people as u64);
    let before = messages(&out);
    // Another one is under way: its list is imported, nothing of it is written yet.
    let mut under_way = Campaign::create(platform.https(Service::Orchestrator), "under-way", &source);
    let backup = Backup::make(&platform);
    backup.opens_everything(&platform);

    let begun = Instant::now();
    let mut officer = officer(&platform);
    for person in (0..people).filter(|person| is_erased(*person)) {
        // By another spelling than the list's.
        let ask = json!({ "address": address(person).to_uppercase(), "reason": "asked by letter" });
        let receipt = call(&mut officer, "/v1/subjects/erase", &ask);
        assert_eq!((&receipt["rows"], &receipt["suppressed"]), (&json!(2), &json!(true)), "{receipt}");
    }
    let turned = call(&mut officer, "/v1/epochs/turn", &json!({}));
    say(format_args!(
        "{} people erased and the epochs turned in {:.1} s: {turned}",
        people / 10,
        begun.elapsed().as_secs_f32()
    ));

    let again = platform.campaign(&source, &out).report(&out);
    assert_eq!(count(&again, &["left_out_after_hand_off"]), people.div_ceil(10) as u64);
    under_way.start();
    let report = under_way.wait(|_, _| {});
    assert_eq!(count(&report, &["written"]), (people - people.div_ceil(10)) as u64);
    let after = messages(&out);
    let stayed = before.into_iter().filter(|(person, _)| !is_erased(*person)).collect::<BTreeMap<_, _>>();
    assert!(after == stayed, "the others' messages are what they were");
    held(&mut officer, people);
    backup.opens_nothing(&platform);
    call(&mut officer, "/v1/ledger/verify", &json!({}));

    let room = platform.stop();
    drop(redis);
    // The operator's own files are not Maily's, nor is what a terminal showed.
    fs::remove_dir_all(&source).unwrap();
    let root = room.data().parent().unwrap().to_owned();
    for entry in fs::read_dir(&root).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name().to_string_lossy().starts_with("client-") {
            fs::remove_file(entry.path()).unwrap();
        }
    }
    search(&root, people);
    drop(room);
}

fn officer(platform: &Platform) -> Https {
    let plan = platform.plan();
    Https::new(&plan.ca(), &plan.officer()).bearer(&plan.officer_key().unwrap())
}

fn call(officer: &mut Https, path: &str, body: &Value) -> Value {
    let body = serde_json::to_vec(body).unwrap();
    let reply = officer.send("POST", path, "Content-Type: application/json\r\n", &body).unwrap();
    assert_eq!(reply.status, 200, "{path}: {}", reply.text());
    reply.json()
}

fn find(officer: &mut Https, person: usize) -> Value {
    call(officer, "/v1/subjects/find", &json!({ "address": address(person) }))
}

/// The messages of an export, by person.
fn messages(out: &Path) -> BTreeMap<usize, mail::Message> {
    let by_recipient = mail::by_recipient(mail::read(out).into_values().flatten());
    let person = |to: &str| to.split_at("Person.".len()).1.split_at(6).0.parse().unwrap();
    by_recipient.into_iter().map(|(to, message)| (person(&to), message)).collect()
}

/// What is held of each: everything, or nothing that opens.
fn held(officer: &mut Https, people: usize) {
    for person in 0..people.min(1_000) {
        let found = find(officer, person);
        let rows = found["rows"].as_array().unwrap();
        assert_eq!(rows.len(), 2, "{found}");
        for row in rows {
            assert_eq!(row["fields"].is_null(), is_erased(person), "{found}");
        }
        assert_eq!(found["suppressed"].as_bool(), Some(is_erased(person)), "their hash stays");
        assert_eq!(found["acts"].as_array().unwrap().is_empty(), !is_erased(person), "it is on record");
    }
}

/// The stores as they were before anybody was erased, and the root keys as they are at any time: where Vault has them, no
/// backup of a folder does.
struct Backup {
    data: PathBuf,
}

impl Backup {
    fn make(platform: &Platform) -> Self {
        let data = platform.path("backup");
        for service in ["compliance", "storage"] {
            copy(&platform.plan().data().join(service), &data.join(service));
        }
        fs::remove_file(data.join("compliance/keyring.json")).unwrap();
        Self { data }
    }

    /// A compliance service on a copy of the backup.
    fn restore(&self, platform: &Platform, name: &str) -> (Child, u16) {
        let data = platform.path(name);
        copy(&self.data.join("compliance"), &data);
        let plan = platform.plan();
        fs::copy(plan.data().join("compliance/keyring.json"), data.join("keyring.json")).unwrap();
        let first = ports::free_block(2).unwrap();
        let settings = [
            format!("data={}", data.display()),
            format!("service.keyring={}", data.join("keyring.json").display()),
            "internal.listen=127.0.0.1:0".to_owned(),
            "edge.listen=127.0.0.1:0".to_owned(),
            format!("officer.listen=127.0.0.1:{first}"),
            format!("health.listen=127.0.0.1:{}", first + 1),
        ];
        let mut command = Command::new(plan.program(Service::Compliance));
        command.arg("--config").arg(plan.config_file(Service::Compliance));
        for setting in settings {
            command.arg("--set").arg(setting);
        }
        let log = fs::File::create(platform.path(&format!("{name}.log"))).unwrap();
        let child = command.stdout(log.try_clone().unwrap()).stderr(Stdio::from(log)).spawn().unwrap();
        (child, first)
    }

    /// Before anybody is erased: the test would see what it looks for.
    fn opens_everything(&self, platform: &Platform) {
        let (mut child, port) = self.restore(platform, "restored-before");
        let plan = platform.plan();
        let mut officer =
            Https::new(&plan.ca(), &format!("127.0.0.1:{port}")).bearer(&plan.officer_key().unwrap());
        let body = serde_json::to_vec(&json!({ "address": address(0) })).unwrap();
        let end = Instant::now() + PATIENCE;
        let reply = loop {
            let json = "Content-Type: application/json\r\n";
            match officer.send("POST", "/v1/subjects/find", json, &body) {
                Ok(reply) if reply.status == 200 => break reply.json(),
                other => assert!(Instant::now() < end, "the backup does not open: {other:?}"),
            }
            pause();
        };
        assert_eq!(reply["rows"][0]["fields"]["first_name"], json!(name(0)), "{reply}");
        child.kill().unwrap();
        child.wait().unwrap();
        fs::remove_dir_all(platform.path("restored-before")).unwrap();
    }

    fn opens_nothing(&self, platform: &Platform) {
        let (mut child, _) = self.restore(platform, "restored-after");
        let end = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < end, "the backup opens");
            pause();
        };
        let said = fs::read_to_string(platform.path("restored-after.log")).unwrap();
        assert!(!status.success() && said.contains("root key"), "{status}: {said}");
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// No file has an erased person's address or name, in any spelling; the others' are found where they belong.
fn search(root: &Path, people: usize) {
    let (mut files, mut bytes, mut others) = (0, 0, 0);
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                folders.push(entry.path());
            }
            if !kind.is_file() {
                continue;
            }
            let content = fs::read(entry.path()).unwrap();
            (files, bytes) = (files + 1, bytes + content.len());
            let found = people_in(&content);
            others += found.len();
            for person in found {
                let place = entry.path();
                assert!(person < people && !is_erased(person), "{} has person {person}", place.display());
                let belongs = place.starts_with(root.join("out"));
                assert!(belongs, "{} has person {person}, who stayed", place.display());
            }
        }
    }
    assert!(others >= people * 8 / 10, "the search finds those who stayed: {others}");
    say(format_args!("{files} files with {} MB searched", bytes >> 20));
}

/// Who is named in these bytes, by address or name, in any case.
fn people_in(content: &[u8]) -> Vec<usize> {
    let mut found = Vec::new();
    for mark in [b"person.".as_slice(), b"quill"] {
        for at in 0..content.len().saturating_sub(mark.len() + 6) {
            if content[at..at + mark.len()].eq_ignore_ascii_case(mark) {
                let digits = &content[at + mark.len()..at + mark.len() + 6];
                let digit = |byte: &u8| match byte.to_ascii_lowercase() {
                    letter @ b'a'..=b'j' => char::from(letter - b'a' + b'0'),
                    other => char::from(other),
                };
                found.extend(digits.iter().map(digit).collect::<String>().parse::<usize>().ok());
            }
        }
    }
    found
}
