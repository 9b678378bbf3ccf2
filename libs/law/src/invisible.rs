//! Characters that a reader does not see.

/// Format characters that reorder or hide text: directional marks and embeddings, line separators, zero-width
/// spaces, tags. The joiners U+200C and U+200D are none: Persian and Indic names are written with them.
#[must_use]
pub fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}
