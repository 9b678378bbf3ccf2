//! The requests: what the model is asked, with four worked examples each.
//!
//! Everything up to the last message is the same for all campaigns, so that a prefix cache holds it. The
//! examples come from four trades, bear no brand, number or date, and their own subjects (jackets, dogs) are
//! refused in a draft: see [`example_words`].

use super::{Ask, Brief, Message, judged::Judged, text};

/// What the model reads: words of our own, which are the same for all campaigns, and one request, which is judged.
pub(crate) struct Chat(Vec<Message>);

impl Chat {
    /// In their order.
    pub(crate) fn messages(&self) -> &[Message] {
        &self.0
    }
}

/// A worked example: what was asked and what a good answer is.
struct Example {
    voice: &'static str,
    readers: &'static str,
    news: &'static str,
    /// In the order of [`Ask::ALL`].
    answers: [&'static str; 5],
}

impl Example {
    fn answer(&self, ask: Ask) -> &'static str {
        let [subject, preheader, opening, benefit, invitation] = self.answers;
        match ask {
            Ask::Subject => subject,
            Ask::Preheader => preheader,
            Ask::Opening => opening,
            Ask::Benefit => benefit,
            Ask::Invitation => invitation,
        }
    }
}

const EXAMPLES: [Example; 4] = [
    Example {
        voice: "warm and plain",
        readers: "regular customers",
        news: "Our autumn jackets have arrived. They keep out wind and rain and are light to wear.",
        answers: [
            "Your autumn jacket is here",
            "Light to wear, warm on every walk",
            "Our autumn jackets have arrived, just in time for windy walks.",
            "They keep the rain out and feel light on your shoulders.",
            "Come in and try one on, we would love to see you.",
        ],
    },
    Example {
        voice: "clear and calm",
        readers: "team leaders",
        news: "The new version of our calendar is out. Teams can plan the week together and share notes.",
        answers: [
            "Plan the week together",
            "Your plans and notes in one place",
            "The new version of our calendar is out, and it brings your plans together.",
            "You can share notes with your team and see the whole week at once.",
            "Open your calendar and plan the week ahead.",
        ],
    },
    Example {
        voice: "kind and grateful",
        readers: "helpers",
        news: "Every dog in our shelter found a home this winter. We want to thank our helpers and invite them for tea.",
        answers: [
            "Thank you for every happy dog",
            "Come and have tea with us",
            "Every dog in our shelter found a home this winter, thanks to you.",
            "Your help gave them warm beds and good company.",
            "Come and have a cup of tea with us, you are always welcome.",
        ],
    },
    Example {
        voice: "light and friendly",
        readers: "neighbours",
        news: "Our café by the station has a new terrace. We would like our neighbours to try the summer menu.",
        answers: [
            "A seat in the sun for you",
            "Try our summer menu on the terrace",
            "Our café by the station has a new terrace, and we have saved you a seat.",
            "You can try our summer menu and enjoy the sun.",
            "Come and sit with us, and bring a friend.",
        ],
    },
];

/// The subjects of the examples, as stems: none belongs into a draft whose brief does not name it.
const EXAMPLE_WORDS: &str = "autumn jacket shoulder calendar dog shelter tea café cafe station terrace menu";

/// The longest brief that is shown to the model, in characters.
const NEWS_CHARS: usize = 800;
/// The longest description of the voice that is shown to the model, in characters.
const VOICE_CHARS: usize = 120;
/// The longest name of a segment that is shown to the model, in characters.
const READERS_CHARS: usize = 40;
/// The most of a refusal's reason that is shown to the model, in characters.
const AVOID_CHARS: usize = 120;

pub(super) const fn instruction(ask: Ask) -> &'static str {
    match ask {
        Ask::Subject => "You write the subject line of an email. Few words, friendly, true to the news.",
        Ask::Preheader => {
            "You write the short line below the subject of an email. Few words, friendly, true to the news."
        }
        Ask::Opening => {
            "You write the first sentence of an email to a reader. It tells the news in a friendly way."
        }
        Ask::Benefit => {
            "You write one sentence of an email to a reader. It says why the news is good for you, the reader."
        }
        Ask::Invitation => {
            "You write the last sentence of an email to a reader. It invites you, the reader, in a friendly way."
        }
    }
}

/// The chat that asks for one piece.
pub(super) fn chat(ask: Ask, asked: Judged) -> Chat {
    let mut chat = vec![message("system", instruction(ask).into())];
    for example in &EXAMPLES {
        chat.push(message("user", request(example.voice, "British spelling", example.readers, example.news)));
        chat.push(message("assistant", example.answer(ask).into()));
    }
    chat.push(message("user", asked.into_text()));
    Chat(chat)
}

fn message(role: &str, content: String) -> Message {
    Message { role: role.into(), content }
}

fn request(voice: &str, language: &str, readers: &str, news: &str) -> String {
    format!("Voice: {voice}. {language}.\nTo {readers}: {news}")
}

/// The request for one piece, which no rail has judged yet; `refused` says why the draw before had nothing that passes.
pub(super) fn asked(ask: Ask, brief: &Brief, refused: Option<&str>) -> String {
    let voice = voice(&brief.voice);
    let news = news(ask, &brief.brief);
    let asked = request(&voice, &language(&brief.locale), &readers(&brief.segment), &news);
    match refused {
        Some(reason) => format!("Avoid: {}\n{asked}", text::shorten(&text::one_line(reason), AVOID_CHARS)),
        None => asked,
    }
}

/// The part of the brief that a piece is about, so that no two say the same: its first sentence is the news,
/// the last what comes of it.
fn news(ask: Ask, brief: &str) -> String {
    let brief = text::one_line(brief);
    let sentences = text::sentences(&brief);
    let part = match (ask, sentences.as_slice()) {
        (_, [] | [_]) => brief,
        (Ask::Opening, [most @ .., _]) => most.join(" "),
        (Ask::Subject | Ask::Invitation, [lead, ..]) => (*lead).to_owned(),
        (Ask::Preheader, [_, rest @ ..]) => rest.join(" "),
        (Ask::Benefit, [.., last]) => (*last).to_owned(),
    };
    text::shorten(&part, NEWS_CHARS)
}

/// Whether a brief says enough for this piece: what is told in one sentence makes no second one.
pub(super) fn worth_asking(ask: Ask, brief: &str) -> bool {
    ask != Ask::Benefit || text::sentences(&text::one_line(brief)).len() > 1
}

/// The first sentences of `brand.md` beside its headings, without the last full stop.
pub(super) fn voice(brand: &str) -> String {
    let prose: Vec<&str> = brand.lines().filter(|line| !line.starts_with('#')).collect();
    let voice = text::shorten(&text::one_line(&prose.join(" ")), VOICE_CHARS);
    match voice.trim_end_matches('.') {
        "" => "friendly and plain".into(),
        some => some.into(),
    }
}

/// A segment as words: it comes from the subscriber list, so nothing but letters and digits is kept.
pub(super) fn readers(segment: &str) -> String {
    let words: String = segment.chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
    let words: String = text::one_line(&words).chars().take(READERS_CHARS).collect();
    if words.is_empty() { "readers".into() } else { words }
}

fn language(locale: &str) -> String {
    match super::spelling::of(locale) {
        Some(spelling) => format!("{} spelling", spelling.name()),
        None => format!("Write in the language of {}", tag(locale)),
    }
}

/// A locale as a language tag: it comes from the subscriber list, too.
pub(super) fn tag(locale: &str) -> String {
    locale.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(READERS_CHARS).collect()
}

/// Whether a word (lower case) is an example's own and has no place in a draft that is about something else.
pub(super) fn example_words(word: &str) -> bool {
    EXAMPLE_WORDS.split(' ').any(|own| text::stem(word) == text::stem(own))
}
