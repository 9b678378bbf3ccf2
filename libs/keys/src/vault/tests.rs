//! Against a real Vault that is killed, frozen, sealed and started again.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use maily_chassis::{Vault as Config, VaultAuth};
use maily_testkit::Vault;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::sleep;

use super::*;
use crate::KeyTable;

const POLICY: &str = include_str!("../../vault/storage.hcl");
const MOUNT: &str = "maily-storage";
/// Of [`config`]'s time of grace.
const GRACE: Duration = Duration::from_secs(3);

struct Room {
    dir: TempDir,
    vault: Vault,
    config: Config,
}

impl Room {
    /// A Vault that admits storage; its logins last `ttl`.
    fn new(ttl: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let vault = Vault::start(dir.path()).unwrap();
        let (role, secret) = vault.admit("storage", POLICY, ttl).unwrap();
        let config = config(&vault, &role, &secret);
        Self { dir, vault, config }
    }

    async fn connect(&self) -> VaultRoots {
        VaultRoots::connect(&self.config, MOUNT).await.unwrap()
    }

    async fn table(&self, roots: &VaultRoots) -> KeyTable {
        let store = maily_store::folder(&self.dir.path().join("table")).unwrap();
        KeyTable::open(store, "keys", Arc::new(roots.clone()), scope()).await.unwrap()
    }
}

pub(super) fn config(vault: &Vault, role: &str, secret: &Path) -> Config {
    Config {
        address: vault.address().parse().unwrap(),
        ca: Some(vault.ca().to_owned()),
        namespace: None,
        mount: None,
        auth: VaultAuth::AppRole,
        auth_mount: None,
        role: role.to_owned(),
        credential: secret.to_owned(),
        grace_seconds: GRACE.as_secs(),
        check_seconds: 1,
    }
}

pub(super) fn scope() -> Scope {
    Scope::new("acme", "eu", "storage").unwrap()
}

pub(super) async fn until(what: &str, mut look: impl AsyncFnMut() -> bool) -> Duration {
    let begun = Instant::now();
    while !look().await {
        assert!(begun.elapsed() < Duration::from_secs(30), "not in time: {what}");
        sleep(Duration::from_millis(20)).await;
    }
    begun.elapsed()
}

fn is_withdrawn(roots: &VaultRoots) -> bool {
    roots.standing.borrow().is_some()
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_the_suite_with_no_more_than_its_policy() {
    let room = Room::new("1h");
    crate::roots_suite::all(&room.connect().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_serve_for_the_time_of_grace_and_are_back_with_vault() {
    let mut room = Room::new("1h");
    let roots = room.connect().await;
    let table = room.table(&roots).await;
    let made = table.get_or_create(&[[1; 32], [2; 32]]).await.unwrap();
    let wrapped = table.wrap(&made[0], b"object").unwrap();

    room.vault.kill();
    let killed = Instant::now();
    while killed.elapsed() < GRACE / 2 {
        assert_eq!(table.get(&[[1; 32]]).await.unwrap()[0].as_ref().unwrap().expose(), made[0].expose());
        assert!(table.unwrap(&wrapped, b"object").is_ok() && !is_withdrawn(&roots), "withdrawn too early");
        sleep(Duration::from_millis(20)).await;
    }
    assert!(
        !roots.wrap(&scope(), &made[0]).await.unwrap_err().is_permanent(),
        "what needs Vault may be retried"
    );

    until("withdrawal", async || is_withdrawn(&roots)).await;
    let late = killed.elapsed();
    assert!(late < GRACE + Duration::from_secs(2), "withdrawn after {late:?}");
    until("nothing is served", async || table.get(&[[1; 32]]).await.is_err()).await;
    let refused = table.get_or_create(&[[1; 32], [3; 32]]).await.unwrap_err();
    assert!(matches!(refused, Error::RootsUnavailable(_)), "{refused}");
    for refused in [table.unwrap(&wrapped, b"object").unwrap_err(), table.wrap(&made[0], b"x").unwrap_err()] {
        assert!(matches!(refused, Error::RootsUnavailable(_)), "{refused}");
    }
    assert!(matches!(table.turn_epoch().await, Err(Error::RootsUnavailable(_))));

    room.vault.restart().unwrap();
    until("service again", async || table.get(&[[1; 32]]).await.is_ok()).await;
    let back = table.get(&[[1; 32], [2; 32], [3; 32]]).await.unwrap();
    assert_eq!(back[1].as_ref().unwrap().expose(), made[1].expose());
    assert!(back[2].is_none(), "what was refused was not made");
    assert_eq!(table.turn_epoch().await.unwrap(), 2, "and the epoch turns");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vault_that_hangs_holds_the_bound_too() {
    let room = Room::new("1h");
    let roots = room.connect().await;
    let begun = Instant::now();
    room.vault.freeze();
    until("withdrawal", async || is_withdrawn(&roots)).await;
    let waited = begun.elapsed();
    room.vault.thaw();
    assert!(waited < GRACE + Duration::from_secs(1), "withdrawn after {waited:?}");
    until("service again", async || !is_withdrawn(&roots)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_login_is_renewed_and_replaced() {
    // So short that it ends within the test, and long enough for a busy machine to renew it in time.
    let room = Room::new("8s");
    // Renewals can't take a login beyond its longest time.
    let role = "auth/approle/role/maily-storage";
    room.vault.operator("POST", role, &json!({"token_ttl": "8s", "token_max_ttl": "14s"})).unwrap();
    let roots = room.connect().await;
    let table = room.table(&roots).await;
    let begun = Instant::now();
    let mut turns = 0;
    while begun.elapsed() < Duration::from_secs(20) {
        roots.rotate(&scope()).await.unwrap();
        assert!(!is_withdrawn(&roots));
        turns += 1;
        sleep(Duration::from_millis(500)).await;
    }
    assert!(turns > 10);
    table.turn_epoch().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_login_is_replaced_and_a_forbidden_one_ends_the_service() {
    let room = Room::new("1h");
    let roots = room.connect().await;
    let table = room.table(&roots).await;
    table.get_or_create(&[[1; 32]]).await.unwrap();
    // Every login of the role, by its issuer.
    room.vault.operator("PUT", "sys/leases/revoke-prefix/auth/approle", &json!({})).unwrap();
    until("a new login", async || roots.rotate(&scope()).await.is_ok()).await;
    assert!(!is_withdrawn(&roots));

    room.vault.operator("DELETE", "sys/policies/acl/maily-storage", &Value::Null).unwrap();
    let waited = until("withdrawal", async || is_withdrawn(&roots)).await;
    assert!(waited < GRACE, "a no is no absence: withdrawn after {waited:?}");
    until("nothing is served", async || table.get(&[[1; 32]]).await.is_err()).await;
    room.vault.operator("PUT", "sys/policies/acl/maily-storage", &json!({"policy": POLICY})).unwrap();
    until("service again", async || table.get(&[[1; 32]]).await.is_ok()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_made_anew_under_the_same_name_is_not_ours() {
    let room = Room::new("1h");
    let roots = room.connect().await;
    let table = room.table(&roots).await;
    for turn in 1..=3 {
        assert_eq!(table.turn_epoch().await.unwrap(), 0, "turn {turn}");
    }
    let name = format!("maily-storage/keys/{}", scope());
    let ask = |method, path: &str, body| room.vault.operator(method, path, &body).unwrap();
    ask("POST", &format!("{name}/config"), json!({"deletion_allowed": true}));
    ask("DELETE", &name, Value::Null);
    ask("POST", &name, json!({"type": "aes256-gcm96"}));
    until("withdrawal", async || is_withdrawn(&roots)).await;
    assert_eq!(roots.standing.borrow().as_deref(), Some("Vault refuses our keys"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_vault_is_one_that_is_away() {
    let room = Room::new("1h");
    let roots = room.connect().await;
    room.vault.operator("PUT", "sys/seal", &Value::Null).unwrap();
    until("withdrawal", async || is_withdrawn(&roots)).await;
    let why = roots.standing.borrow().clone().unwrap();
    assert_eq!(why, "Vault has not served our keys for 3 s");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_logins_and_authorities_are_refused() {
    let room = Room::new("1h");
    let secret = room.dir.path().join("wrong");
    std::fs::write(&secret, "not-the-secret-id").unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
    let wrong_secret = Config { credential: secret.clone(), ..room.config.clone() };
    let wrong_role = Config { role: "nobody".into(), ..room.config.clone() };
    let wrong_method = Config { auth: VaultAuth::Kubernetes, ..room.config.clone() };
    for config in [wrong_secret, wrong_role, wrong_method] {
        let refused = VaultRoots::connect(&config, MOUNT).await.unwrap_err();
        assert!(matches!(refused, Error::RootsRefused(_)) && refused.is_permanent(), "{refused}");
        assert!(!format!("{refused:?}").contains("not-the-secret-id"));
    }
    let other = maily_testkit::Authority::open(room.dir.path().join("other")).unwrap();
    let impostor = Config { ca: Some(other.ca()), ..room.config.clone() };
    let door = super::login::Door::new(&impostor).unwrap();
    let fault = door.login().await.map(drop).unwrap_err();
    assert_eq!(fault, super::fault::Fault::Away("it can't be reached".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_policy_allows_nothing_else() {
    let room = Room::new("1h");
    let (role, _) = room.vault.admit("compliance", &POLICY.replace("storage", "compliance"), "1h").unwrap();
    assert_ne!(role, room.config.role);
    let roots = room.connect().await;
    let key = DataKey::generate().unwrap();
    roots.wrap(&scope(), &key).await.unwrap();
    let theirs = Transit::new(
        "maily-compliance",
        super::login::Door::new(&room.config).unwrap().login().await.unwrap(),
    );
    assert!(theirs.wrap(&scope(), &key).await.is_err(), "another service's keys");
    let login = json!({"role_id": room.config.role, "secret_id": secret(&room)});
    let token = room.vault.operator("POST", "auth/approle/login", &login).unwrap();
    let token = token["auth"]["client_token"].as_str().unwrap().to_owned();
    let name = format!("maily-storage/keys/{}", scope());
    for (method, path, body) in [
        ("GET", "maily-storage/keys?list=true".to_owned(), Value::Null),
        ("DELETE", name.clone(), Value::Null),
        ("POST", format!("{name}/config"), json!({"exportable": true})),
        ("POST", format!("{name}/config"), json!({"deletion_allowed": true})),
        ("POST", format!("{name}/config"), json!({"allow_plaintext_backup": true})),
        ("POST", format!("{name}-2"), json!({"type": "aes256-gcm96", "exportable": true})),
        ("GET", format!("maily-storage/export/encryption-key/{}", scope()), Value::Null),
        ("GET", format!("maily-storage/backup/{}", scope()), Value::Null),
        ("POST", format!("maily-storage/datakey/plaintext/{}", scope()), json!({})),
        ("GET", "sys/mounts".to_owned(), Value::Null),
        ("POST", "auth/token/create".to_owned(), json!({})),
    ] {
        let (status, answer) = room.vault.ask(&token, method, &path, &body).unwrap();
        assert_eq!(status, 403, "{method} {path} {body}: {answer}");
    }
}

fn secret(room: &Room) -> String {
    std::fs::read_to_string(&room.config.credential).unwrap()
}
