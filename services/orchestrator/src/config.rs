//! The orchestrator's own configuration section.

use std::{net::SocketAddr, path::PathBuf};

use serde::Deserialize;

/// `[service]` of the orchestrator.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Restate's ingress port: `unix:/PATH` or `http://LOOPBACK:PORT`.
    pub restate_ingress: String,
    /// Restate's admin port, in the same form.
    pub restate_admin: String,
    /// Where Restate calls us; on loopback. Port 0 takes a free one.
    pub endpoint: SocketAddr,
    /// Public half of the key that Restate signs its requests with: `publickeyv1_…`, or the path of a file with it
    /// in that form or as a PEM public key.
    pub identity_key: String,
    /// File with our credentials for storage (TOML, mode 0600).
    pub credentials: PathBuf,
    /// Residency region of campaigns, copy and reports, which hold no personal data.
    pub home_region: String,
    /// Pages of recipients in memory at once.
    pub pages_in_flight: usize,
    /// Cohorts whose copy is written at once.
    pub drafts_in_flight: usize,
    /// Days after the end of a campaign, or its planned send where that is later, at which its sealed messages are removed;
    /// 0 keeps them for good.
    pub messages_days: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            restate_ingress: "http://127.0.0.1:8080".into(),
            restate_admin: "http://127.0.0.1:9070".into(),
            endpoint: SocketAddr::from(([127, 0, 0, 1], 9080)),
            identity_key: String::new(),
            credentials: PathBuf::from("credentials.toml"),
            home_region: "eu".into(),
            pages_in_flight: 2,
            drafts_in_flight: 2,
            messages_days: 90,
        }
    }
}

impl Config {
    /// What can be seen to be wrong before anything is opened.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.identity_key.is_empty() {
            return Err(
                "configuration: service.identity_key is missing: without it anybody on this host could \
                        call our workflows"
                    .into(),
            );
        }
        if !self.endpoint.ip().is_loopback() {
            return Err(format!("configuration: service.endpoint: {} is not on loopback", self.endpoint));
        }
        match (1..=64).contains(&self.pages_in_flight) && (1..=64).contains(&self.drafts_in_flight) {
            true => Ok(()),
            false => {
                Err("configuration: service.pages_in_flight and service.drafts_in_flight are 1 to 64".into())
            }
        }
    }
}
