//! The normal forms in which texts are compared, and the characters that no e-mail text may hold.

use std::{collections::HashMap, sync::LazyLock};

use icu_properties::{
    CodePointMapData,
    props::{GeneralCategory, Script},
};
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
/// are allowed, one at a time, where they follow a character that is no letter.
pub(crate) fn treacherous(text: &str) -> bool {
    let mut before = ' ';
    for c in text.chars() {
        let joins = matches!(c, '\u{200d}' | '\u{fe0e}' | '\u{fe0f}')
            && !before.is_ascii()
            && !before.is_alphabetic()
            // A run of them is a text of its own.
            && (!invisible(before) || (c == '\u{200d}' && before != c));
        let keycap = c == '\u{fe0f}' && (before.is_ascii_digit() || matches!(before, '#' | '*'));
        if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') || (invisible(c) && !joins && !keycap) {
            return true;
        }
        before = c;
    }
    false
}

/// What a reader takes a text for, so that a pattern finds a word however it is written: NFKC, without characters that
/// show nothing or strike others out, white space of any kind as one blank, and what looks like an ASCII character as that
/// character.
///
/// A word that is wholly in one other script stays as it is: it spells a word of its own language (UTS 39 calls only
/// mixed scripts suspicious). Latin letters keep their accents, but not marks that no letter of Unicode has, and ASCII
/// never changes. Two halves are a flag, and more or less of them letters.
pub(crate) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    // One of the two is empty.
    let (mut word, mut halves) = (String::new(), String::new());
    let mut blank = false;
    // Once before NFKC, so that nothing stands between a letter and its mark, and once more for what NFKC makes.
    for c in text.chars().filter(|c| !unseen(*c)).nfkc().filter(|c| !unseen(*c)) {
        if white(c) {
            blank = true;
            continue;
        }
        if blank {
            push_word(&mut out, &mut word);
            push_halves(&mut out, &mut halves);
            out.push(' ');
            blank = false;
        }
        if half_of_flag(c) {
            push_word(&mut out, &mut word);
            halves.push(c);
            continue;
        }
        push_halves(&mut out, &mut halves);
        if c.is_alphanumeric() || is_combining_mark(c) {
            word.push(c);
        } else {
            push_word(&mut out, &mut word);
            out.push(ascii(c));
        }
    }
    push_word(&mut out, &mut word);
    push_halves(&mut out, &mut halves);
    if blank {
        out.push(' ');
    }
    out
}

fn push_word(out: &mut String, word: &mut String) {
    if word.is_ascii() || of_one_other_script(word) {
        out.push_str(word);
    } else {
        // What NFKC has left of marks is over a letter that has none, or is one too many.
        out.extend(word.chars().filter(|c| !is_combining_mark(*c)).map(ascii));
    }
    word.clear();
}

fn push_halves(out: &mut String, halves: &mut String) {
    if halves.chars().count() == 2 {
        out.push_str(halves);
    } else {
        out.extend(halves.chars().map(ascii));
    }
    halves.clear();
}

/// A regional indicator.
fn half_of_flag(c: char) -> bool {
    matches!(c, '\u{1f1e6}'..='\u{1f1ff}')
}

/// White space as Python's `str.isspace()` has it, and the blank of Braille.
pub(super) fn white(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}' | '\u{2800}')
}

fn unseen(c: char) -> bool {
    let kind = || CodePointMapData::<GeneralCategory>::new().get(c);
    !white(c)
        && !c.is_ascii_graphic()
        && (invisible(c)
            || strikes(c)
            // It stands for what is not there.
            || c == '\u{fffc}'
            || matches!(kind(), GeneralCategory::Control | GeneralCategory::Format))
}

/// Marks that no language writes: lines over, under and through others, and what goes around them.
fn strikes(c: char) -> bool {
    matches!(c, '\u{305}' | '\u{332}'..='\u{338}' | '\u{33f}' | '\u{20d0}'..='\u{20f0}')
}

fn of_one_other_script(word: &str) -> bool {
    let mut scripts = word.chars().filter(|c| c.is_alphabetic()).filter_map(script);
    let first = scripts.next();
    first.is_some_and(|first| first != Script::Latin && scripts.all(|script| script == first))
}

/// The script of a letter, unless it is one of many. Those that Chinese, Japanese and Korean mix are one (UTS 39, 5.1).
pub(super) fn script(c: char) -> Option<Script> {
    match CodePointMapData::<Script>::new().get(c) {
        Script::Common | Script::Inherited => None,
        Script::Hiragana | Script::Katakana | Script::Bopomofo | Script::Hangul => Some(Script::Han),
        script => Some(script),
    }
}

/// Lower case with look-alike letters of other scripts as the Latin ones they imitate, without accents.
pub(crate) fn skeleton(text: &str) -> String {
    // Capitals look like other letters than small ones do: `Υ` like Y, `υ` like u.
    normal(text)
        .chars()
        .map(ascii)
        .flat_map(char::to_lowercase)
        .map(ascii)
        .nfd()
        .filter(|c| !is_combining_mark(*c))
        .collect()
}

/// The characters that look like an ASCII one: Unicode's confusables (UTS 39) and what a hurried reader takes for one.
/// `tests/python/lookalikes.py` makes the table.
static LOOKALIKES: LazyLock<HashMap<char, char>> = LazyLock::new(|| {
    let mut all = HashMap::new();
    for line in include_str!("lookalikes.txt").lines() {
        let mut fields = line.split(' ');
        let Some(plain) = fields.next().and_then(|field| field.chars().next()) else { continue };
        let codes = fields.filter_map(|field| char::from_u32(u32::from_str_radix(field, 16).ok()?));
        all.extend(codes.map(|c| (c, plain)));
    }
    all
});

/// The ASCII character that another one looks like, or itself.
fn ascii(c: char) -> char {
    if c.is_ascii() { c } else { LOOKALIKES.get(&c).copied().unwrap_or(c) }
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
    fn whatever_reads_alike_has_one_plain_form() {
        for text in [
            "get rich",
            "get\nrich",
            "get\u{2028}\u{a0}\t rich",
            "g\u{200b}et r\u{ad}ich",
            "get\u{0} ric\u{202e}h",
            "ｇｅｔ　ｒｉｃｈ",
            "gеt rісh",
            "𝐠𝐞𝐭 ⓡⓘⓒⓗ",
            "ɡet riсһ",
            "ɢᴇᴛ ʀɪᴄʜ",
            "ɡet ɹich",
            "g\u{336}e\u{336}t\u{336} r\u{332}i\u{332}c\u{332}h\u{332}",
            "g\u{20e3}e\u{20dd}t r\u{336}і\u{336}c\u{336}h",
            "g\u{338}et r\u{30a}\u{325}ich\u{489}",
            "g\u{fffc}et ri\u{fffc}ch",
        ] {
            assert_eq!(plain(text), "get rich", "{text:?}");
        }
        for text in ["🅖🅔🅣 🅡🅘🅒🅗", "🅶🅴🆃 🆁🅸🅲🅷", "🄶🄴🅃 🅁🄸🄲🄷", "🇬🇪🇹 🇷🇮🇨🇭", "🇬ET RI🇨🇭\u{200b}"]
        {
            assert_eq!(plain(text), if text.contains('I') { "GET RI🇨🇭" } else { "GET RICH" }, "{text:?}");
        }
        assert_eq!(plain("с\u{336}о\u{336}р\u{336} 🇩🇪"), "сор 🇩🇪");
        assert_eq!(plain("risk‑free “it’s” １００٪ ١٠٠"), "risk-free \"it's\" 100% 100");
    }

    #[test]
    fn words_of_other_languages_and_accents_stay() {
        for text in [
            "Привет, мир",
            "сор",
            "Ωραία",
            "шалом 2",
            "カノ私",
            "Grüße, señor",
            "naïve",
            "żółć",
            "Tiếng Việt",
            "Ėjau",
            " a 1 I l | O 0 ",
        ] {
            assert_eq!(plain(text), text);
        }
        assert_eq!(plain("Gru\u{308}ße, sen\u{303}or"), "Grüße, señor");
        assert_eq!(LOOKALIKES.len(), include_str!("lookalikes.txt").split_whitespace().count() - 86);
    }

    #[test]
    fn hidden_characters_are_treacherous_and_emoji_are_not() {
        for bad in [
            "\u{2764}\u{fe0f}\u{fe0e}",
            "\u{1f469}\u{200d}\u{200d}",
            "a\u{202e}b",
            "a\rb",
            "a\nb",
            "a\u{200d}b",
            "a\u{200b}b",
            "a\u{2028}b",
            "\u{0}",
            "\u{feff}a",
        ] {
            assert!(treacherous(bad), "{bad:?}");
        }
        for good in ["Tea \u{2764}\u{fe0f}", "\u{1f469}\u{200d}\u{1f373} cooks", "Grüße", "1\u{fe0f}\u{20e3}"]
        {
            assert!(!treacherous(good), "{good:?}");
        }
    }
}
