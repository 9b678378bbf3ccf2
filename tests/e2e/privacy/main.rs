//! No address, name, prompt, token or key in any log, trace or metric at any level, nor on disk in the clear.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod collector;
mod secrets;

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    time::Duration,
};

use maily_testkit::{Plan, Service};
use maily_tests::{
    folder, https::Https, mail, platform::Platform, report::assert_nothing_blocked, say, shared::Fixture,
};
use serde::{Deserialize, Serialize};

use collector::Collector;
use secrets::Secrets;

/// Everything that a stack told about itself, and what it kept, after a campaign and some requests that failed.
static TOLD: Fixture<Told> = Fixture::new("privacy", "keep_what_was_told");

#[derive(Serialize, Deserialize)]
struct Told {
    /// The stack's own folders.
    data: PathBuf,
    /// What it sent to a collector.
    sent: PathBuf,
    metrics: Vec<(String, String)>,
    /// How much of each service a core dump may hold.
    core_limits: Vec<(String, String)>,
    shown: String,
    secrets: Secrets,
}

#[test]
#[ignore = "the keeper of a fixture, started by the tests that use it"]
fn keep_what_was_told() {
    TOLD.keep(|| {
        let collector = Collector::start();
        let mut platform = start(|plan| tells_everything(plan, &collector.endpoint()));
        let out = platform.path("out");
        let outcome = platform.campaign(&folder::sample(), &out);
        let report = outcome.report(&out);
        assert_nothing_blocked(&report);
        let tokens = mail::read(&out).into_values().flatten().map(|message| message.token()).collect();
        let secrets = Secrets::gather(platform.plan(), &report, tokens);
        provoke(&platform, &secrets);
        let metrics = Service::ALL.map(|service| (service, metrics(&platform.plan().health(service))));
        let metrics = metrics.into_iter().map(|(service, text)| (service.name().to_owned(), text)).collect();
        let sent = platform.path("sent");
        let core_limits =
            Service::ALL.map(|service| (service.name().to_owned(), core_limit(&platform, service)));
        let room = platform.stop();
        fs::write(&sent, collector.stop()).unwrap();
        let core_limits = core_limits.into_iter().collect();
        (Told { data: room.data(), sent, metrics, core_limits, shown: outcome.err, secrets }, room)
    });
}

fn start(with: impl FnOnce(Plan) -> Plan) -> Platform {
    Platform::recorded(with)
}

fn tells_everything(plan: Plan, endpoint: &str) -> Plan {
    Service::ALL.iter().fold(plan, |plan, service| {
        plan.set(*service, "telemetry.log=trace")
            .set(*service, &format!("telemetry.otlp_endpoint={endpoint}"))
    })
}

/// Requests that fail, each with something in it that a careless error would repeat.
fn provoke(platform: &Platform, secrets: &Secrets) {
    let plan = platform.plan();
    let mut links = Https::new(&plan.ca(), &plan.edge(Service::Compliance));
    let token = &secrets.tokens[0];
    assert_eq!(links.post_form(&format!("/u/{token}"), "List-Unsubscribe=One-Click").unwrap().status, 200);
    links.post_form(&format!("/u/{token}"), "nonsense").unwrap();
    links.get(&format!("/u/{token}?email={}", secrets.addresses[0])).unwrap();
    let prompt = serde_json::to_vec(&serde_json::json!({
        "model": "none", "messages": [{ "role": "user", "content": secrets.prompt() }],
    }));
    let json = "Content-Type: application/json\r\n";
    let mut inference = platform.https(Service::Inference);
    inference.send("POST", "/v1/chat/completions", json, &prompt.unwrap()).unwrap();
    inference.send("POST", "/v1/chat/completions", json, secrets.prompt().as_bytes()).unwrap();
    let mut rails = platform.https(Service::Guardrails);
    rails.send("POST", "/v1/chat/completions", json, secrets.prompt().as_bytes()).unwrap();
    let mut wrong = Https::new(&plan.ca(), &plan.edge(Service::Orchestrator)).bearer(&secrets.wrong_key());
    wrong.get(&format!("/v1/campaigns/{}", secrets.addresses[0])).unwrap();
    let mut campaigns = platform.https(Service::Orchestrator);
    campaigns.send("POST", "/v1/campaigns", json, secrets.prompt().as_bytes()).unwrap();
}

/// The line of `/proc/ID/limits` (proc(5)).
fn core_limit(platform: &Platform, service: Service) -> String {
    let process = platform.stack.id(service.name()).unwrap();
    let limits = fs::read_to_string(format!("/proc/{process}/limits")).unwrap();
    limits.lines().find(|line| line.starts_with("Max core file size")).unwrap().to_owned()
}

fn metrics(address: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let request = format!("GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    text
}

#[test]
fn logs_at_trace_hold_nothing_personal() {
    let told = TOLD.lease();
    for service in Service::ALL {
        let path = told.data.join(format!("logs/{}.log", service.name()));
        let text = fs::read(&path).unwrap();
        told.secrets.assert_absent(&text, &format!("{}'s log", service.name()));
        let text = String::from_utf8_lossy(&text);
        let debug =
            text.lines().filter(|l| l.contains(r#""level":"DEBUG""#) || l.contains(r#""level":"TRACE""#));
        let debug = debug.count();
        assert!(debug > 0, "{} was to log at trace", service.name());
        say(format_args!("{}: {} lines, {debug} of debug or trace", service.name(), text.lines().count()));
    }
    told.secrets.assert_absent(&fs::read(told.data.join("logs/restate.log")).unwrap(), "Restate's log");
}

#[test]
fn metrics_hold_nothing_personal() {
    let told = TOLD.lease();
    for (service, text) in &told.metrics {
        assert!(text.contains("http_server_request_duration"), "{service} has no metrics");
        told.secrets.assert_absent(text.as_bytes(), &format!("{service}'s metrics"));
    }
}

#[test]
fn what_was_sent_over_otlp_holds_nothing_personal() {
    let told = TOLD.lease();
    let bytes = fs::read(&told.sent).unwrap();
    for service in Service::ALL {
        let name = format!("maily-{}", service.name());
        assert!(secrets::find(&bytes, name.as_bytes()), "{name} sent nothing over OTLP");
    }
    // Traces and logs, not only metrics.
    assert!(secrets::find(&bytes, b"/u/{token}"), "no span or metric names its route");
    told.secrets.assert_absent(&bytes, "what was sent over OTLP");
    say(format_args!("{} KiB sent", bytes.len() >> 10));
}

#[test]
fn a_service_that_crashes_leaves_no_dump_of_its_memory() {
    for (service, limit) in &TOLD.lease().core_limits {
        let words: Vec<_> = limit.split_whitespace().collect();
        assert_eq!(words[4..6], ["0", "0"], "{service}: {limit}");
    }
}

#[test]
fn the_clients_own_messages_hold_nothing_personal() {
    let told = TOLD.lease();
    told.secrets.assert_absent(told.shown.as_bytes(), "the client's messages");
}

#[test]
fn restates_folder_holds_nothing_personal() {
    let told = TOLD.lease();
    let folder = told.data.join("restate");
    let bytes = all_files(&folder);
    assert!(secrets::find(&bytes, b"Campaign"), "Restate's folder can't be read so");
    told.secrets.assert_absent(&bytes, "Restate's folder");
    say(format_args!("{} KiB", bytes.len() >> 10));
}

#[test]
fn the_data_folders_hold_nothing_personal() {
    let told = TOLD.lease();
    for service in ["storage", "compliance", "orchestrator", "inference", "guardrails"] {
        let folder = told.data.join(service);
        if folder.exists() {
            let bytes = all_files(&folder);
            told.secrets.assert_absent(&bytes, &format!("{service}'s data folder"));
            say(format_args!("{service}: {} KiB", bytes.len() >> 10));
        }
    }
}

fn all_files(folder: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            bytes.append(&mut all_files(&entry.path()));
        } else if kind.is_file() {
            bytes.append(&mut fs::read(entry.path()).unwrap());
            bytes.push(0);
        }
    }
    bytes
}
