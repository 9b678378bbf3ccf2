//! A stack whose keys are in a real Vault and whose limits and hints are in a real Redis, both of which are killed.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use maily_testkit::{Access, Plan, Redis, Service, Vault, pause, ports, ready};
use maily_tests::{
    folder,
    https::Https,
    mail, peers,
    platform::{Platform, Room, with_redis},
    report::{assert_nothing_blocked, count, timeless},
    say,
};

/// People who opt out, with Redis there, frozen and gone.
const LEAVING: usize = 3;
const GRACE: Duration = Duration::from_secs(6);
const KEEPERS: [Service; 2] = [Service::Storage, Service::Compliance];
const POLICIES: [&str; 2] =
    [include_str!("../../libs/keys/vault/storage.hcl"), include_str!("../../libs/keys/vault/compliance.hcl")];

#[test]
fn keys_from_vault_and_limits_from_redis() {
    let room = Room::new();
    let (vault_dir, redis_dir) = (room.data().with_file_name("vault"), room.data().with_file_name("redis"));
    for dir in [&vault_dir, &redis_dir] {
        fs::create_dir_all(dir).unwrap();
    }
    let mut vault = Vault::start(&vault_dir).unwrap();
    let mut redis = Redis::start(&redis_dir, Access::Secured).unwrap();
    let mut platform = Platform::recorded_in(room, |plan| with_redis(with_vault(plan, &vault), &redis));
    assert!(!platform.path("data/compliance/keyring.json").exists(), "no key is in a file");

    let (first, second) = (platform.path("first"), platform.path("second"));
    let report = platform.campaign(&folder::sample(), &first).report(&first);
    assert_eq!(count(&report, &["written"]), 153);
    assert_nothing_blocked(&report);
    opts_out_without_redis(&platform, &mut redis, &first);
    closes_without_vault(&platform, &mut vault);
    opens_with_vault(&mut platform, &mut vault);
    let again = platform.campaign(&folder::sample(), &second).report(&second);
    let mut expected = timeless(&report);
    expected["left_out_after_hand_off"] = LEAVING.into();
    assert_eq!(timeless(&again), expected, "the same report, from keys unwrapped again");
    let [first, second] =
        [&first, &second].map(|out| mail::by_recipient(mail::read(out).into_values().flatten()));
    let stayed: BTreeMap<_, _> = first.into_iter().skip(LEAVING).collect();
    assert!(second == stayed, "the same mail, but for those who left");
    nothing_secret_is_logged(&platform, &vault_dir);
    platform.stack.stop();
}

fn with_vault(plan: Plan, vault: &Vault) -> Plan {
    KEEPERS.iter().zip(POLICIES).fold(plan, |plan, (service, policy)| {
        let (role, secret) = vault.admit(service.name(), policy, "1h").unwrap();
        let settings = [
            format!("vault.address={}", vault.address()),
            format!("vault.ca={}", vault.ca().display()),
            "vault.auth=approle".to_owned(),
            format!("vault.role={role}"),
            format!("vault.credential={}", secret.display()),
            format!("vault.grace_seconds={}", GRACE.as_secs()),
            "vault.check_seconds=1".to_owned(),
        ];
        settings.iter().fold(plan, |plan, setting| plan.set(*service, setting))
    })
}

/// An opt-out is acknowledged at once, whether Redis is there, hangs or is gone.
fn opts_out_without_redis(platform: &Platform, redis: &mut Redis, out: &Path) {
    let tokens: Vec<String> = mail::by_recipient(mail::read(out).into_values().flatten())
        .values()
        .take(LEAVING)
        .map(mail::Message::token)
        .collect();
    let mut client = Https::new(&platform.plan().ca(), &platform.plan().edge(Service::Compliance));
    for (token, state) in tokens.iter().zip(["there", "frozen", "gone"]) {
        match state {
            "frozen" => redis.freeze(),
            "gone" => redis.kill(),
            _ => {}
        }
        let begun = Instant::now();
        let answer = client.post_form(&format!("/u/{token}"), "List-Unsubscribe=One-Click").unwrap();
        let took = begun.elapsed();
        assert_eq!(answer.status, 200, "Redis is {state}");
        assert!(took < Duration::from_secs(2), "Redis is {state}: {took:?}");
        say(format_args!("an opt-out while Redis is {state}: {} ms", took.as_millis()));
    }
    let log = fs::read_to_string(platform.plan().log("compliance")).unwrap();
    assert_eq!(log.matches("Redis is away").count(), 1, "said once");
}

/// Within the time of grace everything goes on; then both services refuse everything and say why.
fn closes_without_vault(platform: &Platform, vault: &mut Vault) {
    vault.kill();
    let killed = Instant::now();
    while killed.elapsed() < GRACE / 2 {
        for service in KEEPERS {
            ready(&platform.plan().health(service)).unwrap();
        }
        pause();
    }
    for service in KEEPERS {
        let why = not_ready(platform, service);
        assert_eq!(why, format!("Vault has not served our keys for {} s", GRACE.as_secs()));
    }
    let took = killed.elapsed();
    assert!(took < GRACE + Duration::from_secs(3), "closed after {took:?}");
    say(format_args!("closed {:.1} s after Vault was killed", took.as_secs_f32()));
    for (service, path) in [(Service::Storage, "/"), (Service::Compliance, "/u/any")] {
        assert_eq!(platform.https(service).get(path).unwrap().status, 503, "{}", service.name());
    }
    // What has no keys goes on.
    ready(&platform.plan().health(Service::Guardrails)).unwrap();
}

fn not_ready(platform: &Platform, service: Service) -> String {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        match ready(&platform.plan().health(service)) {
            Err(why) => return why,
            Ok(()) => assert!(Instant::now() < end, "{} is still ready", service.name()),
        }
        pause();
    }
}

fn opens_with_vault(platform: &mut Platform, vault: &mut Vault) {
    vault.restart().unwrap();
    let begun = Instant::now();
    platform.stack.settle().unwrap();
    say(format_args!("ready {:.1} s after Vault was back", begun.elapsed().as_secs_f32()));
    assert_eq!(platform.https(Service::Compliance).get("/u/any").unwrap().status, 404);
}

fn nothing_secret_is_logged(platform: &Platform, vault_dir: &Path) {
    for service in KEEPERS {
        let name = service.name();
        let log = fs::read_to_string(platform.plan().log(name)).unwrap();
        let secret = fs::read_to_string(vault_dir.join(format!("maily-{name}.secret-id"))).unwrap();
        // Logins, what they give, and what Transit answers with.
        for never in [secret.as_str(), "hvs.", "vault:v1:", "client_token"] {
            assert!(!log.contains(never), "{name} logs {never}");
        }
        assert!(log.contains("keys are withdrawn") && log.contains("Vault serves our keys again"));
    }
}

/// Where production is meant, a file of keys is refused; so is a Vault without TLS, or one that refuses the login.
#[test]
fn production_takes_keys_from_vault_alone() {
    let room = Room::new();
    let vault_dir = room.data().with_file_name("vault");
    fs::create_dir_all(&vault_dir).unwrap();
    let vault = Vault::start(&vault_dir).unwrap();
    let (_, secret) = vault.admit("storage", POLICIES[0], "1h").unwrap();
    let plan = Plan::new(&room.data(), ports::free_block(20).unwrap()).unwrap();
    plan.prepare().unwrap();
    let (address, ca) = (vault.address(), vault.ca().display().to_string());
    let credential = format!("vault.credential={}", secret.display());
    let login = ["vault.auth=approle", "vault.role=nobody", &credential];
    for (settings, said) in [
        (vec![], "a local keyring file is refused in prod"),
        (vec!["vault.address=http://vault:8200", "vault.role=x"], "vault.address has no TLS"),
        (
            [&[format!("vault.address={address}").as_str(), &format!("vault.ca={ca}")], login.as_slice()]
                .concat(),
            "Vault refuses the login by approle",
        ),
    ] {
        for service in KEEPERS {
            let sentence = refused(&plan, service, &settings);
            assert!(sentence.contains(said), "{}: {sentence}", service.name());
        }
        say(said);
    }
}

fn refused(plan: &Plan, service: Service, settings: &[&str]) -> String {
    let mut command = Command::new(plan.program(service));
    command.arg("--config").arg(plan.config_file(service)).args(["--set", "environment=prod"]);
    settings.iter().for_each(|setting| {
        command.args(["--set", setting]);
    });
    let said = peers::run(&mut command, b"");
    assert_eq!(said.code, Some(64), "{}", said.err);
    said.err.trim().lines().last().unwrap_or_default().to_owned()
}
