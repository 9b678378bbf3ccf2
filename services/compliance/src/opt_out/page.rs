//! The pages behind an unsubscribe link, in the language that is asked for.

use axum::http::header::{
    CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::language::asked;
use super::sentences::Sentences;

const PAGE: &str = include_str!("page.html");
/// Its button sends what the endpoint accepts.
const FORM: &str = include_str!("form.html");

/// What a page says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Page {
    /// Whether to opt out.
    Ask,
    Done,
    /// The token was not issued here.
    Unknown,
    /// The request is not that of RFC 8058.
    Wrong,
    /// Nothing was recorded.
    Later,
}

impl Page {
    /// The answer to a request with these headers.
    pub(super) fn answer(self, headers: &HeaderMap) -> Response {
        let words = asked(headers);
        let headers = [
            (CONTENT_TYPE, "text/html; charset=utf-8"),
            (CONTENT_LANGUAGE, words.tag),
            (VARY, "accept-language"),
            (CACHE_CONTROL, "no-store"),
            (
                CONTENT_SECURITY_POLICY,
                "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
            ),
            (REFERRER_POLICY, "no-referrer"),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ];
        (self.status(), headers, self.html(words)).into_response()
    }

    fn status(self) -> StatusCode {
        match self {
            Self::Ask | Self::Done => StatusCode::OK,
            Self::Unknown => StatusCode::NOT_FOUND,
            Self::Wrong => StatusCode::BAD_REQUEST,
            Self::Later => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn html(self, words: &Sentences) -> String {
        let (title, text) = match self {
            Self::Ask => (words.unsubscribe, words.ask),
            Self::Done => (words.done_title, words.done),
            Self::Unknown => (words.unknown_title, words.unknown),
            Self::Wrong => (words.wrong_title, words.wrong),
            Self::Later => (words.later_title, words.later),
        };
        let form = match self {
            Self::Ask => FORM.replace("{unsubscribe}", words.unsubscribe),
            _ => String::new(),
        };
        let filled = [("{lang}", words.tag), ("{title}", title), ("{text}", text), ("{form}", &form)];
        filled.into_iter().fold(PAGE.to_owned(), |page, (place, value)| page.replace(place, value))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::language::all;
    use super::*;

    const PAGES: [Page; 5] = [Page::Ask, Page::Done, Page::Unknown, Page::Wrong, Page::Later];

    #[test]
    fn every_page_is_whole_in_every_language() {
        let mut pages = HashSet::new();
        for words in all() {
            for page in PAGES {
                let html = page.html(words);
                assert!(html.contains(&format!("<html lang=\"{}\">", words.tag)), "{html}");
                assert!(!html.contains(['{', '}', '&']) && !html.contains("<p></p>"), "{html}");
                assert_eq!(html.contains("<form method=\"post\">"), page == Page::Ask, "{html}");
                assert_eq!(html.matches(words.unsubscribe).count() >= 3, page == Page::Ask, "{html}");
                assert!(pages.insert(html), "{}: {page:?} is another page, too", words.tag);
            }
        }
    }

    #[test]
    fn a_row_is_text_and_nothing_else() {
        for words in all() {
            let all = [
                words.unsubscribe,
                words.ask,
                words.done_title,
                words.done,
                words.unknown_title,
                words.unknown,
                words.wrong_title,
                words.wrong,
                words.later_title,
                words.later,
            ];
            for text in all {
                assert!(!text.is_empty() && text.trim() == text, "{}: {text:?}", words.tag);
                assert!(!text.contains(['<', '>', '&', '"', '{', '}', '\n']), "{}: {text}", words.tag);
            }
        }
    }
}
