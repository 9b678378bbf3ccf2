//! 256-bit keys and what is done with them: seal and open (AES-256-GCM), derive (HKDF-SHA256), authenticate
//! (HMAC-SHA256).

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{constant_time, hkdf, hmac, rand};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::Error;

/// Bytes that [`seal`] adds to a plaintext: a 96-bit nonce and a 128-bit tag.
pub const OVERHEAD: usize = NONCE_LEN + 16;

const TAG: usize = 16;

/// A secret of 32 bytes, wiped when dropped, never printed.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct DataKey([u8; 32]);

impl DataKey {
    /// A new key from the system's generator.
    ///
    /// # Errors
    /// [`Error::Crypto`] when the generator fails.
    pub fn generate() -> Result<Self, Error> {
        let mut key = Self([0; 32]);
        rand::fill(&mut key.0).map_err(|_| Error::Crypto)?;
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
    /// [`Error::Invalid`] when they are not 32; they are wiped then, too.
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
        let bytes: &[u8; 32] =
            bytes.try_into().map_err(|_| Error::Invalid("a key is not 32 bytes long".into()))?;
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
    /// [`Error::Crypto`], which does not happen for a key of the right length.
    pub fn new(key: &DataKey) -> Result<Self, Error> {
        let key = UnboundKey::new(&AES_256_GCM, &key.0).map_err(|_| Error::Crypto)?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// Encrypts: `nonce ‖ ciphertext ‖ tag`, [`OVERHEAD`] bytes longer than `plaintext`; `aad` is bound, not stored.
    ///
    /// # Errors
    /// [`Error::Crypto`] when the generator fails or the plaintext is too long (64 GiB).
    pub fn seal(&self, aad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, Error> {
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce).map_err(|_| Error::Crypto)?;
        let mut out = Vec::with_capacity(plaintext.len() + OVERHEAD);
        out.extend_from_slice(&nonce);
        out.extend_from_slice(plaintext);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let body = out.get_mut(NONCE_LEN..).ok_or(Error::Crypto)?;
        let tag =
            self.0.seal_in_place_separate_tag(nonce, Aad::from(aad), body).map_err(|_| Error::Crypto)?;
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
    pub(crate) fn open_key(&self, aad: &[u8], sealed: &[u8]) -> Result<DataKey, Error> {
        DataKey::taken(self.open(aad, sealed)?)
    }
}

/// Encrypts under `key`: see [`Cipher::seal`].
///
/// # Errors
/// [`Error::Crypto`] when the generator fails or the plaintext is too long (64 GiB).
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

/// The key for one purpose below `key` (HKDF-SHA256, RFC 5869); the parts of `context` can't run into each other.
///
/// # Errors
/// [`Error::Crypto`], which does not happen for 32 bytes of output.
pub fn derive(key: &DataKey, context: &[&[u8]]) -> Result<DataKey, Error> {
    let info = delimited(context);
    let prk = hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, &key.0);
    let mut out = DataKey([0; 32]);
    prk.expand(&[&info], hkdf::HKDF_SHA256)
        .and_then(|okm| okm.fill(&mut out.0))
        .map_err(|_| Error::Crypto)?;
    Ok(out)
}

/// HMAC-SHA256 (RFC 2104) over `parts`, which can't run into each other.
#[must_use]
pub fn mac(key: &DataKey, parts: &[&[u8]]) -> [u8; 32] {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key.0), &delimited(parts));
    let mut out = [0; 32];
    out.copy_from_slice(tag.as_ref());
    out
}

/// Whether `tag` is [`mac`] of these parts, in constant time.
#[must_use]
pub fn verify_mac(key: &DataKey, parts: &[&[u8]], tag: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(&mac(key, parts), tag).is_ok()
}

/// The parts, each after its length in 8 bytes.
fn delimited(parts: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::with_capacity(parts.iter().map(|part| part.len() + 8).sum());
    for part in parts {
        out.extend_from_slice(&(part.len() as u64).to_be_bytes());
        out.extend_from_slice(part);
    }
    out
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

    #[test]
    fn parts_do_not_run_together() {
        assert_ne!(mac(&key(1), &[b"ab", b"c"]), mac(&key(1), &[b"a", b"bc"]));
        let (left, right) = (derive(&key(1), &[b"ab", b""]), derive(&key(1), &[b"a", b"b"]));
        assert_ne!(left.unwrap().expose(), right.unwrap().expose());
        assert!(verify_mac(&key(1), &[b"x"], &mac(&key(1), &[b"x"])));
        assert!(!verify_mac(&key(2), &[b"x"], &mac(&key(1), &[b"x"])));
        assert!(!verify_mac(&key(1), &[b"x"], b"short"));
    }

    #[test]
    fn a_key_is_never_printed() {
        assert_eq!(format!("{:?}", key(7)), "DataKey(secret)");
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
