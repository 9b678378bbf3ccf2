//! What can go wrong with a key or a ciphertext. No variant carries key material.

/// A failure of a cryptographic operation. None passes by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A ciphertext was not made with this key and context, or was changed.
    #[error("a ciphertext does not belong to this key and context")]
    Authentication,
    /// A key has another length than 32 bytes.
    #[error("a key is not 32 bytes long")]
    KeyLength,
    /// The cryptographic library refused an operation that should not fail.
    #[error("the cryptographic library failed")]
    Failed,
}
