//! A 256-bit secret.

use aws_lc_rs::rand;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::Error;

/// A secret of 32 bytes, wiped when dropped, never printed.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct DataKey(pub(crate) [u8; 32]);

impl DataKey {
    /// A new key from the system's generator.
    ///
    /// # Errors
    /// [`Error::Failed`] when the generator fails.
    pub fn generate() -> Result<Self, Error> {
        let mut key = Self([0; 32]);
        rand::fill(&mut key.0).map_err(|_| Error::Failed)?;
        Ok(key)
    }

    /// The key with these bytes; the caller's copy stays the caller's to wipe.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(*bytes)
    }

    /// The key with these bytes, which are wiped.
    ///
    /// # Errors
    /// [`Error::KeyLength`] when they are not 32; they are wiped then, too.
    pub fn taken(bytes: Vec<u8>) -> Result<Self, Error> {
        Self::try_from(Zeroizing::new(bytes).as_slice())
    }

    /// The key's bytes, for handing them to another cipher.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl TryFrom<&[u8]> for DataKey {
    type Error = Error;

    fn try_from(bytes: &[u8]) -> Result<Self, Error> {
        let bytes: &[u8; 32] = bytes.try_into().map_err(|_| Error::KeyLength)?;
        // Into its own place: an array on the way would be one more copy.
        let mut key = Self([0; 32]);
        key.0.copy_from_slice(bytes);
        Ok(key)
    }
}

impl std::fmt::Debug for DataKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DataKey(secret)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_never_printed() {
        assert_eq!(format!("{:?}", DataKey::from_bytes(&[7; 32])), "DataKey(secret)");
    }

    #[test]
    fn a_key_has_32_bytes() {
        assert_eq!(DataKey::taken(vec![7; 32]).unwrap().expose(), &[7; 32]);
        for length in [0, 31, 33] {
            assert_eq!(DataKey::taken(vec![7; length]).unwrap_err(), Error::KeyLength, "{length}");
        }
    }
}
