//! Words, numbers and sentences of a text in its normal form.

use super::normal::{FIRST_NAME, SLOT, normal};

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Letters, with apostrophes and digits inside (`it's`, `B2B`).
    Word,
    /// Digits, with separators inside (`1,299.00`, `10:30`, `31/03/2026`).
    Number,
    /// One sign.
    Sign,
    /// The first name's placeholder.
    Slot,
    /// One or more line breaks.
    Line,
}

/// One token and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) text: String,
    /// The text in lower case.
    pub(crate) lower: String,
    /// No space before it.
    pub(crate) glued: bool,
    /// The first word or number of a sentence.
    pub(crate) starts: bool,
    /// Index of its sentence.
    pub(crate) sentence: usize,
}

impl Token {
    /// Whether the token is this sign.
    pub(crate) fn is(&self, sign: char) -> bool {
        self.kind == Kind::Sign && self.text.starts_with(sign)
    }

    /// Whether the token is a word.
    pub(crate) fn word(&self) -> bool {
        self.kind == Kind::Word
    }
}

/// Reads a text into tokens. The text is brought into its normal form first.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let text = normal(text).replace(FIRST_NAME, &SLOT.to_string());
    let chars: Vec<char> = text.chars().collect();
    let mut out: Vec<Token> = Vec::new();
    let (mut at, mut spaced) = (0, true);
    while let Some(c) = chars.get(at) {
        if c.is_whitespace() && *c != '\n' {
            spaced = true;
            at += 1;
            continue;
        }
        let (kind, end) = next(&chars, at);
        let text: String = chars.iter().take(end).skip(at).collect();
        let lower = text.to_lowercase();
        out.push(Token { kind, text, lower, glued: !spaced, starts: false, sentence: 0 });
        spaced = kind == Kind::Line;
        at = end;
    }
    mark_sentences(&mut out);
    out
}

/// The kind of the token that begins at `at`, and its end.
fn next(chars: &[char], at: usize) -> (Kind, usize) {
    let at_or = |i: usize| chars.get(i).copied().unwrap_or(' ');
    let c = at_or(at);
    let run =
        |from: usize, f: &dyn Fn(usize) -> bool| (from..chars.len()).find(|i| !f(*i)).unwrap_or(chars.len());
    if c == '\n' {
        (Kind::Line, run(at, &|i| at_or(i).is_whitespace()))
    } else if c == SLOT {
        (Kind::Slot, at + 1)
    } else if c.is_numeric() {
        (
            Kind::Number,
            run(at, &|i| {
                at_or(i).is_numeric()
                    || (matches!(at_or(i), '.' | ',' | ':' | '/') && at_or(i + 1).is_numeric())
            }),
        )
    } else if c.is_alphabetic() {
        (
            Kind::Word,
            run(at, &|i| {
                let c = at_or(i);
                c.is_alphanumeric() || mark(c) || (c == '\'' && at_or(i + 1).is_alphabetic())
            }),
        )
    } else {
        (Kind::Sign, at + 1)
    }
}

fn mark(c: char) -> bool {
    unicode_normalization::char::is_combining_mark(c)
}

/// Numbers the sentences and marks the token that starts each.
fn mark_sentences(tokens: &mut [Token]) {
    let (mut sentence, mut open) = (0, true);
    for token in tokens {
        match token.kind {
            Kind::Word | Kind::Number | Kind::Slot => {
                token.starts = open;
                // "{{first_name}}, welcome": the word after the name may still be capital.
                open = open && token.kind == Kind::Slot;
            }
            Kind::Line => {
                sentence += usize::from(!open);
                open = true;
            }
            Kind::Sign if matches!(token.text.as_str(), "." | "!" | "?" | "\u{2026}") => {
                sentence += usize::from(!open);
                open = true;
            }
            // A quotation, a parenthesis, a dash, a colon or a picture may be followed by a capital letter.
            Kind::Sign if !matches!(token.text.as_str(), "," | ";" | "'" | "-" | "&" | "%" | "/" | "+") => {
                open = true
            }
            Kind::Sign => {}
        }
        token.sentence = sentence;
    }
}

/// A word without its grammatical ending: `offers` and `offer's` are `offer`.
pub(crate) fn stem(lower: &str) -> String {
    let word = lower.split('\'').next().unwrap_or(lower);
    // Only letters of ASCII are cut off.
    let cut = |n: usize| word.get(..word.len() - n).unwrap_or(word).to_owned();
    if word.len() > 4 && word.ends_with("ies") {
        return cut(3) + "y";
    }
    if word.len() > 4 && ["ses", "xes", "zes", "ches", "shes"].iter().any(|end| word.ends_with(end)) {
        return if word.ends_with("ses") && !word.ends_with("sses") { cut(1) } else { cut(2) };
    }
    if word.len() > 3 && word.ends_with('s') && !["ss", "us", "is"].iter().any(|end| word.ends_with(end)) {
        return cut(1);
    }
    word.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_start_where_a_capital_is_ordinary() {
        let seen: Vec<String> =
            tokens("Hi {{first_name}},\nIt's here: New teas. (Try one!) \"Yes\" — Say so, 20% off")
                .into_iter()
                .filter(|t| t.starts)
                .map(|t| t.text)
                .collect();
        assert_eq!(seen, ["Hi", "It's", "New", "Try", "Yes", "Say"]);
    }

    #[test]
    fn numbers_keep_their_separators_and_not_the_full_stop() {
        let seen: Vec<String> = tokens("At 10:30, €1,299.00. Then 31/03/2026.")
            .into_iter()
            .filter(|t| t.kind == Kind::Number)
            .map(|t| t.text)
            .collect();
        assert_eq!(seen, ["10:30", "1,299.00", "31/03/2026"]);
    }

    #[test]
    fn endings_do_not_matter() {
        for (word, expected) in [
            ("teas", "tea"),
            ("berries", "berry"),
            ("boxes", "box"),
            ("roses", "rose"),
            ("anna's", "anna"),
            ("glass", "glass"),
        ] {
            assert_eq!(stem(word), expected);
        }
    }
}
