//! Which words a browser asks for (`Accept-Language`).

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;
use maily_law::language::look_up;

use super::sentences::{ENGLISH, OTHERS, Sentences};

/// The most bytes of the header that are looked at, and the most languages in it.
const LONGEST: usize = 1 << 10;
const RANGES: usize = 32;

/// Every row.
pub(super) fn all() -> impl Iterator<Item = &'static Sentences> {
    std::iter::once(&ENGLISH).chain(&OTHERS)
}

/// The words that are asked for; English ones where there are none of these.
pub(super) fn asked(headers: &HeaderMap) -> &'static Sentences {
    let text = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    text.filter(|text| text.len() <= LONGEST).and_then(preferred).unwrap_or(&ENGLISH)
}

/// RFC 9110, section 12.5.4: the heaviest that there is, of equals the first.
fn preferred(text: &str) -> Option<&'static Sentences> {
    let mut ranges: Vec<_> = text.split(',').take(RANGES).filter_map(weighed).collect();
    ranges.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    ranges.into_iter().find_map(|(range, _)| find(range))
}

/// A range and its weight; nothing where it is refused or can't be read.
fn weighed(text: &str) -> Option<(&str, f32)> {
    let Some((range, weight)) = text.split_once(';') else { return Some((text.trim(), 1.0)) };
    let weight = weight.trim();
    let weight: f32 = weight.strip_prefix("q=").or_else(|| weight.strip_prefix("Q="))?.trim().parse().ok()?;
    (weight > 0.0 && weight <= 1.0).then_some((range.trim(), weight))
}

fn find(range: &str) -> Option<&'static Sentences> {
    look_up(range, |tag| all().find(|row| row.tag.eq_ignore_ascii_case(tag)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heaviest_that_there_is_is_taken() {
        for (text, tag) in [
            ("", "en"),
            ("*", "en"),
            ("xx", "en"),
            ("de", "de"),
            ("de-CH", "de"),
            ("DE-at;q=0.5, fr;q=0.9", "fr"),
            ("xx, pl;q=0.3, fr;q=0.2", "pl"),
            ("de;q=0, it", "it"),
            ("de;q=0", "en"),
            ("de;q=2, de;level=1, sv;q=0.1", "sv"),
            ("fr;q=NaN, nl;q=0.1", "nl"),
            ("en-GB,en;q=0.9,de;q=0.8", "en"),
            ("zh-TW,zh;q=0.9", "zh-Hant"),
            ("zh-CN", "zh"),
            ("pt-BR", "pt-BR"),
            ("nn-NO", "nb"),
            ("-,;,--;q=1,ga", "ga"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_LANGUAGE, text.parse().unwrap());
            assert_eq!(asked(&headers).tag, tag, "{text}");
        }
        assert_eq!(asked(&HeaderMap::new()).tag, "en");
        let mut long = HeaderMap::new();
        long.insert(ACCEPT_LANGUAGE, format!("{}de", "xx,".repeat(400)).parse().unwrap());
        assert_eq!(asked(&long).tag, "en");
    }

    #[test]
    fn every_official_language_of_the_union_has_its_pages() {
        let official = "bg cs da de el en es et fi fr ga hr hu it lt lv mt nl pl pt ro sk sl sv";
        for tag in official.split(' ').chain("ca is ja ko nb pt-BR ru tr uk zh zh-Hant".split(' ')) {
            assert_eq!(find(tag).map(|row| row.tag), Some(tag));
        }
    }
}
