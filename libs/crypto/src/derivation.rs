//! Keys below a [`DataKey`], and authentication under it.

use aws_lc_rs::{constant_time, hkdf, hmac};

use crate::{DataKey, Error};

/// The key for one purpose below `key` (HKDF-SHA256, RFC 5869); the parts of `context` can't run into each other.
///
/// # Errors
/// [`Error::Failed`], which does not happen for 32 bytes of output.
pub fn derive(key: &DataKey, context: &[&[u8]]) -> Result<DataKey, Error> {
    let info = delimited(context);
    let prk = hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, &key.0);
    let mut out = DataKey([0; 32]);
    prk.expand(&[&info], hkdf::HKDF_SHA256)
        .and_then(|okm| okm.fill(&mut out.0))
        .map_err(|_| Error::Failed)?;
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
    use super::*;

    fn key(byte: u8) -> DataKey {
        DataKey::from_bytes(&[byte; 32])
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
}
