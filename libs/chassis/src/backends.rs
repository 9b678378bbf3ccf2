//! Configuration of what several services share: Vault for keys, Redis for what may be lost.

use std::path::PathBuf;

use serde::Deserialize;
use url::{Host, Url};

use crate::{config::Environment, error::Error};

/// How a service proves to Vault who it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VaultAuth {
    /// By its Kubernetes service account.
    #[default]
    Kubernetes,
    /// By a role id and a secret id.
    AppRole,
}

impl VaultAuth {
    /// The method's name, which is also where Vault mounts it by default.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Kubernetes => "kubernetes",
            Self::AppRole => "approle",
        }
    }
}

/// `[vault]`: the keeper of root keys.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vault {
    /// Its address, e.g. `https://vault:8200`; plain HTTP is accepted in `dev`, and to this machine (an agent).
    pub address: Url,
    /// PEM file of the authorities that may have signed its certificate; the system's without one.
    #[serde(default)]
    pub ca: Option<PathBuf>,
    /// Vault's namespace.
    #[serde(default)]
    pub namespace: Option<String>,
    /// Where the Transit engine of this service is mounted (`maily-SERVICE`).
    #[serde(default)]
    pub mount: Option<String>,
    /// How the service logs in: `kubernetes` or `approle`.
    #[serde(default)]
    pub auth: VaultAuth,
    /// Where that method is mounted (its name).
    #[serde(default)]
    pub auth_mount: Option<String>,
    /// The role of `kubernetes`, the role id of `approle`.
    pub role: String,
    /// The file of the secret that goes with it: a service account's token, or a secret id.
    #[serde(default = "service_account")]
    pub credential: PathBuf,
    /// Seconds that unwrapped keys serve while Vault is away; then everything is refused.
    #[serde(default = "default_grace")]
    pub grace_seconds: u64,
    /// Seconds between two proofs that Vault still serves our keys.
    #[serde(default = "default_check")]
    pub check_seconds: u64,
}

/// `[redis]`: rate limits and hints between replicas.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redis {
    /// Its address: `rediss://host:6379/0`, or `redis://` without TLS. No password: that is a file.
    pub address: Url,
    /// PEM file of the authorities that may have signed its certificate; the system's without one.
    #[serde(default)]
    pub ca: Option<PathBuf>,
    /// The user to log in as.
    #[serde(default)]
    pub username: Option<String>,
    /// The file of the password to log in with.
    #[serde(default)]
    pub password: Option<PathBuf>,
    /// What our keys and channels begin with.
    #[serde(default = "default_prefix")]
    pub prefix: String,
    /// Milliseconds that a request may wait for an answer.
    #[serde(default = "default_wait")]
    pub wait_millis: u64,
}

fn service_account() -> PathBuf {
    PathBuf::from("/var/run/secrets/kubernetes.io/serviceaccount/token")
}

fn default_grace() -> u64 {
    300
}

fn default_check() -> u64 {
    10
}

fn default_prefix() -> String {
    "maily".to_owned()
}

fn default_wait() -> u64 {
    20
}

impl Vault {
    /// Refuses what can't be right, before anything is sent.
    ///
    /// # Errors
    /// One sentence.
    pub fn check(&self, environment: Environment) -> Result<(), Error> {
        let refused = |why: &str| Err(Error::new(format!("configuration: vault.{why}")));
        if !matches!(self.address.scheme(), "http" | "https") || self.address.cannot_be_a_base() {
            return refused("address is not an http or https address");
        }
        if self.address.password().is_some() || !self.address.username().is_empty() {
            return refused("address holds a password; vault.credential is the file for it");
        }
        if self.address.scheme() == "http" && environment != Environment::Dev && !is_local(&self.address) {
            return refused("address has no TLS: only dev, or an agent on this machine, may do without");
        }
        if !(1..=86_400).contains(&self.grace_seconds) {
            return refused("grace_seconds is not 1 to 86400");
        }
        if self.check_seconds == 0 || self.check_seconds > self.grace_seconds / 2 {
            return refused("check_seconds is not 1 to half of grace_seconds");
        }
        Ok(())
    }
}

impl Redis {
    /// Refuses what can't be right, before anything is sent.
    ///
    /// # Errors
    /// One sentence.
    pub fn check(&self, environment: Environment) -> Result<(), Error> {
        let refused = |why: &str| Err(Error::new(format!("configuration: redis.{why}")));
        if !matches!(self.address.scheme(), "redis" | "rediss") || self.address.host().is_none() {
            return refused("address is not a redis or rediss address");
        }
        if self.address.password().is_some() || !self.address.username().is_empty() {
            return refused("address holds a password; redis.password is the file for it");
        }
        if self.address.scheme() == "redis" && environment != Environment::Dev && !is_local(&self.address) {
            return refused("address has no TLS: only dev, or a proxy on this machine, may do without");
        }
        if !(1..=1_000).contains(&self.wait_millis) {
            return refused("wait_millis is not 1 to 1000");
        }
        Ok(())
    }
}

fn is_local(address: &Url) -> bool {
    match address.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault(address: &str) -> Vault {
        toml_like(&format!(r#"{{"address": "{address}", "role": "storage"}}"#))
    }

    fn toml_like<T: serde::de::DeserializeOwned>(json: &str) -> T {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn only_dev_and_this_machine_do_without_tls() {
        for (address, dev, prod) in [
            ("https://vault:8200", true, true),
            ("http://vault:8200", true, false),
            ("http://127.0.0.1:8200", true, true),
            ("http://[::1]:8200", true, true),
            ("http://localhost.example:8200", true, false),
            ("https://me:secret@vault", false, false),
            ("unix:/vault.sock", false, false),
        ] {
            assert_eq!(vault(address).check(Environment::Dev).is_ok(), dev, "{address}");
            assert_eq!(vault(address).check(Environment::Prod).is_ok(), prod, "{address}");
        }
    }

    #[test]
    fn a_password_is_never_part_of_an_address() {
        let redis: Redis = toml_like(r#"{"address": "rediss://:secret@redis"}"#);
        let said = redis.check(Environment::Dev).unwrap_err().to_string();
        assert!(said.contains("redis.password") && !said.contains("secret@"), "{said}");
    }
}
