//! Which of the languages that there are words in serves who asks for one: of what the law wants said it has to be one that
//! is understood.

/// What else some languages are called. Who reads Nynorsk reads Bokmål.
const ALIASES: [(&str, &str); 5] =
    [("nn", "nb"), ("no", "nb"), ("zh-hk", "zh-hant"), ("zh-mo", "zh-hant"), ("zh-tw", "zh-hant")];

/// RFC 4647, section 3.4: what there is of the longest beginning of a range that there is something of. `row` is asked by tags
/// (BCP 47), of which case says nothing; how long a range may be is the caller's.
#[must_use]
pub fn look_up<T>(range: &str, row: impl Fn(&str) -> Option<T>) -> Option<T> {
    let mut range = range.to_ascii_lowercase();
    loop {
        let alias = ALIASES.iter().find(|(alias, _)| *alias == range);
        if let Some(found) = row(alias.map_or(range.as_str(), |(_, tag)| *tag)) {
            return Some(found);
        }
        range.truncate(range.rfind('-')?);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_beginning_is_found_by_whatever_name() {
        let rows = ["en", "nb", "pt", "pt-BR", "zh", "zh-Hant"];
        let of = |range| look_up(range, |tag| rows.into_iter().find(|row| row.eq_ignore_ascii_case(tag)));
        for (range, tag) in [
            ("en", "en"),
            ("EN-gb-oxendict", "en"),
            ("nn", "nb"),
            ("nn-NO", "nb"),
            ("no", "nb"),
            ("nb-NO", "nb"),
            ("pt-br", "pt-BR"),
            ("pt-PT", "pt"),
            ("zh-TW", "zh-Hant"),
            ("zh-HK-x-a", "zh-Hant"),
            ("zh-Hant-MO", "zh-Hant"),
            ("zh-Hans-HK", "zh"),
        ] {
            assert_eq!(of(range), Some(tag), "{range}");
        }
        for range in ["", "-", "--", "*", "-en", "e", "eng", "xx-en", "nno"] {
            assert_eq!(of(range), None, "{range}");
        }
    }
}
