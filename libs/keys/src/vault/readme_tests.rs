//! The operators' page: its commands, run in their order against a real Vault, let a service in, and shut it out.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;

use maily_testkit::Vault;

use super::tests::{config, scope, until};
use super::*;

const PAGE: &str = include_str!("../../vault/README.md");
const POLICY: &str = include_str!("../../vault/storage.hcl");

/// The page's commands, for the storage service.
fn commands() -> Vec<Vec<String>> {
    let page = PAGE.replace("\\\n", " ").replace("SERVICE", "storage");
    let lines = page.lines().filter(|line| line.starts_with("    "));
    let commands = lines.filter_map(|line| line.trim().strip_prefix("vault "));
    commands.map(|command| command.split_whitespace().map(ToOwned::to_owned).collect()).collect()
}

/// What Vault's own program does; answers the field that is asked for.
fn run(vault: &Vault, command: &[String], values: &BTreeMap<&str, String>) -> Option<String> {
    let known = |word: &str| {
        let (name, text) = word.split_once('=')?;
        values.get(text).map(|value| format!("{name}={value}"))
    };
    let mut words: Vec<String> = command
        .iter()
        .map(|word| known(word).unwrap_or_else(|| word.replace("/KEY/", &format!("/{}/", scope()))))
        .collect();
    if words.iter().any(|word| word.ends_with("kubernetes/config")) {
        // This Vault is in no pod.
        words.push("disable_local_ca_jwt=true".into());
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let answer = vault.command(&words, &|_| POLICY.to_owned()).unwrap();
    let field = words.iter().find_map(|word| word.strip_prefix("-field="))?;
    Some(answer["data"][field].as_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_lets_a_service_in_and_shuts_it_out() {
    let dir = tempfile::tempdir().unwrap();
    let vault = Vault::start(dir.path()).unwrap();
    let (mut values, mut roots) = (BTreeMap::new(), None);
    let secret = dir.path().join("secret-id");
    let commands = commands();
    assert!(commands.len() > 10 && commands.last().unwrap().starts_with(&["policy".into(), "delete".into()]));
    for command in &commands {
        let answer = run(&vault, command, &values);
        match (command.iter().find_map(|word| word.strip_prefix("-field=")), answer) {
            (Some("role_id"), Some(role)) => drop(values.insert("ROLE", role)),
            (Some("secret_id"), Some(id)) => {
                std::fs::write(&secret, &id).unwrap();
                std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
                values.insert("OLD", id);
                let connected =
                    VaultRoots::connect(&config(&vault, &values["ROLE"], &secret), "maily-storage").await;
                let connected = connected.unwrap();
                // The key that is rotated further down.
                connected.wrap(&scope(), &DataKey::generate().unwrap()).await.unwrap();
                roots = Some(connected);
            }
            _ => {}
        }
    }
    let roots = roots.expect("a login");
    until("withdrawal", async || roots.standing.borrow().is_some()).await;
    let ended = VaultRoots::connect(&config(&vault, &values["ROLE"], &secret), "maily-storage").await;
    assert!(matches!(ended.unwrap_err(), Error::RootsRefused(_)), "the old secret id is ended");
}
