//! No address, name, prompt, token or key in any log, trace or metric at any level, nor on disk in the clear.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod collector;
mod secrets;

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    time::Duration,
};

use maily_testkit::Service;
use maily_tests::{
    check_all, folder, https::Https, mail, platform::Platform, report::assert_nothing_blocked, say,
};

use collector::Collector;
use secrets::Secrets;

#[test]
fn nothing_personal_is_told() {
    let collector = Collector::start();
    let mut platform = Platform::start(|plan| {
        Service::ALL.iter().fold(plan, |plan, service| {
            plan.set(*service, "telemetry.log=trace")
                .set(*service, &format!("telemetry.otlp_endpoint={}", collector.endpoint()))
        })
    });
    let out = platform.path("out");
    let outcome = platform.campaign(&folder::sample(), &out);
    let report = outcome.report(&out);
    assert_nothing_blocked(&report);
    let tokens = mail::read(&out).into_values().flatten().map(|message| message.token()).collect();
    let secrets = Secrets::gather(platform.plan(), &report, tokens);
    provoke(&platform, &secrets);
    let metrics = Service::ALL.map(|service| (service, metrics(&platform.plan().health(service))));
    let shown = outcome.err;
    let room = platform.stop();
    let mut told = Told { data: room.data(), metrics, sent: collector.stop(), shown, secrets };
    check_all(
        &mut told,
        &[
            ("logs at trace", logs),
            ("metrics", counted),
            ("what was sent over OTLP", sent),
            ("the client's own messages", shown_by_the_client),
            ("Restate's folder", restate),
            ("the data folders", on_disk),
        ],
    );
    drop(room);
}

/// Everything that the stack told about itself.
struct Told {
    data: PathBuf,
    metrics: [(Service, String); 5],
    sent: Vec<u8>,
    shown: String,
    secrets: Secrets,
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

fn logs(told: &mut Told) {
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

fn counted(told: &mut Told) {
    for (service, text) in &told.metrics {
        assert!(text.contains("http_server_request_duration"), "{} has no metrics", service.name());
        told.secrets.assert_absent(text.as_bytes(), &format!("{}'s metrics", service.name()));
    }
}

fn sent(told: &mut Told) {
    for service in Service::ALL {
        let name = format!("maily-{}", service.name());
        assert!(secrets::find(&told.sent, name.as_bytes()), "{name} sent nothing over OTLP");
    }
    // Traces and logs, not only metrics.
    assert!(secrets::find(&told.sent, b"/u/{token}"), "no span or metric names its route");
    told.secrets.assert_absent(&told.sent, "what was sent over OTLP");
    say(format_args!("{} KiB sent", told.sent.len() >> 10));
}

fn shown_by_the_client(told: &mut Told) {
    told.secrets.assert_absent(told.shown.as_bytes(), "the client's messages");
}

fn restate(told: &mut Told) {
    let folder = told.data.join("restate");
    let bytes = all_files(&folder);
    assert!(secrets::find(&bytes, b"Campaign"), "Restate's folder can't be read so");
    told.secrets.assert_absent(&bytes, "Restate's folder");
    say(format_args!("{} KiB", bytes.len() >> 10));
}

fn on_disk(told: &mut Told) {
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
