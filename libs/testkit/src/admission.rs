//! Tells a Vault for development of the services: what `libs/keys/vault/README.md` asks of an operator, by AppRole.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{Error, http, process::pause};

const READY: Duration = Duration::from_secs(120);
/// Who keeps root keys, and what each may do in Vault.
const POLICIES: [(&str, &str); 2] = [
    ("storage", include_str!("../../keys/vault/storage.hcl")),
    ("compliance", include_str!("../../keys/vault/compliance.hcl")),
];

/// Waits for the Vault at `host:port` (plain HTTP) and makes mounts, policies and roles there; `dir` holds its root token
/// and the services' secret ids, as [`crate::write_identities`] writes them. Again, it changes nothing.
///
/// # Errors
/// Vault is not ready in time, or refuses.
pub fn admit_to_vault(dir: &Path, address: &str) -> Result<(), Error> {
    let token = secret(&dir.join("root-token"))?;
    let vault = Vault { address, token: &token };
    vault.wait()?;
    vault.enable("auth", "approle", "approle")?;
    for (service, policy) in POLICIES {
        let name = format!("maily-{service}");
        vault.enable("mounts", &name, "transit")?;
        vault.tell("PUT", &format!("sys/policies/acl/{name}"), &json!({ "policy": policy }))?;
        let role = format!("auth/approle/role/{name}");
        let settings = json!({
            "token_policies": [name], "token_no_default_policy": true, "token_ttl": "1h", "token_max_ttl": "24h",
        });
        vault.tell("POST", &role, &settings)?;
        vault.tell("POST", &format!("{role}/role-id"), &json!({ "role_id": name }))?;
        let secret = json!({ "secret_id": secret(&dir.join(format!("{service}.secret-id")))? });
        // An unknown one is answered with nothing.
        if vault.tell("POST", &format!("{role}/secret-id/lookup"), &secret)?.is_null() {
            vault.tell("POST", &format!("{role}/custom-secret-id"), &secret)?;
        }
    }
    Ok(())
}

struct Vault<'a> {
    address: &'a str,
    token: &'a str,
}

impl Vault<'_> {
    fn wait(&self) -> Result<(), Error> {
        let end = Instant::now() + READY;
        loop {
            match http::request(self.address, "GET", "/v1/sys/health", &[], &Value::Null) {
                Ok((200, _)) => return Ok(()),
                Ok((status, _)) if Instant::now() > end => {
                    return Err(Error::Refused(format!("Vault is not ready: its health is {status}")));
                }
                Err(error) if Instant::now() > end => return Err(error),
                _ => pause(),
            }
        }
    }

    /// Enables an engine or a method, unless it is there.
    fn enable(&self, what: &str, name: &str, kind: &str) -> Result<(), Error> {
        let all = self.tell("GET", &format!("sys/{what}"), &Value::Null)?;
        match all.get(format!("{name}/")) {
            Some(_) => Ok(()),
            None => self.tell("POST", &format!("sys/{what}/{name}"), &json!({ "type": kind })).map(drop),
        }
    }

    fn tell(&self, method: &str, path: &str, body: &Value) -> Result<Value, Error> {
        let token = [("X-Vault-Token", self.token)];
        match http::request(self.address, method, &format!("/v1/{path}"), &token, body)? {
            (200..=299, answer) => Ok(answer),
            // Its answer could hold what was sent.
            (status, _) => Err(Error::Refused(format!("Vault refuses {method} {path}: {status}"))),
        }
    }
}

fn secret(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map(|text| text.trim().to_owned()).map_err(Error::file(path))
}
