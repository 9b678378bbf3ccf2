//! Quoted-printable (RFC 2045, section 6.7), one line of text at a time.

/// Characters of an encoded line, the soft break's `=` aside.
const WIDTH: usize = 75;

/// Appends one line (without its line break) and CRLF.
pub(crate) fn line(text: &[u8], out: &mut Vec<u8>) {
    let (mut rest, mut column) = (text, 0);
    while let Some((&byte, behind)) = rest.split_first() {
        let mut plain = is_plain(byte, behind, column);
        if column + if plain { 1 } else { 3 } > WIDTH {
            out.extend_from_slice(b"=\r\n");
            column = 0;
            plain = is_plain(byte, behind, column);
        }
        match plain {
            true => out.push(byte),
            false => escape(byte, out),
        }
        column += if plain { 1 } else { 3 };
        rest = behind;
    }
    out.extend_from_slice(b"\r\n");
}

/// Whether the byte stands for itself in this column, before what is left of the line.
fn is_plain(byte: u8, behind: &[u8], column: usize) -> bool {
    match byte {
        b'=' => false,
        b' ' | b'\t' => !behind.is_empty(),
        // Mail relays quote these two at the beginning of a line (RFC 5321 4.5.2, mbox).
        b'.' => column != 0,
        b'F' => column != 0 || !behind.starts_with(b"rom "),
        byte => byte.is_ascii_graphic(),
    }
}

fn escape(byte: u8, out: &mut Vec<u8>) {
    let digit = |half: u8| if half < 10 { b'0' + half } else { b'A' + (half - 10) };
    out.extend_from_slice(&[b'=', digit(byte >> 4), digit(byte & 15)]);
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
