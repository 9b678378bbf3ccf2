//! Copywriting: a language model writes the words of an e-mail, one small piece at a time.
//!
//! A small model writes a usable sentence when asked for little, and any model invents. So each piece is one
//! short few-shot request that draws several candidates; each candidate is cleaned and put before the rails;
//! the best that passes is taken. Facts (offer, sender, links, legal text) never come from the model: they are
//! slotted around its words here and by the renderer. Where nothing passes, the piece is drawn again with
//! another seed, a bounded number of times, and then the cohort is blocked: there is no canned text.
//!
//! Whatever a campaign or its list brings into a request passes the input rails first: a request that they have not judged
//! is no [`Chat`], and the model takes nothing else.
//!
//! The same brief and seed write the same words: randomness comes from (seed, cohort, piece, attempt) alone.
//! Nothing here ever holds personal data.

mod ask;
mod clean;
mod draw;
mod judged;
mod prompt;
mod rank;
mod spelling;
#[cfg(test)]
mod tests;
mod text;

use std::future::Future;

use ask::Ask;
use draw::Desk;
pub(crate) use prompt::Chat;
pub(crate) use text::one_line;

/// What a cohort's copy is written from.
#[derive(Clone)]
pub(crate) struct Brief {
    /// The brand's name, as it is written.
    pub(crate) brand: String,
    /// What the campaign is about, in the marketer's words.
    pub(crate) brief: String,
    /// The offer, slotted word for word: the model never sees or writes it.
    pub(crate) offer: String,
    /// How the brand speaks (`brand.md`).
    pub(crate) voice: String,
    /// Who signs the mail.
    pub(crate) sender_name: String,
    /// The cohort's locale, such as `en-GB`.
    pub(crate) locale: String,
    /// The cohort's segment, such as `loyal-customers`.
    pub(crate) segment: String,
}

/// One cohort's e-mail before recipients are merged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Draft {
    /// One line.
    pub(crate) subject: String,
    /// One line: what a mail program shows beside the subject.
    pub(crate) preheader: String,
    /// Plain text, paragraphs parted by an empty line; `{{first_name}}` is the one placeholder, in the first
    /// paragraph `Hi {{first_name}},`, which becomes `Hi,` where the name is empty, and another language's greeting in a mail
    /// of that language.
    pub(crate) body: String,
}

/// A finished draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    /// The words.
    pub(crate) draft: Draft,
    /// How often a piece had to be drawn again because nothing of a draw passed.
    pub(crate) rewrites: u32,
}

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CopyError {
    /// Nothing that the model wrote passed the rails: the cohort stops.
    #[error("blocked: {reason}")]
    Blocked {
        /// Why.
        reason: String,
        /// How often a piece was drawn again.
        rewrites: u32,
    },
    /// The model or the rails refused the request itself: repeating it can't help.
    #[error("refused: {0}")]
    Refused(String),
    /// The model or the rails can't be reached, or did not answer in time.
    #[error("unavailable: {0}")]
    Unavailable(String),
}

impl CopyError {
    /// Whether a retry can't help.
    #[must_use]
    pub(crate) fn is_permanent(&self) -> bool {
        !matches!(self, Self::Unavailable(_))
    }

    /// The same, naming the piece that was refused.
    fn of(self, ask: Ask) -> Self {
        match self {
            Self::Refused(reason) => Self::Refused(format!("{}: {reason}", ask.name())),
            other => other,
        }
    }

    /// The same, after rewrites of earlier pieces.
    fn after(mut self, earlier: u32) -> Self {
        if let Self::Blocked { rewrites, .. } = &mut self {
            *rewrites += earlier;
        }
        self
    }
}

/// One message of a chat.
#[derive(Clone)]
pub(crate) struct Message {
    /// `system`, `user` or `assistant`.
    pub(crate) role: String,
    /// The text.
    pub(crate) content: String,
}

/// How a completion is sampled.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Options {
    /// Candidates to draw from one prompt.
    pub(crate) n: usize,
    /// The most tokens of one candidate's answer; a reasoning model's thought comes on top.
    pub(crate) max_tokens: usize,
    /// Sampling temperature.
    pub(crate) temperature: f32,
    /// Nucleus sampling: the probability mass that is kept.
    pub(crate) top_p: f32,
    /// Everything random follows from this.
    pub(crate) seed: u64,
    /// A candidate's answer (not its thought) ends before any of these.
    pub(crate) stop: Vec<String>,
}

/// A language model.
pub(crate) trait Complete {
    /// Draws `options.n` candidates, in a fixed order.
    ///
    /// # Errors
    /// [`CopyError::Unavailable`] where a retry can help, [`CopyError::Refused`] where it can't.
    fn complete(
        &self,
        chat: Chat,
        options: Options,
    ) -> impl Future<Output = Result<Vec<String>, CopyError>> + Send;
}

/// A part of an e-mail that can be judged by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Piece {
    /// The subject line.
    Subject,
    /// The line beside it.
    Preheader,
    /// The text.
    Body,
}

/// The guardrails.
pub(crate) trait Rails {
    /// What the input rails have against a text that the model would read, one sentence each and without personal data;
    /// empty where it passes. A text that they can't judge does not.
    ///
    /// # Errors
    /// [`CopyError::Unavailable`] where a retry can help, [`CopyError::Refused`] where it can't.
    fn input(&self, text: &str) -> impl Future<Output = Result<Vec<String>, CopyError>> + Send;

    /// What the output rails have against `text`, one sentence each and without personal data; empty where it passes.
    ///
    /// # Errors
    /// [`CopyError::Unavailable`] where a retry can help, [`CopyError::Refused`] where it can't.
    fn check(&self, piece: Piece, text: &str) -> impl Future<Output = Result<Vec<String>, CopyError>> + Send;
}

/// Writes the copy of one cohort. Each piece is drawn at most `1 + max_rewrites` times.
///
/// # Errors
/// [`CopyError::Blocked`] with the reason where nothing passed; else what the model or the rails answered.
pub(crate) async fn write(
    brief: &Brief,
    seed: u64,
    max_rewrites: u32,
    model: &impl Complete,
    rails: &impl Rails,
) -> Result<Written, CopyError> {
    let desk = Desk { brief, seed, max_rewrites, model, rails };
    let mut chosen: Vec<String> = Vec::new();
    let mut rewrites = 0;
    for ask in Ask::ALL.into_iter().filter(|ask| prompt::worth_asking(*ask, &brief.brief)) {
        let so_far = chosen.get(Ask::LINES..).unwrap_or_default();
        let judged = |words: &str| match ask {
            Ask::Subject | Ask::Preheader => words.to_owned(),
            Ask::Opening | Ask::Benefit => body(brief, &[so_far, &[words.to_owned()]].concat(), ""),
            Ask::Invitation => body(brief, so_far, words),
        };
        let drawn = desk.draw(ask, &chosen, judged).await.map_err(|error| error.after(rewrites))?;
        rewrites += drawn.rewrites;
        chosen.push(drawn.words);
    }
    let invitation = chosen.pop().unwrap_or_default();
    let body = body(brief, &chosen.split_off(Ask::LINES), &invitation);
    let [subject, preheader] = <[String; Ask::LINES]>::try_from(chosen).unwrap_or_default();
    Ok(Written { draft: Draft { subject, preheader, body }, rewrites })
}

/// The body around as much of the model's words as there is: greeting, news, offer, invitation, sender.
fn body(brief: &Brief, news: &[String], invitation: &str) -> String {
    let paragraphs =
        ["Hi {{first_name}},", &news.join(" "), brief.offer.trim(), invitation, brief.sender_name.trim()];
    paragraphs.into_iter().filter(|paragraph| !paragraph.is_empty()).collect::<Vec<_>>().join("\n\n")
}
