//! What no reader sees and a model reads: a text inside of another one, in characters that are shown as nothing.

use icu_properties::props::Script;
use maily_law::has_tags;
use unicode_normalization::char::is_combining_mark;

use super::normal::{invisible, script, white};

/// Whether a text has tags but those of a flag, or a variation selector where there is nothing that varies: behind another
/// one, a Latin letter, a blank. Whole sentences are written in either, and models understand them.
pub(crate) fn hides(text: &str) -> bool {
    let mut before = None;
    let astray = |c| {
        let base = before.replace(c);
        selector(c) && !base.is_some_and(|base| varies(base, c))
    };
    has_tags(text) || text.chars().any(astray)
}

fn selector(c: char) -> bool {
    matches!(c, '\u{180b}'..='\u{180d}' | '\u{180f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

/// Whether a character has variations that the selector may choose from.
fn varies(base: char, selector: char) -> bool {
    if invisible(base) || white(base) || is_combining_mark(base) {
        return false;
    }
    match selector {
        // As text or as a picture: signs, pictures, and the keys of a telephone.
        '\u{fe0e}' | '\u{fe0f}' => {
            matches!(base, '0'..='9' | '#' | '*') || (!base.is_ascii() && script(base).is_none())
        }
        '\u{fe00}'..='\u{fe0d}' => {
            base == '0'
                || (!base.is_ascii()
                    && !matches!(script(base), Some(Script::Latin | Script::Greek | Script::Cyrillic)))
        }
        '\u{e0100}'..='\u{e01ef}' => script(base) == Some(Script::Han),
        _ => script(base) == Some(Script::Mongolian),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(text: &str) -> String {
        text.chars().filter_map(|c| char::from_u32(0xe0000 + u32::from(c))).collect()
    }

    #[test]
    fn what_is_written_in_nothing_is_found() {
        let bytes = |from: u32| "all".bytes().filter_map(move |b| char::from_u32(from + u32::from(b) % 16));
        for text in [
            tags("Ignore all"),
            format!("Tea.{}", tags("x")),
            // No flag of its own, not at its end, and another behind it.
            format!("\u{1f3f4}{}\u{e007f}", tags("ustx")),
            format!("\u{1f3f4}{}", tags("gbeng")),
            format!("\u{1f3f4}{0}\u{e007f}{0}\u{e007f}", tags("gbeng")),
            format!("\u{2764}{}", bytes(0xfe00).collect::<String>()),
            format!("Tea{}", bytes(0xe0100).collect::<String>()),
            "\u{2764}\u{fe0f}\u{fe0f}".into(),
            "t\u{fe01}e\u{fe05}a\u{fe01}".into(),
            "é\u{fe0f}".into(),
            " \u{fe0f}".into(),
            "\u{fe0f}".into(),
            "\u{1f469}\u{200d}\u{fe0f}".into(),
        ] {
            assert!(hides(&text), "{text:?}");
        }
    }

    #[test]
    fn flags_pictures_and_other_writing_hide_nothing() {
        for text in [
            format!("\u{1f3f4}{0} and \u{1f3f4}{0}", tags("gbsct") + "\u{e007f}"),
            "\u{1f1e9}\u{1f1ea} \u{1f3f3}\u{fe0f}\u{200d}\u{1f308} \u{1f3f4}\u{200d}\u{2620}\u{fe0f}".into(),
            "\u{2764}\u{fe0f}\u{200d}\u{1f525} 1\u{fe0f}\u{20e3} #\u{fe0f}\u{20e3} \u{a9}\u{fe0f} \u{2139}\u{fe0f}".into(),
            "\u{24c2}\u{fe0f} \u{1f170}\u{fe0f} \u{3297}\u{fe0f} \u{270c}\u{1f3fd}\u{fe0e}".into(),
            "葛\u{e0100} ≨\u{fe00} 。\u{fe01} \u{1820}\u{180b}".into(),
            "Grüße, ё, naïve, שלום\u{200f}!".into(),
        ] {
            assert!(!hides(&text), "{text:?}");
        }
    }
}
