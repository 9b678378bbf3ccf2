//! English as it is spelt where the reader lives. A small model mixes spellings; this settles them.

use super::text;

/// Which English.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spelling {
    American,
    British,
    Canadian,
}

impl Spelling {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::American => "American",
            Self::British => "British",
            Self::Canadian => "Canadian",
        }
    }

    /// Its word of a row of [`WORDS`].
    const fn of(self, row: &[&'static str; 3]) -> &'static str {
        let [american, british, canadian] = *row;
        match self {
            Self::American => american,
            Self::British => british,
            Self::Canadian => canadian,
        }
    }
}

/// American, British, Canadian; in lower case, as they are written within a sentence.
const WORDS: [[&str; 3]; 38] = [
    ["color", "colour", "colour"],
    ["colors", "colours", "colours"],
    ["colorful", "colourful", "colourful"],
    ["favorite", "favourite", "favourite"],
    ["favorites", "favourites", "favourites"],
    ["flavor", "flavour", "flavour"],
    ["flavors", "flavours", "flavours"],
    ["neighbor", "neighbour", "neighbour"],
    ["neighbors", "neighbours", "neighbours"],
    ["neighborhood", "neighbourhood", "neighbourhood"],
    ["honor", "honour", "honour"],
    ["honored", "honoured", "honoured"],
    ["labor", "labour", "labour"],
    ["harbor", "harbour", "harbour"],
    ["savor", "savour", "savour"],
    ["center", "centre", "centre"],
    ["centers", "centres", "centres"],
    ["theater", "theatre", "theatre"],
    ["cozy", "cosy", "cozy"],
    ["gray", "grey", "grey"],
    ["organize", "organise", "organize"],
    ["organized", "organised", "organized"],
    ["organizing", "organising", "organizing"],
    ["realize", "realise", "realize"],
    ["recognize", "recognise", "recognize"],
    ["recognized", "recognised", "recognized"],
    ["personalize", "personalise", "personalize"],
    ["personalized", "personalised", "personalized"],
    ["customize", "customise", "customize"],
    ["customized", "customised", "customized"],
    ["apologize", "apologise", "apologize"],
    ["traveler", "traveller", "traveller"],
    ["travelers", "travellers", "travellers"],
    ["traveling", "travelling", "travelling"],
    ["jewelry", "jewellery", "jewellery"],
    ["catalog", "catalogue", "catalogue"],
    ["fulfill", "fulfil", "fulfil"],
    ["mom", "mum", "mom"],
];

/// The spelling of an English locale; nothing for another language.
pub(super) fn of(locale: &str) -> Option<Spelling> {
    let mut parts = locale.split(['-', '_']);
    if !parts.next()?.eq_ignore_ascii_case("en") {
        return None;
    }
    Some(match parts.next_back().map(str::to_ascii_uppercase).as_deref() {
        None | Some("US" | "PH" | "PR") => Spelling::American,
        Some("CA") => Spelling::Canadian,
        Some(_) => Spelling::British,
    })
}

/// `line` as `locale` spells it. What `sources` has just so (a name, say) stays as it is.
pub(super) fn settle(line: &str, locale: &str, sources: &[&str]) -> String {
    let Some(spelling) = of(locale) else { return line.to_owned() };
    let known: Vec<String> = sources.iter().flat_map(|source| text::words(source)).collect();
    line.split_inclusive(|c: char| !c.is_alphabetic())
        .map(|token| {
            let word = token.trim_end_matches(|c: char| !c.is_alphabetic());
            let lower = word.to_lowercase();
            match WORDS.iter().find(|row| row.contains(&lower.as_str())) {
                Some(row) if !known.contains(&lower) => {
                    let behind = token.strip_prefix(word).unwrap_or_default();
                    format!("{}{behind}", like(word, spelling.of(row)))
                }
                _ => token.to_owned(),
            }
        })
        .collect()
}

/// `word` with a capital where `model` has one.
fn like(model: &str, word: &str) -> String {
    let mut letters = word.chars();
    match letters.next() {
        Some(first) if model.starts_with(char::is_uppercase) => first.to_uppercase().chain(letters).collect(),
        _ => word.to_owned(),
    }
}
