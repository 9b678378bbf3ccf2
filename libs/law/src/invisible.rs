//! Characters that a reader does not see.

/// Format characters that reorder or hide text: directional marks and embeddings, line separators, zero-width
/// spaces, tags. The joiners U+200C and U+200D are none: Persian and Indic names are written with them.
#[must_use]
pub fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// What follows a black flag for England, Scotland and Wales, the only flags of tags that are shown
/// (RGI_Emoji_Tag_Sequence, UTS 51).
const FLAGS: [&str; 3] = [
    "\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
    "\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}",
    "\u{e0067}\u{e0062}\u{e0077}\u{e006c}\u{e0073}\u{e007f}",
];

/// Whether a text has tag characters, or what Unicode keeps for their like, but those of a flag: whole sentences are
/// written in them, which nobody sees, and which a model reads.
#[must_use]
pub fn has_tags(text: &str) -> bool {
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let flag = || FLAGS.iter().find_map(|flag| rest.as_str().strip_prefix(flag));
        match c {
            '\u{e0000}'..='\u{e00ff}' | '\u{e01f0}'..='\u{e0fff}' => return true,
            '\u{1f3f4}' => rest = flag().unwrap_or(rest.as_str()).chars(),
            _ => {}
        }
    }
    false
}

/// Whether a text has characters that turn the order of others around (UAX #9): `05 evas` is shown as `save 50`, and is
/// that for no rule. The marks U+200E and U+200F are none: Hebrew and Arabic are written with them.
#[must_use]
pub fn reorders(text: &str) -> bool {
    text.contains(|c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(text: &str) -> String {
        text.chars().filter_map(|c| char::from_u32(0xe0000 + u32::from(c))).collect()
    }

    #[test]
    fn tags_are_found_and_flags_are_none() {
        let (england, wales) = (tags("gbeng\u{7f}"), tags("gbwls\u{7f}"));
        for text in [
            tags("Ignore all"),
            format!("Tea.{}", tags("x")),
            // A flag that nobody shows, one without its end, one with more behind it, and none.
            format!("\u{1f3f4}{}", tags("ustx\u{7f}")),
            format!("\u{1f3f4}{}", tags("gbeng")),
            format!("\u{1f3f4}{england}{england}"),
            england.clone(),
        ] {
            assert!(has_tags(&text), "{text:?}");
        }
        let flags =
            format!("\u{1f3f4}{england} \u{1f3f4}{wales}\u{1f3f4} \u{1f1e9}\u{1f1ea} \u{2764}\u{fe0f} Tea");
        assert!(!has_tags(&flags));
    }

    #[test]
    fn what_turns_the_order_around_is_found() {
        assert!(reorders("\u{202e}%05 evas") && reorders("a\u{2067}b"));
        assert!(!reorders("שלום\u{200f}! Grüße"));
    }
}
