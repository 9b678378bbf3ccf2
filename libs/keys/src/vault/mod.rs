//! Root keys in Vault Transit: they never leave it, and what they unwrapped serves for a bounded time without it.
//!
//! Each root key is a Transit key `TENANT.REGION.TABLE`; its secret for keyed hashes is a Transit key of its own,
//! `….mac`, which is never rotated. A background task ([`keeper`]) renews the login and proves again and again that
//! Vault still unwraps; when it has not for the time of grace, or says no, the keys are withdrawn.
//!
//! The policies that this needs, and nothing more, are in `libs/keys/vault/`.

mod fault;
mod keeper;
#[cfg(test)]
mod kubernetes_tests;
mod login;
#[cfg(test)]
mod readme_tests;
#[cfg(test)]
mod tests;
mod transit;

use std::sync::Arc;

use async_trait::async_trait;
use maily_chassis::Vault as Config;
use maily_crypto::DataKey;
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

use crate::{Error, RootKeys, Scope, Standing, WrappedKey};
use transit::Transit;

/// Root keys in Vault.
#[derive(Clone)]
pub struct VaultRoots {
    transit: Arc<Transit>,
    standing: watch::Receiver<Option<String>>,
    _keeper: Arc<AbortOnDropHandle<()>>,
}

impl std::fmt::Debug for VaultRoots {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("VaultRoots(..)")
    }
}

impl VaultRoots {
    /// Logs in, and keeps the login alive until the last clone is dropped; `mount` is where the Transit engine is.
    ///
    /// # Errors
    /// [`Error::RootsUnavailable`] when Vault can't be reached, [`Error::RootsRefused`] when it refuses the login,
    /// [`Error::Invalid`] or [`Error::File`] for a bad setting.
    pub async fn connect(config: &Config, mount: &str) -> Result<Self, Error> {
        let (transit, standing, keeper) = keeper::start(config, mount).await?;
        Ok(Self { transit, standing, _keeper: Arc::new(AbortOnDropHandle::new(keeper)) })
    }
}

#[async_trait]
impl RootKeys for VaultRoots {
    async fn wrap(&self, scope: &Scope, key: &DataKey) -> Result<WrappedKey, Error> {
        self.transit.wrap(scope, key).await
    }

    async fn unwrap(&self, scope: &Scope, wrapped: &WrappedKey) -> Result<DataKey, Error> {
        self.transit.unwrap(scope, wrapped).await
    }

    async fn rotate(&self, scope: &Scope) -> Result<u32, Error> {
        self.transit.rotate(scope).await
    }

    async fn destroy_below(&self, scope: &Scope, version: u32) -> Result<(), Error> {
        self.transit.destroy_below(scope, version).await
    }

    async fn mac(&self, scope: &Scope, purpose: &str) -> Result<DataKey, Error> {
        self.transit.mac(scope, purpose).await
    }

    fn standing(&self) -> Option<Standing> {
        Some(self.standing.clone())
    }
}
