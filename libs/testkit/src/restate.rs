//! The Restate server beside the orchestrator: Unix sockets in a private folder, and a key that signs its calls.

use std::path::{Path, PathBuf};

use rcgen::{KeyPair, PKCS_ED25519};

use crate::{
    error::Error,
    files::{private_dir, write_private},
};

/// The node's name: Restate puts its sockets into a folder of that name.
const NODE: &str = "maily";

/// Where a Restate server keeps its state and its sockets.
#[derive(Clone, Debug)]
pub(crate) struct Restate {
    dir: PathBuf,
}

impl Restate {
    pub(crate) fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// Makes the signing key (once) and the configuration.
    pub(crate) fn prepare(&self) -> Result<(), Error> {
        private_dir(&self.dir)?;
        if !self.public_key().exists() {
            let key = KeyPair::generate_for(&PKCS_ED25519)?;
            write_private(&self.private_key(), key.serialize_pem().as_bytes())?;
            write_private(&self.public_key(), key.public_key_pem().as_bytes())?;
        }
        write_private(&self.config(), self.settings()?.as_bytes())
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.dir.join("restate.toml")
    }

    pub(crate) fn public_key(&self) -> PathBuf {
        self.dir.join("identity.pub.pem")
    }

    pub(crate) fn admin(&self) -> PathBuf {
        self.socket("admin.sock")
    }

    pub(crate) fn ingress(&self) -> PathBuf {
        self.socket("ingress.sock")
    }

    pub(crate) fn private_key(&self) -> PathBuf {
        self.dir.join("identity.pem")
    }

    fn socket(&self, name: &str) -> PathBuf {
        self.dir.join(NODE).join(name)
    }

    /// One node, sized for a laptop, whose files can be searched for what must not be in them: compressed, they would show
    /// nothing. The short retry interval is what a killed service costs a campaign.
    fn settings(&self) -> Result<String, Error> {
        let text = |path: &Path| toml::Value::from(path.to_string_lossy().into_owned()).to_string();
        Ok(format!(
            r#"node-name = "{NODE}"
base-dir = {base}
listen-mode = "unix"
disable-telemetry = true
default-num-partitions = 4
rocksdb-total-memory-size = "192 MiB"
rocksdb-disable-wal-compression = true
rocksdb-disable-l0-l1-compression = true
log-format = "json"
log-disable-ansi-codes = true

[default-retry-policy]
initial-interval = "50ms"
exponentiation-factor = 2.0
max-interval = "2s"
max-attempts = "unlimited"

[worker.invoker]
request-identity-private-key-pem-file = {key}
"#,
            base = text(&self.dir),
            key = text(&self.private_key()),
        ))
    }
}
