//! Restate's identity key: Ed25519, `publickeyv1_` and the public key in base58.

use std::path::Path;

const PREFIX: &str = "publickeyv1_";
const BASE58: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
/// What stands before the 32 bytes of an Ed25519 key in its SubjectPublicKeyInfo (RFC 8410).
const SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// The key in Restate's form, from the configuration: itself, or the path of a file that holds it in that form or as
/// a PEM public key.
///
/// # Errors
/// One sentence about a file or key that can't be used.
pub(crate) fn public_key(configured: &str) -> Result<String, String> {
    if configured.starts_with(PREFIX) {
        return Ok(configured.to_owned());
    }
    let path = Path::new(configured);
    let text =
        std::fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let text = text.trim();
    if text.starts_with(PREFIX) {
        return Ok(text.to_owned());
    }
    let key = from_pem(text).ok_or_else(|| format!("{} holds no Ed25519 public key", path.display()))?;
    Ok(format!("{PREFIX}{}", base58(&key)))
}

fn from_pem(text: &str) -> Option<[u8; 32]> {
    use base64::Engine as _;
    let body = text.strip_prefix("-----BEGIN PUBLIC KEY-----")?.strip_suffix("-----END PUBLIC KEY-----")?;
    let body: String = body.split_whitespace().collect();
    let der = base64::engine::general_purpose::STANDARD.decode(body).ok()?;
    der.strip_prefix(&SPKI)?.try_into().ok()
}

fn base58(bytes: &[u8]) -> String {
    // Little-endian digits, each byte multiplied in.
    let mut digits: Vec<u8> = Vec::new();
    for byte in bytes {
        let mut carry = u32::from(*byte);
        for digit in &mut digits {
            carry += u32::from(*digit) << 8;
            *digit = (carry % 58) as u8;
            carry /= 58;
        }
        while carry > 0 {
            digits.push((carry % 58) as u8);
            carry /= 58;
        }
    }
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let ones = std::iter::repeat_n(b'1', zeros);
    let digits = digits.iter().rev().filter_map(|digit| BASE58.get(usize::from(*digit)).copied());
    ones.chain(digits).map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base58_vectors() {
        // draft-msporny-base58-03, section 5.
        assert_eq!(base58(b"Hello World!"), "2NEpo7TZRRrLZSi2U");
        assert_eq!(base58(&[0, 0, 0x28, 0x7f, 0xb4, 0xcd]), "11233QC4");
    }

    #[test]
    fn reads_a_pem_public_key_as_restate_prints_it() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), include_str!("test-identity.pub.pem")).unwrap();
        let path = file.path().to_str().unwrap();
        assert_eq!(public_key(path).unwrap(), include_str!("test-identity.kid").trim());
        std::fs::write(file.path(), "-----BEGIN PRIVATE KEY-----").unwrap();
        assert!(public_key(path).unwrap_err().contains("holds no Ed25519 public key"));
        assert_eq!(public_key("publickeyv1_x").unwrap(), "publickeyv1_x");
    }
}
