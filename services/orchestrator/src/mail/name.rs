//! First names as people typed them: what could break a message or deceive its reader is taken out.

use maily_law::is_invisible;

/// The most characters of a name that are kept.
pub(crate) const LONGEST: usize = 64;

/// Takes out control and invisible characters, and makes whitespace single spaces. What then says something to its reader
/// instead of naming it (a link, an address, a number) is no name: no rail has judged it.
pub(crate) fn clean(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut kept = 0;
    for c in name.chars().filter(|c| !c.is_control() && !is_invisible(*c)) {
        if kept == LONGEST {
            break;
        }
        let c = if c.is_whitespace() { ' ' } else { c };
        if c != ' ' || !(out.is_empty() || out.ends_with(' ')) {
            out.push(c);
            kept += 1;
        }
    }
    out.truncate(out.trim_end().len());
    if is_name(&out) { out } else { String::new() }
}

fn is_name(text: &str) -> bool {
    // In full width, too, and with the dots that domains may be written with (UTS 46).
    let dot = |c: char| matches!(c, '.' | '\u{3002}' | '\u{ff0e}' | '\u{ff61}');
    let at = |c: char| matches!(c, '@' | '\u{fe6b}' | '\u{ff20}');
    let mut digits = text.chars().scan(0, |run, c| {
        *run = if c.is_numeric() { *run + 1 } else { 0 };
        Some(*run)
    });
    !(text.contains(at) || text.contains("://") || has_domain(text, dot) || digits.any(|run| run > 1))
}

/// Whether mail programs may make a link of a part of it: a dot between a letter and two more of them. `J. R. R.`, `St. John`
/// and `A.B.` have none.
fn has_domain(text: &str, dot: impl Fn(char) -> bool) -> bool {
    let letters: Vec<char> = text.chars().collect();
    letters.windows(4).any(|four| {
        matches!(four, [before, at, first, second]
            if dot(*at) && before.is_alphanumeric() && first.is_alphanumeric() && second.is_alphanumeric())
    })
}

/// Copy as it reads without a name: `Hi {{first_name}},` becomes `Hi,`, an address in the midst of a sentence goes.
pub(crate) fn without(text: &str, placeholder: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut parts = text.split(placeholder);
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let before = out.trim_end_matches(' ').len();
        if let Some(rest) = part.strip_prefix("'s") {
            out.push_str("your");
            out.push_str(rest);
        } else if let Some(rest) = part.strip_prefix([',', '!', ':'])
            && starts_line(out.trim_end_matches(' '))
        {
            // A sentence that begins with the name begins with its next word.
            let mut chars = rest.trim_start_matches(' ').chars();
            out.extend(chars.next().into_iter().flat_map(char::to_uppercase));
            out.push_str(chars.as_str());
        } else {
            out.truncate(before);
            // `You too, NAME!` loses its comma with the name.
            if !part.starts_with(char::is_alphanumeric) && out.ends_with(',') {
                out.pop();
            }
            out.push_str(part);
        }
    }
    out
}

fn starts_line(before: &str) -> bool {
    before.is_empty() || before.ends_with(['\n', '.', '!', '?'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_become_harmless() {
        assert_eq!(clean("Anna\r\nBcc: eve at evil"), "AnnaBcc: eve at evil");
        assert_eq!(clean("\u{202e}nimdA\u{2066}\u{0007} \t x\u{2028}"), "nimdA x");
        assert_eq!(clean("  Zoë\u{a0}\u{a0}Ann  "), "Zoë Ann");
        assert_eq!(clean("{{unsubscribe_url}}"), "{{unsubscribe_url}}");
        assert_eq!(clean("\u{200b}\u{feff}"), "");
        assert_eq!(clean(&"x".repeat(70_000)).len(), 64);
        assert_eq!(clean("\u{646}\u{200c}\u{627}"), "\u{646}\u{200c}\u{627}");
    }

    #[test]
    fn what_says_something_is_no_name() {
        for text in [
            "www.win.example - get rich",
            "Anna WIN.Example",
            "win。example",
            "w\u{200b}in.ex\u{ad}ample",
            "пример.рф",
            "https://x",
            "eve@evil",
            "Anna＠evil",
            "Anna\r\nBcc: eve@evil.example",
            "Call 0800 1234",
            "Save 50%",
            "１２",
            "٥٠",
        ] {
            assert_eq!(clean(text), "", "{text:?}");
        }
        for text in [
            "J. R. R.",
            "J.R.R.",
            "St. John",
            "Louis 2",
            "Anne-Marie",
            "D'Arcy",
            "Jr.",
            "María del Carmen",
            "三郎",
            "Ida {{7*7}}",
            "Łukasz & Zoë",
        ] {
            assert_eq!(clean(text), text);
        }
    }

    #[test]
    fn copy_reads_without_a_name() {
        let without = |text: &str| without(&text.replace('@', "{{first_name}}"), "{{first_name}}");
        assert_eq!(without("Hi @,\n\nLook."), "Hi,\n\nLook.");
        assert_eq!(without("Hello @!"), "Hello!");
        assert_eq!(without("@, spring is here."), "Spring is here.");
        assert_eq!(without("It is here. @, come and see, @."), "It is here. Come and see.");
        assert_eq!(without("In @'s garden"), "In your garden");
        assert_eq!(without("no name"), "no name");
    }
}
