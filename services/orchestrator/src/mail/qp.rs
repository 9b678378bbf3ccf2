//! Quoted-printable (RFC 2045, section 6.7), one line of text at a time.

/// Characters of an encoded line, the soft break's `=` aside.
const WIDTH: usize = 75;
const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// Appends one line (without its line break) and CRLF.
pub(crate) fn line(text: &[u8], out: &mut Vec<u8>) {
    let mut column = 0;
    for at in 0..text.len() {
        let mut plain = is_plain(text, at, column);
        if column + if plain { 1 } else { 3 } > WIDTH {
            out.extend_from_slice(b"=\r\n");
            column = 0;
            plain = is_plain(text, at, column);
        }
        match plain {
            true => out.push(text[at]),
            false => escape(text[at], out),
        }
        column += if plain { 1 } else { 3 };
    }
    out.extend_from_slice(b"\r\n");
}

/// Whether the byte stands for itself in this column.
fn is_plain(text: &[u8], at: usize, column: usize) -> bool {
    match text[at] {
        b'=' => false,
        b' ' | b'\t' => at + 1 < text.len(),
        // Mail relays quote these two at the beginning of a line (RFC 5321 4.5.2, mbox).
        b'.' => column != 0,
        b'F' => column != 0 || !text[at..].starts_with(b"From "),
        byte => byte.is_ascii_graphic(),
    }
}

fn escape(byte: u8, out: &mut Vec<u8>) {
    out.extend_from_slice(&[b'=', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn follows_rfc_2045() {
        let encode = |text: &str| {
            let mut out = Vec::new();
            line(text.as_bytes(), &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(encode("a = b "), "a =3D b=20\r\n");
        assert_eq!(encode("é"), "=C3=A9\r\n");
        assert_eq!(encode("From me"), "=46rom me\r\n");
        assert_eq!(encode("."), "=2E\r\n");
        assert_eq!(encode(""), "\r\n");
    }

    proptest! {
        #[test]
        fn decodes_to_what_it_was(text in "[ -~éüF.=\u{4e00}]{0,300}") {
            let mut out = Vec::new();
            line(text.as_bytes(), &mut out);
            prop_assert!(out.split(|b| *b == b'\n').all(|line| line.len() <= 77 && line.is_ascii()));
            let decoded = mail_parser::decoders::quoted_printable::quoted_printable_decode(&out).unwrap();
            let decoded = String::from_utf8(decoded).unwrap();
            prop_assert_eq!(decoded.trim_end_matches(['\r', '\n']), text);
        }
    }
}
