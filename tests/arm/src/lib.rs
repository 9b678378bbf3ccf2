//! A stand-in for Azure, for tests: enough of Resource Manager, Entra ID's token endpoint and Key Vault's keys that the
//! real azurerm provider applies our roots against it, on loopback, with no cloud.
//!
//! It keeps what it is sent and gives it back as Azure lays it out. So it proves wiring, idempotence, drift and recovery,
//! and not that Azure accepts the values. It is never shipped and never part of a deployment.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stand-in, where a panic is the failure"
)]

mod children;
mod cloud;
mod entra;
mod freeze;
mod id;
mod kinds;
mod listener;
mod routes;
mod shape;
mod vault;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::Value;
use tokio::runtime::Runtime;

pub use crate::freeze::When;
use crate::{cloud::Cloud, freeze::Freezer, listener::Listeners};

/// The subscription that it answers for.
pub const SUBSCRIPTION: &str = "00000000-0000-0000-0000-000000000001";
/// The tenant that it answers for.
pub const TENANT: &str = "22222222-2222-2222-2222-222222222222";
/// Who calls: the application and its object.
pub const CLIENT: &str = "44444444-4444-4444-4444-444444444444";

/// The stand-in, running until it is dropped.
pub struct Arm {
    shared: Arc<Shared>,
    listeners: Listeners,
    ca: PathBuf,
    _runtime: Runtime,
}

/// What the handlers see.
pub(crate) struct Shared {
    pub(crate) cloud: Cloud,
    pub(crate) freezer: Freezer,
    pub(crate) port: u16,
}

impl Arm {
    /// Starts on free ports of 127.0.0.1; its certificate's authority goes to `dir`.
    ///
    /// # Panics
    /// No port or no file could be had.
    #[must_use]
    pub fn start(dir: &Path) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let ca = dir.join("arm-ca.pem");
        let config = listener::certificate(&ca);
        let (listeners, tls, proxy) = runtime.block_on(Listeners::bind());
        let shared =
            Arc::new(Shared { cloud: Cloud::default(), freezer: Freezer::default(), port: listeners.port });
        runtime.spawn(listener::serve(tls, config, routes::router(Arc::clone(&shared))));
        runtime.spawn(listener::tunnel(proxy, listeners.port));
        Self { shared, listeners, ca, _runtime: runtime }
    }

    /// What terraform has to be told, as environment variables, to use this and nothing else.
    #[must_use]
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("ARM_METADATA_HOSTNAME", format!("localhost:{}", self.listeners.port)),
            ("ARM_SUBSCRIPTION_ID", SUBSCRIPTION.to_owned()),
            ("ARM_TENANT_ID", TENANT.to_owned()),
            ("ARM_CLIENT_ID", CLIENT.to_owned()),
            ("ARM_CLIENT_SECRET", "loopback".to_owned()),
            ("ARM_USE_CLI", "false".to_owned()),
            ("ARM_RESOURCE_PROVIDER_REGISTRATIONS", "none".to_owned()),
            // Nothing here takes time; the SDK would look again after ten seconds all the same.
            ("GO_AZURE_SDK_SKIP_POLLING_DELAY", "true".to_owned()),
            ("SSL_CERT_FILE", self.ca.display().to_string()),
            // Vaults and storage accounts have host names of their own; no resolver knows them.
            ("HTTPS_PROXY", format!("http://127.0.0.1:{}", self.listeners.proxy)),
            ("NO_PROXY", "localhost,127.0.0.1".to_owned()),
        ]
    }

    /// The ids of everything there is, sorted; a key of a vault counts.
    #[must_use]
    pub fn ids(&self) -> Vec<String> {
        self.shared.cloud.ids()
    }

    /// How many requests that write it has taken.
    #[must_use]
    pub fn writes(&self) -> usize {
        self.shared.freezer.writes()
    }

    /// Requests that it did not know how to answer: a test that sees any should say so.
    #[must_use]
    pub fn unknown(&self) -> Vec<String> {
        self.shared.cloud.unknown()
    }

    /// Changes a resource behind terraform's back, at this JSON pointer (RFC 6901): the one of this type, or the one whose
    /// id ends so. Answers what was there.
    ///
    /// # Panics
    /// There is not exactly one such resource, or it has nothing there.
    pub fn change(&self, which: &str, pointer: &str, value: Value) -> Value {
        self.shared.cloud.change(which, pointer, value)
    }

    /// The one resource of this type, or whose id ends so, as Azure would show it.
    #[must_use]
    pub fn resource(&self, which: &str) -> Option<Value> {
        self.shared.cloud.one(which)
    }

    /// Stops answering from the `count`th further write on: that one is kept or not (`when`), and neither it nor any
    /// later write is answered.
    pub fn freeze(&self, count: usize, when: When) {
        self.shared.freezer.arm(count, when);
    }

    /// Whether the write that [`Arm::freeze`] waits for has come.
    #[must_use]
    pub fn frozen(&self) -> bool {
        self.shared.freezer.frozen()
    }

    /// Answers again.
    pub fn thaw(&self) {
        self.shared.freezer.thaw();
    }
}
