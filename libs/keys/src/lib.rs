//! Envelope encryption: who holds which key, and how a key dies.
//!
//! A chain of four: a **root key** per [`Scope`] (in Vault Transit, or in a [`LocalKeyring`] file) wraps an
//! **epoch key**, which wraps the random keys of persons or objects, which seal records. The middle two live
//! in a [`KeyTable`], a SlateDB of its own. Destroying a key deletes its row; the next epoch turn
//! ([`KeyTable::turn_epoch`]) re-wraps what is left under a new epoch key and destroys the old one at the root,
//! which ends every copy, backup and not yet collected file of the table at once. [`RotationSchedule`] says when.
//!
//! Keys themselves, and what is done with one, are `maily_crypto`; the database below a table is `maily_store::db`.

mod access_keys;
mod cache;
mod epochs;
mod error;
mod local;
mod private_file;
mod provider;
mod roots;
#[cfg(test)]
mod roots_suite;
mod schedule;
#[cfg(test)]
mod schedule_tests;
mod standing;
mod table;
#[cfg(test)]
mod table_tests;
mod turn;
mod vault;

pub use access_keys::{AccessAction, AccessKey, AccessRule, read_access_keys};
pub use error::Error;
pub use local::LocalKeyring;
pub use provider::open_roots;
pub use roots::{RootKeys, Scope, WrappedKey};
pub use schedule::{Clock, EpochRotation, Looked, RotationSchedule, rotate};
pub use standing::Standing;
pub use table::{KeyId, KeyTable};
pub use vault::VaultRoots;
