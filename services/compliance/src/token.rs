//! The last path segment of an unsubscribe link: which address opts out, and where that is put on record.
//!
//! 33 bytes in URL-safe base64: the region's number, the suppression list's hash of the address, and 128 bits of an
//! HMAC over both. It names the address by the suppression list's hash, not by the person, so that a link
//! works for good, also when the person's own record has been erased.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use maily_crypto::{DataKey, mac};
use maily_law::Region;
use subtle::ConstantTimeEq;

use crate::secrets::AddressHash;

const BYTES: usize = 33;
const CHARS: usize = 44;

/// What a token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) region: Region,
    pub(crate) address: AddressHash,
}

impl Token {
    pub(crate) fn issue(self, key: &DataKey) -> String {
        let mut bytes = [0; BYTES];
        bytes[0] = Region::ALL.iter().position(|region| *region == self.region).unwrap_or(0).to_le_bytes()[0];
        bytes[1..17].copy_from_slice(&self.address);
        let tag = tag(key, &bytes[..17]);
        bytes[17..].copy_from_slice(&tag);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// What an authentic token says; the same work is done for any other text of its length.
    pub(crate) fn read(key: &DataKey, text: &str) -> Option<Self> {
        let mut bytes = [0; BYTES];
        let shaped = text.len() == CHARS && URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) == Ok(BYTES);
        let authentic = bool::from(tag(key, &bytes[..17]).ct_eq(&bytes[17..]));
        let region = Region::ALL.get(usize::from(bytes[0])).copied();
        let mut address = AddressHash::default();
        address.copy_from_slice(&bytes[1..17]);
        region.filter(|_| shaped && authentic).map(|region| Self { region, address })
    }
}

fn tag(key: &DataKey, bytes: &[u8]) -> [u8; 16] {
    let mut tag = [0; 16];
    tag.copy_from_slice(&mac(key, &[b"unsubscribe", bytes])[..16]);
    tag
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_issued_is_read() {
        let (key, other) = (DataKey::generate().unwrap(), DataKey::generate().unwrap());
        for region in Region::ALL {
            let token = Token { region, address: [7; 16] };
            let text = token.issue(&key);
            assert!(
                text.len() == CHARS
                    && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            );
            assert_eq!(Token::read(&key, &text), Some(token));
            assert_eq!(Token::read(&other, &text), None);
            for at in 0..CHARS {
                for replacement in ['A', 'z', '_', '=', '%'] {
                    let mut tampered: Vec<char> = text.chars().collect();
                    if std::mem::replace(&mut tampered[at], replacement) != replacement {
                        assert_eq!(Token::read(&key, &tampered.iter().collect::<String>()), None);
                    }
                }
            }
            for bad in
                ["", text.split_at(1).1, &format!("{text}A"), &"A".repeat(CHARS), &"ü".repeat(CHARS / 2)]
            {
                assert_eq!(Token::read(&key, bad), None, "{bad}");
            }
        }
    }
}
