//! The service's section of the configuration.

use std::path::PathBuf;

use serde::Deserialize;

/// Where residency regions are; a bucket lies in one of them.
pub const REGIONS: [&str; 5] = ["eu", "uk", "ch", "us", "ca"];

/// `[service]`: every path may be left out, and then lies in the service's data folder.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The folder that serves as object store (`<data>/objects`).
    pub root: Option<PathBuf>,
    /// The S3 access keys, a TOML file of mode 0600 (`<data>/credentials.toml`): see `maily_keys::read_access_keys`.
    pub credentials: Option<PathBuf>,
    /// The local keyring where no Vault is configured, made if missing (`<data>/keyring.json`).
    pub keyring: Option<PathBuf>,
    /// Whose data this is: the name of the root keys (a-z 0-9 -).
    pub tenant: String,
    /// The name that clients call the service by; buckets are at `BUCKET.domain` too. Without it the bucket is in the path
    /// only, and the host is an address or a name without a dot.
    pub domain: Option<String>,
    /// The longest object, in bytes.
    pub max_object_bytes: u64,
    /// Hours after which the epoch turns and deleted objects become unreadable in every copy.
    pub epoch_hours: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            root: None,
            credentials: None,
            keyring: None,
            tenant: "default".into(),
            domain: None,
            max_object_bytes: 5 << 40,
            epoch_hours: 24,
        }
    }
}
