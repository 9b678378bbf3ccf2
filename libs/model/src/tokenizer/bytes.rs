//! Which bytes a token stands for. Byte-level BPE writes each byte as one printable character (GPT-2's
//! `bytes_to_unicode`), so that its vocabulary is text.

/// The bytes of every token, one after the other.
pub(super) struct ByteTable {
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

impl ByteTable {
    /// Asks for each token's text, and whether it is to be taken literally.
    pub(super) fn new(size: u32, token: impl Fn(u32) -> Option<(String, bool)>) -> Self {
        let (mut bytes, mut ends) = (Vec::new(), Vec::new());
        for id in 0..size {
            match token(id) {
                Some((text, true)) => bytes.extend_from_slice(text.as_bytes()),
                Some((text, false)) => text.chars().for_each(|c| push(&mut bytes, c)),
                None => {}
            }
            ends.push(bytes.len() as u32);
        }
        Self { bytes, ends }
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The bytes of the token that has most.
    pub(super) fn longest(&self) -> usize {
        self.tokens().map(<[u8]>::len).max().unwrap_or(0)
    }

    /// The bytes that are tokens by themselves. Of a text's others nothing is left.
    pub(super) fn single(&self) -> [bool; 256] {
        let mut single = [false; 256];
        for token in self.tokens() {
            if let [byte] = token
                && let Some(single) = single.get_mut(usize::from(*byte))
            {
                *single = true;
            }
        }
        single
    }

    fn tokens(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|token| self.get(token as u32))
    }

    /// The token's bytes; none for a token that does not exist.
    pub(super) fn get(&self, token: u32) -> &[u8] {
        let token = token as usize;
        let Some(&end) = self.ends.get(token) else { return &[] };
        let start = token.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |&end| end);
        self.bytes.get(start as usize..end as usize).unwrap_or_default()
    }
}

/// Adds the byte that `c` stands for; a character that stands for none is itself.
fn push(bytes: &mut Vec<u8>, c: char) {
    match byte(c) {
        Some(byte) => bytes.push(byte),
        None => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}

/// Printable Latin-1 stands for itself; the 68 others, in order, are U+0100 and on.
fn byte(c: char) -> Option<u8> {
    match u32::from(c) {
        code @ (0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff) => u8::try_from(code).ok(),
        code @ 0x100..=0x120 => u8::try_from(code - 0x100).ok(),
        code @ 0x121..=0x142 => u8::try_from(code - 0x121 + 0x7f).ok(),
        0x143 => Some(0xad),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tokenizers crate has the same table in the other direction.
    #[test]
    fn every_byte_has_one_character() {
        let mut seen = [false; 256];
        for c in tokenizers::pre_tokenizers::byte_level::ByteLevel::alphabet() {
            let byte = byte(c).unwrap();
            assert!(!std::mem::replace(&mut seen[usize::from(byte)], true), "two characters for {byte}");
        }
        assert_eq!(seen, [true; 256]);
        assert_eq!((byte('Ġ'), byte('Ċ'), byte('a'), byte('€')), (Some(b' '), Some(b'\n'), Some(b'a'), None));
    }
}
