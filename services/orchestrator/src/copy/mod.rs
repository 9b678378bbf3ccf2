//! Copywriting: a language model writes the words of an e-mail, one small piece at a time.
//!
//! A small model writes a usable sentence when asked for little, and any model invents. So each piece is one
//! short few-shot request that draws several candidates; each candidate is cleaned and put before the rails;
//! the best that passes is taken. Facts (offer, sender, links, legal text) never come from the model: they are
//! slotted around its words here and by the renderer. Where nothing passes, the piece is drawn again with
//! another seed, a bounded number of times, and then the cohort is blocked: there is no canned text.
//!
//! The same brief and seed write the same words: randomness comes from (seed, cohort, piece, attempt) alone.
//! Nothing here ever holds personal data.

mod ask;
mod clean;
mod draw;
mod prompt;
mod rank;
mod spelling;
#[cfg(test)]
mod tests;
mod text;

use std::future::Future;

use ask::Ask;
use draw::Desk;

/// What a cohort's copy is written from.
#[derive(Clone)]
pub struct Brief {
    /// The brand's name, as it is written.
    pub brand: String,
    /// What the campaign is about, in the marketer's words.
    pub brief: String,
    /// The offer, slotted word for word: the model never sees or writes it.
    pub offer: String,
    /// How the brand speaks (`brand.md`).
    pub voice: String,
    /// Who signs the mail.
    pub sender_name: String,
    /// The cohort's locale, such as `en-GB`.
    pub locale: String,
    /// The cohort's segment, such as `loyal-customers`.
    pub segment: String,
}

/// One cohort's e-mail before recipients are merged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// One line.
    pub subject: String,
    /// One line: what a mail program shows beside the subject.
    pub preheader: String,
    /// Plain text, paragraphs parted by an empty line; `{{first_name}}` is the one placeholder, in the first
    /// paragraph `Hi {{first_name}},`, which becomes `Hi,` where the name is empty.
    pub body: String,
}

/// A finished draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The words.
    pub draft: Draft,
    /// How often a piece had to be drawn again because nothing of a draw passed.
    pub rewrites: u32,
}

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// Nothing that the model wrote passed the rails, rewrites included: the cohort stops, with this reason.
    #[error("blocked: {0}")]
    Blocked(String),
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
    pub fn is_permanent(&self) -> bool {
        !matches!(self, Self::Unavailable(_))
    }
}

/// One message of a chat.
#[derive(Clone)]
pub struct Message {
    /// `system`, `user` or `assistant`.
    pub role: String,
    /// The text.
    pub content: String,
}

/// How a completion is sampled.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Candidates to draw from one prompt.
    pub n: usize,
    /// The most tokens of one candidate's answer; a reasoning model's thought comes on top.
    pub max_tokens: usize,
    /// Sampling temperature.
    pub temperature: f32,
    /// Nucleus sampling: the probability mass that is kept.
    pub top_p: f32,
    /// Everything random follows from this.
    pub seed: u64,
    /// A candidate's answer (not its thought) ends before any of these.
    pub stop: Vec<String>,
}

/// A language model.
pub trait Complete {
    /// Draws `options.n` candidates, in a fixed order.
    ///
    /// # Errors
    /// [`CopyError::Unavailable`] where a retry can help, [`CopyError::Refused`] where it can't.
    fn complete(
        &self,
        messages: Vec<Message>,
        options: Options,
    ) -> impl Future<Output = Result<Vec<String>, CopyError>> + Send;
}

/// A part of an e-mail that can be judged by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Piece {
    /// The subject line.
    Subject,
    /// The line beside it.
    Preheader,
    /// The text.
    Body,
}

/// The guardrails' output rails.
pub trait Rails {
    /// What is wrong with `text`, one sentence each and without personal data; empty where it passes.
    ///
    /// # Errors
    /// [`CopyError::Unavailable`] where a retry can help, [`CopyError::Refused`] where it can't.
    fn check(&self, piece: Piece, text: &str) -> impl Future<Output = Result<Vec<String>, CopyError>> + Send;
}

/// Writes the copy of one cohort. Each piece is drawn at most `1 + max_rewrites` times.
///
/// # Errors
/// [`CopyError::Blocked`] with the reason where nothing passed; else what the model or the rails answered.
pub async fn write(
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
        let drawn = desk.draw(ask, &chosen, judged).await?;
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
