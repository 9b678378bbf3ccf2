//! Parts of a text that can be moved without looking like noise: words, strings, what brackets hold.

use std::ops::Range;

/// Words, strings in quotes, numbers, blanks and single other bytes, one after the other.
#[must_use]
pub fn tokens(text: &[u8]) -> Vec<Range<usize>> {
    let mut all = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let end = token(text, at).max(at + 1);
        all.push(at..end);
        at = end;
    }
    all
}

fn token(text: &[u8], at: usize) -> usize {
    let run =
        |is: fn(&u8) -> bool| text[at..].iter().position(|byte| !is(byte)).map_or(text.len(), |n| at + n);
    match text[at] {
        quote @ (b'"' | b'\'') => {
            let mut escaped = false;
            let end = text[at + 1..].iter().position(|byte| {
                let ends = !escaped && *byte == quote || *byte == b'\n';
                escaped = !escaped && *byte == b'\\';
                ends
            });
            end.map_or(at + 1, |n| at + n + 2)
        }
        byte if is_word(&byte) => run(is_word),
        byte if byte.is_ascii_whitespace() => run(u8::is_ascii_whitespace),
        _ => at + 1,
    }
}

fn is_word(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || !byte.is_ascii() || matches!(byte, b'_' | b'-')
}

/// Decimal numbers.
#[must_use]
pub fn numbers(text: &[u8]) -> Vec<Range<usize>> {
    let mut all: Vec<Range<usize>> = Vec::new();
    for at in (0..text.len()).filter(|at| text[*at].is_ascii_digit()) {
        match all.last_mut().filter(|last| last.end == at) {
            Some(last) => last.end = at + 1,
            None => all.push(at..at + 1),
        }
    }
    all
}

/// From an opening bracket to the closing one that belongs to it, both included.
#[must_use]
pub fn brackets(text: &[u8]) -> Vec<Range<usize>> {
    let (mut open, mut all) = (Vec::new(), Vec::new());
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b'{' | b'[' | b'(' => open.push(at),
            b'}' | b']' | b')' => all.extend(open.pop().map(|begin: usize| begin..at + 1)),
            _ => {}
        }
    }
    all
}

/// Lines, each with its end.
#[must_use]
pub fn lines(text: &[u8]) -> Vec<Range<usize>> {
    let mut begin = 0;
    let mut all: Vec<Range<usize>> = Vec::new();
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        all.push(begin..begin + line.len());
        begin += line.len();
    }
    all
}

/// Where letters of UTF-8 begin, and the end; all places if it is none.
#[must_use]
pub fn letters(text: &[u8]) -> Vec<usize> {
    match std::str::from_utf8(text) {
        Ok(text) => text.char_indices().map(|(at, _)| at).chain([text.len()]).collect(),
        Err(_) => (0..=text.len()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown<'a>(text: &'a str, spans: &[Range<usize>]) -> Vec<&'a str> {
        spans.iter().map(|span| text.get(span.clone()).unwrap()).collect()
    }

    #[test]
    fn a_text_is_cut_where_its_parts_end() {
        let text = "{\"a\\\"b\": [10, x_y]}\n'open\n é ";
        let cut = shown(text, &tokens(text.as_bytes()));
        assert_eq!(cut.concat(), text);
        assert_eq!(cut[..7], ["{", "\"a\\\"b\"", ":", " ", "[", "10", ","]);
        assert_eq!(shown(text, &numbers(text.as_bytes())), ["10"]);
        assert_eq!(shown(text, &brackets(text.as_bytes())), ["[10, x_y]", "{\"a\\\"b\": [10, x_y]}"]);
        assert_eq!(shown("a\n\nb", &lines(b"a\n\nb")), ["a\n", "\n", "b"]);
        assert_eq!(letters("aéb".as_bytes()), [0, 1, 3, 4]);
        assert!(tokens(b"").is_empty() && lines(b"").is_empty() && letters(b"\xff") == [0, 1]);
    }
}
