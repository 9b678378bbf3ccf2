//! A stack that can't start: what is missing or broken is named in one sentence.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::symlink,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use maily_testkit::{Plan, Service, Stack, cache, ports};
use maily_tests::{peers, platform::Room, say};

/// `sysexits.h`: wrong usage, and something that is needed is not there.
const USAGE: i32 = 64;
const UNAVAILABLE: i32 = 69;

fn plan(room: &Room) -> Plan {
    Plan::new(&room.data(), ports::free_block(20).unwrap()).unwrap()
}

/// Checkpoints that are cut off, damaged, empty, absent, or something else.
#[test]
fn a_checkpoint_that_is_none_is_refused() {
    let room = Room::new();
    let plan = plan(&room);
    plan.prepare().unwrap();
    let good = fs::read(cache::model()).unwrap();
    let file = room.data().join("bad.gguf");
    let mut damaged = good[..8 << 20].to_vec();
    // The tensor and metadata counts, behind magic and version.
    damaged[8..24].fill(0xff);
    let mut longer = good[..8 << 20].to_vec();
    longer[24..32].fill(0x7f);
    for (name, bytes) in [
        ("cut off in the weights", &good[..good.len() / 2]),
        ("cut off in the header", &good[..1000]),
        ("empty", &[]),
        ("absurd counts", &damaged),
        ("a key of absurd length", &longer),
        ("no GGUF", b"{\"model\": \"SmolLM2\"}"),
    ] {
        fs::write(&file, bytes).unwrap();
        refused(&plan, &file, name);
    }
    fs::remove_file(&file).unwrap();
    refused(&plan, &file, "absent");
}

fn refused(plan: &Plan, model: &Path, name: &str) {
    let begun = Instant::now();
    let mut inference = Command::new(plan.program(Service::Inference));
    inference.arg("--config").arg(plan.config_file(Service::Inference));
    inference.arg("--set").arg(format!("service.model={}", model.display()));
    let said = peers::run(&mut inference, b"");
    let sentence = said.err.trim().lines().last().unwrap_or_default().to_owned();
    assert_eq!(said.code, Some(USAGE), "{name}: {}", said.err);
    assert!(sentence.starts_with("maily-inference: service.model: "), "{name}: {sentence}");
    assert!(!said.err.contains("panicked") && sentence.len() < 300, "{name}: {}", said.err);
    assert!(begun.elapsed() < Duration::from_secs(30), "{name}: it took {:?}", begun.elapsed());
    say(format_args!("{name}: {sentence}"));
}

/// The stack says so before it starts anything; a service alone says so too.
#[test]
fn a_port_in_use_is_named() {
    let room = Room::new();
    let plan = plan(&room);
    plan.prepare().unwrap();
    let taken = TcpListener::bind(plan.edge(Service::Guardrails)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let error = Stack::start(plan.clone(), |event| panic!("{event:?}")).unwrap_err().to_string();
    assert!(error.contains(&format!("port {port} on 127.0.0.1 is in use")), "{error}");
    say(error);
    let mut guardrails = Command::new(plan.program(Service::Guardrails));
    let said = peers::run(guardrails.arg("--config").arg(plan.config_file(Service::Guardrails)), b"");
    assert_eq!(said.code, Some(UNAVAILABLE), "{}", said.err);
    let sentence = said.err.trim().lines().last().unwrap_or_default();
    assert!(sentence.contains(&format!("cannot listen on 127.0.0.1:{port}")), "{sentence}");
    say(sentence);
}

/// Where a section would be passed over, the service says so instead.
#[test]
fn a_section_that_does_nothing_is_refused() {
    let room = Room::new();
    let plan = plan(&room);
    plan.prepare().unwrap();
    let vault = ["vault.address=https://127.0.0.1:1", "vault.role=nobody"];
    let no_keys =
        |service: Service| format!("configuration: vault: {} keeps no keys in Vault", service.name());
    for (service, settings, sentence) in [
        (Service::Guardrails, &vault[..], no_keys(Service::Guardrails)),
        (Service::Inference, &vault, no_keys(Service::Inference)),
        (Service::Orchestrator, &vault, no_keys(Service::Orchestrator)),
        (
            Service::Storage,
            &["peers.inference=127.0.0.1:1"],
            "configuration: peers.inference: storage calls no inference".to_owned(),
        ),
    ] {
        let mut command = Command::new(plan.program(service));
        command.arg("--config").arg(plan.config_file(service));
        for setting in settings {
            command.args(["--set", setting]);
        }
        let said = peers::run(&mut command, b"");
        assert_eq!(said.code, Some(USAGE), "{}: {}", service.name(), said.err);
        let last = said.err.trim().lines().last().unwrap_or_default();
        assert_eq!(last, format!("maily-{}: {sentence}", service.name()));
        say(last);
    }
}

/// `cargo xtask up` on a machine where nothing is installed, and on one with Python but no Node.js.
#[test]
fn no_pip_and_no_npm_are_named() {
    let room = Room::new();
    fs::create_dir_all(room.data().join("bin")).unwrap();
    let (cache_dir, path) = (room.data().join("cache"), room.data().join("bin"));
    let up = || {
        let xtask = plan(&room).program(Service::Storage).with_file_name("maily-xtask");
        let mut up = Command::new(xtask);
        up.args(["up", "--once"]).env("PATH", &path).env("MAILY_CACHE", &cache_dir).env_remove("MAILY_MODEL");
        up.current_dir(maily_testkit::workspace());
        peers::run(&mut up, b"")
    };
    let missing = |what: &str, package: &str| {
        let said = up();
        assert_eq!(said.code, Some(1), "{}", said.all());
        let sentence = said.err.trim().lines().last().unwrap_or_default();
        assert!(sentence.starts_with(&format!("cargo xtask: {what} is missing")), "{sentence}");
        assert!(sentence.contains(package), "{sentence}");
        say(sentence);
    };
    missing("python3", "pip");
    fs::create_dir_all(cache_dir.join("models")).unwrap();
    symlink(cache::model(), cache_dir.join("models/SmolLM2-135M-Instruct.gguf")).unwrap();
    missing("npm", "Node.js");
}
