//! Encodings that spreadsheets save in and that are no UTF-8, known by how a list begins.

/// The name of another encoding that a list's first bytes are in, if they say so: a byte order mark, or every other byte
/// being zero, as in a header of ASCII letters.
pub(crate) fn foreign(first: &[u8]) -> Option<&'static str> {
    match first {
        [0xff, 0xfe, 0, 0, ..] | [_, 0, 0, 0, ..] => Some("UTF-32 (little-endian)"),
        [0, 0, 0xfe, 0xff, ..] | [0, 0, 0, _, ..] => Some("UTF-32 (big-endian)"),
        [0xff, 0xfe, ..] | [1..=255, 0, 1..=255, 0, ..] => Some("UTF-16 (little-endian)"),
        [0xfe, 0xff, ..] | [0, 1..=255, 0, 1..=255, ..] => Some("UTF-16 (big-endian)"),
        [b'P', b'K', 3, 4, ..] => Some("an Excel workbook or another ZIP file"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_spreadsheets_save_is_known_by_name() {
        let utf16 =
            |bytes: fn(u16) -> [u8; 2]| "id,email".encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
        assert_eq!(foreign(&utf16(u16::to_le_bytes)), Some("UTF-16 (little-endian)"));
        assert_eq!(foreign(&utf16(u16::to_be_bytes)), Some("UTF-16 (big-endian)"));
        assert_eq!(foreign(b"\xff\xfei\0"), Some("UTF-16 (little-endian)"));
        assert_eq!(foreign(b"\xfe\xff\0i"), Some("UTF-16 (big-endian)"));
        assert_eq!(foreign(b"\xff\xfe\0\0"), Some("UTF-32 (little-endian)"));
        assert_eq!(foreign(b"PK\x03\x04\x14\0"), Some("an Excel workbook or another ZIP file"));
        for utf8 in [&b"id,email"[..], b"\xef\xbb\xbfid", b"", b"i", b"\xff"] {
            assert_eq!(foreign(utf8), None);
        }
    }
}
