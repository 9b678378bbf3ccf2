//! Web addresses, handles and hashtags.

use std::sync::LazyLock;

use regex::Regex;

use super::Known;
use crate::text::pattern::constant;

/// A scheme or `www.`, or a bare domain under a usual ending; and `@handle` and `#tag`.
pub(crate) static LINK: LazyLock<Regex> = LazyLock::new(|| {
    constant(concat!(
        r"(?i)\b(?:[a-z][a-z0-9+.-]{1,15}://|www\.|mailto:|tel:)[^\s<>\x22]+",
        r"|\b[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9-]+)*\.(?:com|net|org|info|biz|io|co|shop|store|app|dev|eu|uk|de|at|ch|fr|es|it|nl|be|",
        r"ie|ca|us|pl|se|no|dk|fi|pt|cz|me|tv|ly|gl|online|site|club|xyz|example|test|ai|tea|coffee|email)\b(?:/[^\s<>\x22]*)?",
        r"|(?:^|\s)[@#][\p{L}_][\p{L}\p{N}_]*",
    ))
});

/// The text without its links, and the links in lower case.
pub(super) fn taken(text: &str) -> (String, Vec<String>) {
    let links = LINK.find_iter(text).map(|m| tidy(m.as_str())).collect();
    (LINK.replace_all(text, " ").into_owned(), links)
}

/// Links that no source has.
pub(super) fn check(links: &[String], known: &Known) -> Vec<String> {
    let unknown = links.iter().filter(|link| !known.links.contains(*link)).count();
    if unknown == 0 {
        Vec::new()
    } else {
        vec!["a link, handle or hashtag is not in the brief, the offer or the brand".to_owned()]
    }
}

fn tidy(link: &str) -> String {
    link.trim().trim_end_matches(['.', ',', ';', ':', '!', '?', ')', '\'', '/']).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_and_typos_are_not_links() {
        for (text, expected) in [
            ("See https://Tea.example/x?y=1.", vec!["https://tea.example/x?y=1"]),
            ("at www.tea.example now, or tea.co.uk/spring!", vec!["www.tea.example", "tea.co.uk/spring"]),
            ("follow @teatime and #TeaLove", vec!["@teatime", "#tealove"]),
            ("The kettle is on.Pour it.", vec![]),
        ] {
            assert_eq!(taken(text).1, expected, "{text}");
        }
    }
}
