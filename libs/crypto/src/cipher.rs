//! Authenticated encryption under a [`DataKey`].

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::rand;

use crate::{DataKey, Error};

/// Bytes that [`seal`] adds to a plaintext: a 96-bit nonce and a 128-bit tag.
pub const OVERHEAD: usize = NONCE_LEN + TAG;

const TAG: usize = 16;

/// An AES-256-GCM key made ready, for sealing more than one message under one key.
///
/// Nonces are random, so one key may seal at most 2^32 messages (NIST SP 800-38D, 8.3).
pub struct Cipher(LessSafeKey);

impl std::fmt::Debug for Cipher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cipher(secret)")
    }
}

impl Cipher {
    /// Makes `key` ready.
    ///
    /// # Errors
    /// [`Error::Failed`], which does not happen for a key of the right length.
    pub fn new(key: &DataKey) -> Result<Self, Error> {
        let key = UnboundKey::new(&AES_256_GCM, &key.0).map_err(|_| Error::Failed)?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// Encrypts: `nonce ‖ ciphertext ‖ tag`, [`OVERHEAD`] bytes longer than `plaintext`; `aad` is bound, not stored.
    ///
    /// # Errors
    /// [`Error::Failed`] when the generator fails or the plaintext is too long (64 GiB).
    pub fn seal(&self, aad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, Error> {
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce).map_err(|_| Error::Failed)?;
        let mut out = Vec::with_capacity(plaintext.len() + OVERHEAD);
        out.extend_from_slice(&nonce);
        out.extend_from_slice(plaintext);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let body = out.get_mut(NONCE_LEN..).ok_or(Error::Failed)?;
        let tag =
            self.0.seal_in_place_separate_tag(nonce, Aad::from(aad), body).map_err(|_| Error::Failed)?;
        out.extend_from_slice(tag.as_ref());
        Ok(out)
    }

    /// Decrypts what [`Self::seal`] made with the same `aad`.
    ///
    /// # Errors
    /// [`Error::Authentication`] for anything else, however short.
    pub fn open(&self, aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Error> {
        let (nonce, body) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(Error::Authentication)?;
        let length = body.len().checked_sub(TAG).ok_or(Error::Authentication)?;
        let mut out = vec![0; length];
        let (ciphertext, tag) = body.split_at(length);
        self.0
            .open_separate_gather(
                Nonce::assume_unique_for_key(*nonce),
                Aad::from(aad),
                ciphertext,
                tag,
                &mut out,
            )
            .map_err(|_| Error::Authentication)?;
        Ok(out)
    }

    /// Decrypts a sealed key.
    ///
    /// # Errors
    /// [`Error::Authentication`] as [`Self::open`]; [`Error::KeyLength`] when it is no key.
    pub fn open_key(&self, aad: &[u8], sealed: &[u8]) -> Result<DataKey, Error> {
        DataKey::taken(self.open(aad, sealed)?)
    }
}

/// Encrypts under `key`: see [`Cipher::seal`].
///
/// # Errors
/// [`Error::Failed`] when the generator fails or the plaintext is too long (64 GiB).
pub fn seal(key: &DataKey, aad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, Error> {
    Cipher::new(key)?.seal(aad, plaintext)
}

/// Decrypts what [`seal`] made with the same key and `aad`.
///
/// # Errors
/// [`Error::Authentication`] for anything else.
pub fn open(key: &DataKey, aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Error> {
    Cipher::new(key)?.open(aad, sealed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(byte: u8) -> DataKey {
        DataKey::from_bytes(&[byte; 32])
    }

    #[test]
    fn opens_the_nist_vector() {
        // GCM-AES-256 test case 14 of McGrew and Viega: zero key and nonce, one zero block.
        let mut sealed = vec![0; 12];
        sealed
            .extend(hex::decode("cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919").unwrap());
        assert_eq!(open(&key(0), b"", &sealed).unwrap(), vec![0; 16]);
    }

    proptest! {
        #[test]
        fn any_change_is_refused(
            text in proptest::collection::vec(any::<u8>(), 0..200),
            aad in proptest::collection::vec(any::<u8>(), 0..40),
            at in any::<prop::sample::Index>(),
            bit in 0..8_u8,
        ) {
            let sealed = seal(&key(3), &aad, &text).unwrap();
            prop_assert_eq!(sealed.len(), text.len() + OVERHEAD);
            prop_assert_eq!(&open(&key(3), &aad, &sealed).unwrap(), &text);
            let mut changed = sealed.clone();
            changed[at.index(sealed.len())] ^= 1 << bit;
            prop_assert!(open(&key(3), &aad, &changed).is_err());
            prop_assert!(open(&key(3), &aad, &sealed[..at.index(sealed.len())]).is_err());
            prop_assert!(open(&key(3), b"other context", &sealed).is_err());
        }
    }
}
