//! The normal form in which texts are compared, and the characters that no e-mail text may hold.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// The one placeholder that copy may use; recipients are merged in later.
pub(crate) const FIRST_NAME: &str = "{{first_name}}";

/// Stands for a placeholder while words are read, so that it is neither a word nor a sentence's end.
pub(crate) const SLOT: char = '\u{fffc}';

/// NFKC with straight quotes and plain dashes and without invisible characters, so that `２０ ％`, `½`
/// and `20%` are read alike. Case and line breaks stay.
pub(crate) fn normal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.nfkc() {
        match c {
            '\u{2018}' | '\u{2019}' | '\u{201b}' | '\u{2032}' | '\u{ff07}' | '\u{02bc}' | '`' => {
                out.push('\'')
            }
            '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{201f}' | '\u{00ab}' | '\u{00bb}' => out.push('"'),
            '\u{2010}' | '\u{2011}' | '\u{2212}' => out.push('-'),
            '\u{2012}'..='\u{2015}' => out.push('\u{2014}'),
            '\u{2044}' | '\u{2215}' => out.push('/'),
            '\u{066a}' => out.push('%'),
            c if invisible(c) => {}
            c => out.push(c),
        }
    }
    out
}

/// Characters that show nothing: they can split a word in two for a machine but not for a reader.
pub(crate) fn invisible(c: char) -> bool {
    matches!(c, '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}')
}

/// A character that reorders, hides or breaks a header: controls, line and paragraph separators,
/// bidirectional controls (UAX #9), tags and other invisibles. The emoji joiner and variation selectors
/// are allowed where they follow a character that is no letter.
pub(crate) fn treacherous(text: &str) -> bool {
    let mut before = ' ';
    for c in text.chars() {
        let joins = matches!(c, '\u{200d}' | '\u{fe0e}' | '\u{fe0f}')
            && !before.is_ascii()
            && !before.is_alphabetic();
        let keycap = c == '\u{fe0f}' && (before.is_ascii_digit() || matches!(before, '#' | '*'));
        if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') || (invisible(c) && !joins && !keycap) {
            return true;
        }
        before = c;
    }
    false
}

/// Lower case with look-alike letters of other scripts as the Latin ones they imitate, without accents
/// (a small part of Unicode TR39's confusables: what can spell a Latin word).
pub(crate) fn skeleton(text: &str) -> String {
    normal(text)
        .chars()
        .flat_map(char::to_lowercase)
        .map(latin)
        .nfd()
        .filter(|c| !is_combining_mark(*c))
        .collect()
}

/// The Latin letter or ASCII sign that a character looks like.
fn latin(c: char) -> char {
    match c {
        'а' | 'α' | 'ɑ' => 'a',
        'в' | 'β' => 'b',
        'с' | 'ϲ' => 'c',
        'ԁ' => 'd',
        'е' | 'ε' | 'ҽ' | 'э' | 'ɛ' => 'e',
        'һ' => 'h',
        'і' | 'ι' | 'ı' | 'ӏ' => 'i',
        'ј' => 'j',
        'к' | 'κ' => 'k',
        'м' => 'm',
        'н' => 'h',
        'о' | 'ο' | 'σ' | 'ø' => 'o',
        'р' | 'ρ' => 'p',
        'ѕ' => 's',
        'т' | 'τ' => 't',
        'у' | 'υ' | 'ү' => 'y',
        'ѵ' | 'ν' => 'v',
        'ԝ' | 'ω' | 'ѡ' => 'w',
        'х' | 'χ' => 'x',
        'ʀ' | 'г' | 'ᴦ' => 'r',
        'ғ' | 'ƒ' => 'f',
        'ᴇ' => 'e',
        '\u{2236}' | '\u{a789}' | '\u{02d0}' | '\u{0589}' | '\u{fe13}' | '\u{05c3}' => ':',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_fractions_and_quotes_are_read_alike() {
        assert_eq!(normal("２０％ off it’s “½” off\u{200b}er"), "20% off it's \"1/2\" offer");
    }

    #[test]
    fn look_alikes_have_one_skeleton() {
        for text in ["Re:", "RE：", "Rе:", "ᴙe:".trim_start_matches('ᴙ'), "R\u{200b}e:", "Ré:", "𝐑𝐞:", "re∶"]
        {
            let seen = skeleton(text);
            assert!(seen == "re:" || seen == "e:", "{text:?} became {seen:?}");
        }
    }

    #[test]
    fn hidden_characters_are_treacherous_and_emoji_are_not() {
        for bad in
            ["a\u{202e}b", "a\rb", "a\nb", "a\u{200d}b", "a\u{200b}b", "a\u{2028}b", "\u{0}", "\u{feff}a"]
        {
            assert!(treacherous(bad), "{bad:?}");
        }
        for good in ["Tea \u{2764}\u{fe0f}", "\u{1f469}\u{200d}\u{1f373} cooks", "Grüße", "1\u{fe0f}\u{20e3}"]
        {
            assert!(!treacherous(good), "{good:?}");
        }
    }
}
