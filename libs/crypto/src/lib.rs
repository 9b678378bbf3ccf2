//! Data keys, and what is done with them: sealing (AES-256-GCM), derivation (HKDF-SHA256), authentication (HMAC-SHA256).
//!
//! It knows neither where keys are kept nor who may have them (`libs/keys`), and does no I/O. Keys are wiped when they are
//! dropped, and never printed. All of it is aws-lc-rs.

mod cipher;
mod data_key;
mod derivation;
mod error;

pub use cipher::{Cipher, OVERHEAD, open, seal};
pub use data_key::DataKey;
pub use derivation::{derive, mac, verify_mac};
pub use error::Error;
