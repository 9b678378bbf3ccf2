//! docker/compose with everything that it has behind profiles, each used by the services.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use maily_compose_tests::{
    docker,
    project::{Owned, Program},
};
use maily_testkit::rest;
use maily_tests::{
    peers::run,
    say,
    shared::{Fixture, Lease},
};
use serde_json::Value;

use crate::{
    images, locked,
    platform::{Finished, STAND_INS},
};

/// Our five, Restate, Redis, Vault, the collector, Prometheus.
const SERVICES: usize = 10;
/// Metrics are sent once a minute.
const DEADLINE: Duration = Duration::from_secs(120);

static FULL: Fixture<Finished> = Fixture::new("full", "full::keep_the_project");

#[test]
#[ignore = "the keeper of a fixture, started by the tests that use it"]
fn keep_the_project() {
    FULL.keep(|| {
        let images = {
            let (_built, images) = images();
            images.recorded()
        };
        let project = project(images.tag());
        let stand_ins = STAND_INS.lease();
        (Finished::make(&project, SERVICES), (project, stand_ins, images))
    });
}

/// One that is not up.
pub(crate) fn project(tag: &str) -> Owned {
    let settings = [
        ("COMPOSE_PROFILES", "vault,redis,otlp,prometheus"),
        ("MAILY_KEYS", "vault"),
        ("MAILY_SHARED", "redis"),
        ("MAILY_TELEMETRY", "otlp"),
    ];
    Owned::new(Program::Plugin, "full", tag, &settings)
}

/// The project for one test alone: one takes it down.
fn full() -> Lease<Finished> {
    let full = FULL.lease_alone();
    full.restore();
    full
}

#[test]
fn every_container_is_healthy_locked_and_local() {
    locked::check(&full().project, SERVICES);
}

#[test]
fn the_sample_campaign_is_done() {
    full().assert_done();
}

/// The last one in the alphabet, for what comes after it has to be made again.
#[test]
fn when_taken_down_nothing_is_left() {
    full().assert_gone_after_down();
}

#[test]
fn vault_holds_the_root_keys_and_no_file_does() {
    let full = full();
    let token = full.project.read("vault-secrets", "root-token");
    for service in ["storage", "compliance"] {
        let address = format!("http://{}/v1/maily-{service}/keys?list=true", full.project.address("VAULT"));
        let keys = get(&address, &format!("X-Vault-Token: {token}\n"));
        let keys = keys["data"]["keys"].as_array().unwrap();
        assert!(
            keys.iter().any(|key| key.as_str().unwrap().starts_with("default.eu.")),
            "{service}: {keys:?}"
        );
        let files = full.project.list(&format!("{service}-data"));
        assert!(!files.iter().any(|file| file.contains("keyring")), "{service}: {files:?}");
    }
}

#[test]
fn redis_counts_requests() {
    let full = full();
    let channels = ask_redis(&full, "PUBSUB CHANNELS");
    assert!(channels.contains("maily:"), "nobody listens for opt-outs: {channels}");
    let key = full.project.read("client-secrets", "edge.key");
    let mut guardrails = full.project.https("GUARDRAILS", &key);
    // A count lives for a millisecond at this rate: so many are made, and looked for many times.
    let (seen, end) = (AtomicBool::new(false), Instant::now() + DEADLINE);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !seen.load(Ordering::Relaxed) && Instant::now() < end {
                // Too many, now and then, which is counting too.
                assert!(matches!(guardrails.get("/v1/rails/configs").unwrap().status, 200 | 429));
            }
        });
        while !ask_redis(&full, &"SCAN 0 COUNT 1000\n".repeat(2_000)).contains("maily:rate:guardrails:") {
            assert!(Instant::now() < end, "no count of ours");
        }
        seen.store(true, Ordering::Relaxed);
    });
}

/// As our own user; the password goes in by standard input.
fn ask_redis(full: &Finished, command: &str) -> String {
    let password = full.project.read("storage-secrets", "redis.password");
    let mut docker = std::process::Command::new(docker::client());
    docker.args(["exec", "-i", &full.project.container("redis"), "redis-cli"]);
    let said = run(&mut docker, format!("AUTH maily {password}\n{command}\n").as_bytes());
    assert!(said.ok(), "{}", said.all());
    said.out
}

#[test]
fn the_collector_is_sent_traces_metrics_and_logs() {
    let full = full();
    let container = full.project.container("otel-collector");
    let end = Instant::now() + DEADLINE;
    loop {
        let said = docker::attempt(&["logs", &container]).all();
        let missing: Vec<&str> =
            ["Traces", "Metrics", "Logs"].into_iter().filter(|what| !said.contains(what)).collect();
        if missing.is_empty() {
            return;
        }
        assert!(Instant::now() < end, "no {missing:?}: {said}");
        rest();
    }
}

#[test]
fn prometheus_scrapes_every_service() {
    let full = full();
    let address = format!("http://{}/api/v1/query?query=up", full.project.address("PROMETHEUS"));
    let end = Instant::now() + DEADLINE;
    loop {
        let answer = get(&address, "");
        let mut up: Vec<&str> = answer["data"]["result"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|series| series["value"][1] == "1")
            .filter_map(|series| series["metric"]["service"].as_str())
            .collect();
        up.sort_unstable();
        if up == ["compliance", "guardrails", "inference", "orchestrator", "storage"] {
            say(format_args!("Prometheus sees {}", up.join(", ")));
            return;
        }
        assert!(Instant::now() < end, "{answer}");
        rest();
    }
}

/// A JSON answer over plain HTTP; headers go in by standard input.
fn get(address: &str, headers: &str) -> Value {
    let mut curl = std::process::Command::new("curl");
    curl.args(["--silent", "--show-error", "--fail", "--max-time", "10", "--header", "@-", address]);
    let said = run(&mut curl, headers.as_bytes());
    assert!(said.ok(), "{address}: {}", said.all());
    serde_json::from_str(&said.out).unwrap()
}
