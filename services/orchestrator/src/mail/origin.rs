//! Who wrote the pieces of a mail, and what it says about that: a mark for machines (EU AI Act art. 50(2)) and a sentence
//! for readers.
//!
//! Both follow the pieces. A mail says that a model wrote it only where a model did, and of which pieces; one that people
//! wrote says nothing. What the platform slots in (offer, sender, links, legal text) is not asked: it is never generated.

use serde::{Deserialize, Serialize};

use super::sentences::Sentences;

/// Who wrote a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Origin {
    /// A language model, whichever answered.
    Model,
    /// People, in words of their own or by a template.
    Human,
}

/// Who wrote each piece of a draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Origins {
    pub(crate) subject: Origin,
    pub(crate) preheader: Origin,
    /// Of its sentences, not of what is slotted in between.
    pub(crate) body: Origin,
}

/// `trainedAlgorithmicMedia` and, where people wrote the rest, `compositeWithTrainedAlgorithmicMedia` of the IPTC's digital
/// source type vocabulary.
const VOCABULARY: &str = "https://cv.iptc.org/newscodes/digitalsourcetype/";

impl Origins {
    /// All of it was generated.
    pub(crate) const MODEL: Self =
        Self { subject: Origin::Model, preheader: Origin::Model, body: Origin::Model };

    /// What copy that says nothing of it was: until it was asked for, nobody but the model wrote any.
    pub(crate) fn unsaid() -> Self {
        Self::MODEL
    }

    /// The header fields for machines, each with its line end; empty where no piece was generated. The field of
    /// draft-abaris-aicdh, whose mode says that the text, or some of it, began with a model, and the IPTC's term. No field
    /// for mail is registered yet.
    pub(crate) fn header(self) -> String {
        self.source_type().map_or_else(String::new, |term| {
            format!("AI-Disclosure: mode=ai-originated\r\nDigital-Source-Type:\r\n <{VOCABULARY}{term}>\r\n")
        })
    }

    /// The same for the head of the HTML part.
    pub(crate) fn meta(self) -> String {
        self.source_type().map_or_else(String::new, |term| {
            format!(
                "<meta name=\"ai-disclosure\" content=\"ai-originated\">\n\
                 <meta name=\"digital-source-type\" content=\"{VOCABULARY}{term}\">\n"
            )
        })
    }

    /// The sentence for readers in their language, if there is something to say.
    pub(crate) fn notice(self, words: &Sentences) -> Option<String> {
        let pieces =
            [(self.subject, words.subject), (self.preheader, words.preheader), (self.body, words.text)];
        let generated: Vec<_> =
            pieces.into_iter().filter(|(origin, _)| *origin == Origin::Model).map(|(_, name)| name).collect();
        match generated.as_slice() {
            [] => None,
            [_, _, _] => Some(words.generated.to_owned()),
            some => Some(format!("{}: {}", words.generated_parts, some.join(", "))),
        }
    }

    fn source_type(self) -> Option<&'static str> {
        let pieces = [self.subject, self.preheader, self.body];
        match pieces.into_iter().filter(|origin| *origin == Origin::Model).count() {
            0 => None,
            3 => Some("trainedAlgorithmicMedia"),
            _ => Some("compositeWithTrainedAlgorithmicMedia"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::sentences::ENGLISH;

    #[test]
    fn a_sentence_names_what_was_generated_and_nothing_else() {
        use Origin::{Human, Model};
        let says = |subject, preheader, body| {
            Origins { subject, preheader, body }.notice(&ENGLISH).unwrap_or_default()
        };
        let whole = "This email was written with the help of artificial intelligence.";
        let some = "Written with the help of artificial intelligence";
        assert_eq!(says(Model, Model, Model), whole);
        assert_eq!(says(Model, Human, Human), format!("{some}: subject"));
        assert_eq!(says(Human, Model, Model), format!("{some}: preview line, text"));
        assert_eq!(says(Human, Human, Human), "");
    }
}
