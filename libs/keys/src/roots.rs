//! The top of the hierarchy: keys that never leave their keeper.

use async_trait::async_trait;
use maily_crypto::DataKey;

use crate::Error;
use crate::standing::Standing;

/// Names one root key: whose data, where it stays, and which key table stands below it.
///
/// The table's name is part of it because trimming a root key ends everything below it: two tables must not share one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scope {
    tenant: String,
    region: String,
    table: String,
}

impl Scope {
    /// A scope; each name is 1 to 40 of `a-z 0-9 -` (it becomes the name of a Vault Transit key).
    ///
    /// # Errors
    /// [`Error::Invalid`] for any other name.
    pub fn new(tenant: &str, region: &str, table: &str) -> Result<Self, Error> {
        for name in [tenant, region, table] {
            let fits = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
            if name.is_empty() || name.len() > 40 || !name.bytes().all(fits) {
                return Err(Error::Invalid(format!(
                    "{name:?} can't be part of a root key's name (a-z 0-9 -)"
                )));
            }
        }
        Ok(Self { tenant: tenant.into(), region: region.into(), table: table.into() })
    }

    /// Whose data it is.
    #[must_use]
    pub fn tenant(&self) -> &str {
        &self.tenant
    }

    /// The residency region.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.tenant, self.region, self.table)
    }
}

/// A key under a root key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedKey {
    /// The root key's version that wrapped it; versions count from 1.
    pub version: u32,
    /// The keeper's own ciphertext.
    pub bytes: Vec<u8>,
}

/// A keeper of root keys: Vault Transit in production, a [`crate::LocalKeyring`] without one.
///
/// A scope's root key comes into being, at version 1, when it is first used.
#[async_trait]
pub trait RootKeys: Send + Sync + 'static {
    /// Wraps `key` under the newest version.
    async fn wrap(&self, scope: &Scope, key: &DataKey) -> Result<WrappedKey, Error>;

    /// Unwraps; [`Error::RootVersionGone`] after [`Self::destroy_below`] a higher version.
    async fn unwrap(&self, scope: &Scope, wrapped: &WrappedKey) -> Result<DataKey, Error>;

    /// Adds a version, which wraps from now on, and answers its number.
    async fn rotate(&self, scope: &Scope) -> Result<u32, Error>;

    /// Destroys every version below `version` for good (Vault's trim). Doing it again is no error; a `version` above
    /// the newest is.
    async fn destroy_below(&self, scope: &Scope, version: u32) -> Result<(), Error>;

    /// A secret for keyed hashes, the same for ever for one scope and purpose, untouched by rotation and trimming.
    async fn mac(&self, scope: &Scope, purpose: &str) -> Result<DataKey, Error>;

    /// Whether unwrapped keys may serve, for a keeper that can go away; `None` for one that can't.
    fn standing(&self) -> Option<Standing> {
        None
    }
}
