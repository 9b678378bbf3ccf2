//! Which keeper of root keys a service uses: what its configuration says, and in production only Vault.

use std::path::Path;
use std::sync::Arc;

use maily_chassis::{Boot, Environment, Readiness};

use crate::standing::GONE;
use crate::{LocalKeyring, RootKeys, Standing, VaultRoots};

/// Opens the root keys of a service: in Vault if that is configured, else in the file `keyring`, which production
/// refuses. While Vault's keys are withdrawn the service is closed: not ready, and every request refused.
///
/// # Errors
/// One sentence: a setting that can't be used, or a Vault that is away or refuses.
pub async fn open_roots<T>(
    boot: &Boot<T>,
    keyring: &Path,
) -> Result<Arc<dyn RootKeys>, maily_chassis::Error> {
    let environment = boot.config.environment;
    let Some(config) = &boot.config.vault else {
        if environment == Environment::Prod {
            return Err(
                boot.fatal("configuration: vault is missing: a local keyring file is refused in prod")
            );
        }
        tracing::warn!(path = %keyring.display(), "no Vault: root keys are kept in a local file");
        return Ok(Arc::new(LocalKeyring::open(keyring).map_err(|error| boot.fatal(error))?));
    };
    config.check(environment)?;
    let mount = config.mount.clone().unwrap_or_else(|| format!("maily-{}", boot.name()));
    let roots = VaultRoots::connect(config, &mount).await.map_err(|error| match error.is_permanent() {
        true => boot.fatal(error),
        false => maily_chassis::Error::unavailable(error),
    })?;
    if let Some(standing) = roots.standing() {
        tokio::spawn(close_when_withdrawn(standing, boot.readiness.clone()));
    }
    Ok(Arc::new(roots))
}

async fn close_when_withdrawn(mut standing: Standing, readiness: Readiness) {
    loop {
        let withdrawn = standing.borrow_and_update().clone();
        match withdrawn {
            Some(why) => readiness.close(why),
            None => readiness.reopen(),
        }
        if standing.changed().await.is_err() {
            return readiness.close(GONE);
        }
    }
}
