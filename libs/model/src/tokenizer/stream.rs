//! Decodes token by token.

use super::Tokenizer;

/// Decodes token by token and gives out whole characters only.
pub struct StreamDecoder<'a> {
    tokenizer: &'a Tokenizer,
    /// The beginning of a character whose end has not come yet.
    pending: Vec<u8>,
}

impl<'a> StreamDecoder<'a> {
    pub(super) fn new(tokenizer: &'a Tokenizer) -> Self {
        Self { tokenizer, pending: Vec::new() }
    }

    /// The characters that `token` completes; often none, and none for a special token.
    pub fn push(&mut self, token: u32) -> String {
        if !self.tokenizer.is_special(token) {
            self.pending.extend_from_slice(self.tokenizer.bytes(token));
        }
        take_characters(&mut self.pending)
    }

    /// What is left; an incomplete character becomes U+FFFD.
    pub fn finish(&mut self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut self.pending)).into_owned()
    }
}

/// Takes what can be decided: all but a last character that more bytes may complete.
fn take_characters(pending: &mut Vec<u8>) -> String {
    let mut text = String::new();
    let mut taken = 0;
    for chunk in pending.utf8_chunks() {
        text.push_str(chunk.valid());
        taken += chunk.valid().len();
        let invalid = chunk.invalid();
        let is_last = taken + invalid.len() == pending.len();
        let undecided = is_last && may_go_on(invalid);
        if !invalid.is_empty() && !undecided {
            text.push(char::REPLACEMENT_CHARACTER);
            taken += invalid.len();
        }
    }
    pending.drain(..taken);
    text
}

/// Whether more bytes could make a character of these.
fn may_go_on(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|e| e.error_len().is_none())
}

#[cfg(test)]
mod tests {
    use super::take_characters;

    #[test]
    fn characters_come_whole_and_broken_ones_are_replaced() {
        let text = "aé🌷—z";
        let (mut pending, mut out) = (Vec::new(), String::new());
        for &byte in text.as_bytes() {
            pending.push(byte);
            out.push_str(&take_characters(&mut pending));
            assert!(text.starts_with(&out));
        }
        assert_eq!((out.as_str(), pending.len()), (text, 0));
        let mut broken = b"a\xff\xf0\x9fb\xe2\x82".to_vec();
        assert_eq!(take_characters(&mut broken), "a\u{fffd}\u{fffd}b");
        assert_eq!(broken, b"\xe2\x82");
    }
}
