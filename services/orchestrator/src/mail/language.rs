//! The language of a cohort's mail: its locale, and the platform's own words in that language.
//!
//! What the law wants said has to be understood by whom it is said to: that a mail is an advertisement (CAN-SPAM, "clear and
//! conspicuous"), that a machine wrote it (AI Act art. 50(5)), how to get no more of them (GDPR 12(1), 21(4); CASL 6(2)-(3)).
//! So there is no mail in a language of which nobody gave us the words.

use maily_law::language::look_up;

use super::{
    headers,
    sentences::{ENGLISH, OTHERS, Sentences},
};
use crate::copy::Draft;

/// As long as a locale can be; see [`headers::language`].
const LONGEST: usize = 35;

/// The language of a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Language<'a> {
    locale: &'a str,
    pub(super) sentences: &'static Sentences,
}

impl<'a> Language<'a> {
    /// What a report says of a cohort without one.
    pub(crate) const UNKNOWN: &'static str = "language: the platform has no words in it for what the law wants said \
                                              (docs/lists.md has its languages)";

    /// That of a locale, if the platform's words are known in it.
    pub(crate) fn of(locale: &'a str) -> Option<Self> {
        find(locale).map(|sentences| Self { locale, sentences })
    }

    /// That of copy which is kept: it was let pass, perhaps by a revision that had no words but English.
    pub(crate) fn of_kept(locale: &'a str) -> Self {
        Self::of(locale).unwrap_or(Self { locale, sentences: &ENGLISH })
    }

    /// As a cohort has it.
    pub(crate) fn locale(self) -> &'a str {
        self.locale
    }

    /// As HTML has it.
    pub(super) fn tag(self) -> &'a str {
        headers::language(self.locale).unwrap_or(self.sentences.tag)
    }

    /// Greets in this language; copy is written with the English greeting.
    pub(crate) fn greet(self, mut draft: Draft) -> Draft {
        if let Some(rest) = draft.body.strip_prefix(ENGLISH.greeting) {
            draft.body = format!("{}{rest}", self.sentences.greeting);
        }
        draft
    }
}

/// Every row.
fn all() -> impl Iterator<Item = &'static Sentences> {
    std::iter::once(&ENGLISH).chain(&OTHERS)
}

/// With `-` or `_`, in any case.
fn find(locale: &str) -> Option<&'static Sentences> {
    if locale.len() > LONGEST {
        return None;
    }
    look_up(&locale.replace('_', "-"), |tag| all().find(|row| row.tag.eq_ignore_ascii_case(tag)))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::mail::{FIRST_NAME, Origins};

    #[test]
    fn a_locale_finds_its_row_and_no_other() {
        for (locale, tag) in [
            ("en-GB", "en"),
            ("EN", "en"),
            ("en_IE", "en"),
            ("de-AT-1996", "de"),
            ("pt-BR", "pt-BR"),
            ("pt-PT", "pt"),
            ("no-NO", "nb"),
            ("nn-NO", "nb"),
            ("nn", "nb"),
            ("zh-TW", "zh-Hant"),
            ("zh-Hant-HK", "zh-Hant"),
            ("zh-CN", "zh"),
        ] {
            assert_eq!(Language::of(locale).map(|found| found.sentences.tag), Some(tag), "{locale}");
        }
        for locale in ["", "-", "xx", "eng", "English", "e", "de\u{e4}", "forbidden", &"de-".repeat(50)] {
            assert_eq!(Language::of(locale), None, "{locale}");
        }
        assert_eq!(Language::of("de_CH").unwrap().tag(), "de", "no tag with an underscore");
        assert_eq!(Language::of_kept("xx-YY").tag(), "xx-YY");
    }

    #[test]
    fn every_official_language_of_the_union_has_its_words() {
        let official = "bg cs da de el en es et fi fr ga hr hu it lt lv mt nl pl pt ro sk sl sv";
        for tag in official.split(' ').chain("is ja ko nb zh zh-Hant".split(' ')) {
            assert_eq!(Language::of(tag).map(|found| found.sentences.tag), Some(tag));
        }
    }

    #[test]
    fn every_row_has_every_word_and_its_own() {
        let (mut tags, mut said) = (HashSet::new(), HashSet::new());
        for row in all() {
            assert!(tags.insert(row.tag), "{}", row.tag);
            let words = [
                row.greeting,
                row.nameless,
                row.advertisement,
                row.unsubscribe,
                row.generated,
                row.generated_parts,
                row.subject,
                row.preheader,
                row.text,
            ];
            for word in words {
                assert!(word.trim() == word && !word.is_empty(), "{}: {word:?}", row.tag);
                assert!(!word.replace(FIRST_NAME, "").contains(['{', '[', '<', '\n']), "{}: {word}", row.tag);
            }
            assert_eq!(row.greeting.matches(FIRST_NAME).count(), 1, "{}", row.tag);
            assert!(words.iter().filter(|word| word.contains(FIRST_NAME)).count() == 1);
            assert!(row.unsubscribe.chars().filter(|c| c.is_alphanumeric()).count() >= 3, "{}", row.tag);
            // Nobody's row is a copy of another's; variants of one language may agree.
            if row.tag != "pt-BR" {
                assert!(said.insert(row.advertisement) && said.insert(row.generated), "{}", row.tag);
            }
        }
    }

    #[test]
    fn copy_is_greeted_in_its_language() {
        let draft = |greeting: &str| Draft {
            subject: "Frühling".into(),
            preheader: "Bald".into(),
            body: format!("{greeting}\n\nEs ist Frühling."),
        };
        let greeted = Language::of("de-DE").unwrap().greet(draft("Hi {{first_name}},"));
        assert_eq!(greeted, draft("Hallo {{first_name}},"));
        assert_eq!(
            Language::of("en-GB").unwrap().greet(draft("Hi {{first_name}},")),
            draft("Hi {{first_name}},")
        );
        let own = draft("Liebe {{first_name}},");
        assert_eq!(Language::of("de-DE").unwrap().greet(own.clone()), own);
    }

    #[test]
    fn what_was_generated_is_named_in_the_language() {
        let mut origins = Origins::MODEL;
        let german = Language::of("de").unwrap();
        let whole = "Diese E-Mail wurde mithilfe künstlicher Intelligenz geschrieben.";
        assert_eq!(origins.notice(german.sentences).as_deref(), Some(whole));
        origins.body = crate::mail::origin::Origin::Human;
        let some = "Mithilfe künstlicher Intelligenz geschrieben: Betreff, Vorschauzeile";
        assert_eq!(origins.notice(german.sentences).as_deref(), Some(some));
    }
}
