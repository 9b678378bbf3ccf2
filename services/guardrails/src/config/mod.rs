//! A NeMo Guardrails configuration: its files, what they say, and the checks that they ask for.

mod colang;
mod email;
mod error;
mod files;
mod flows;
mod judges;
mod keys;
mod models;
mod prompts;
mod rails;
mod regexes;
mod schema;
mod table;

pub use email::Limits;
pub use error::LoadError;
pub use files::{File, read_folder};
pub use flows::Flow;
pub use judges::JudgeSetting;
pub(crate) use judges::Judges;
pub(crate) use models::{Engine, Model};
pub(crate) use prompts::{Prompt, task};

use crate::{
    rails::{
        Email, Piece, Sources, Violation,
        facts::{self, Known},
        length, personal_data,
        regex::Patterns,
        self_check::Judgement,
        sender, subject, unsubscribe,
    },
    text::html,
};

/// The refusal of NeMo's own library.
pub const REFUSAL: &str = "I'm sorry, I can't respond to that.";

/// A configuration that was understood completely.
pub struct Config {
    pub(crate) id: String,
    pub(crate) input: Vec<Flow>,
    pub(crate) output: Vec<Flow>,
    pub(crate) models: Vec<Model>,
    pub(crate) prompts: Vec<Prompt>,
    pub(crate) system: Option<String>,
    pub(crate) refusal: String,
    pub(crate) temperature: f64,
    pub(crate) input_patterns: Patterns,
    pub(crate) output_patterns: Patterns,
    pub(crate) limits: Limits,
}

/// Loads a configuration of the operator's own, which may ask any judge and name the process's `…_API_KEY`s.
///
/// # Errors
/// The first thing that is not understood, with file, line and key. Trying again does not help.
pub fn load(files: &[File]) -> Result<Config, LoadError> {
    schema::load(files, None)
}

/// Loads a configuration of a caller's, which may ask only these judges.
///
/// # Errors
/// As [`load`]; or another judge.
pub(crate) fn load_of_caller(files: &[File], judges: &Judges) -> Result<Config, LoadError> {
    schema::load(files, Some(judges))
}

/// What the judge said, where it was asked.
#[derive(Clone, Copy, Default)]
pub(crate) struct Judged {
    pub(crate) judgement: Option<Judgement>,
}

impl Judged {
    fn reason(self) -> Option<String> {
        match self.judgement {
            Some(judgement) => judgement.reason(),
            None => Some("it needs a model and was run without one".to_owned()),
        }
    }
}

impl Config {
    /// Hexadecimal SHA-256 of the files.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether a flow runs on input or output.
    pub(crate) fn runs(&self, flow: Flow) -> bool {
        self.input.contains(&flow) || self.output.contains(&flow)
    }

    /// Runs the input rails without a model: a self check counts as violated.
    #[must_use]
    pub fn check_input(&self, text: &str) -> Vec<Violation> {
        self.judged_input(text, Judged::default())
    }

    /// Runs those output rails that can judge one piece by itself, without a model: a self check counts as
    /// violated.
    #[must_use]
    pub fn check_piece(&self, piece: Piece, text: &str, sources: &Sources) -> Vec<Violation> {
        self.judged_piece(piece, text, sources, Judged::default())
    }

    /// Runs every output rail on a whole e-mail, without a model: a self check counts as violated.
    #[must_use]
    pub fn check_email(&self, email: &Email, sources: &Sources) -> Vec<Violation> {
        self.judged_email(email, sources, Judged::default())
    }

    pub(crate) fn judged_input(&self, text: &str, judged: Judged) -> Vec<Violation> {
        let mut out = Vec::new();
        for flow in &self.input {
            let reason = match flow {
                Flow::RegexCheckInput => self.input_patterns.check(text),
                _ => judged.reason(),
            };
            out.extend(reason.map(|reason| Violation { rail: flow.name(), field: "input", reason }));
        }
        out
    }

    /// The output rails on a chat model's answer, which is no e-mail: regular expressions and self check.
    pub(crate) fn judged_answer(&self, text: &str, judged: Judged) -> Vec<Violation> {
        let mut out = Vec::new();
        for flow in &self.output {
            let reasons: Vec<String> = match flow {
                Flow::RegexCheckOutput => self.output_patterns.check(text).into_iter().collect(),
                Flow::SelfCheckOutput => judged.reason().into_iter().collect(),
                Flow::PersonalData => personal_data::piece(text),
                Flow::Length => length::check(Piece::Body, text, &self.limits).into_iter().collect(),
                // A rail that a message alone can't satisfy blocks it.
                other => vec![format!("`{}` can only judge an e-mail, by gRPC", other.name())],
            };
            out.extend(reasons.into_iter().map(|reason| Violation {
                rail: flow.name(),
                field: "body",
                reason,
            }));
        }
        out
    }

    pub(crate) fn judged_piece(
        &self,
        piece: Piece,
        text: &str,
        sources: &Sources,
        judged: Judged,
    ) -> Vec<Violation> {
        let known = Known::new(sources);
        let mut out = Vec::new();
        for flow in &self.output {
            let reasons = match flow {
                Flow::SelfCheckOutput => judged.reason().into_iter().collect(),
                other => self.reasons(*other, piece, text, &known),
            };
            out.extend(reasons.into_iter().map(|reason| Violation {
                rail: flow.name(),
                field: piece.name(),
                reason,
            }));
        }
        out
    }

    pub(crate) fn judged_email(&self, email: &Email, sources: &Sources, judged: Judged) -> Vec<Violation> {
        let known = Known::new(sources);
        let html = html::seen(&email.html_part);
        let mut out = Vec::new();
        for flow in &self.output {
            let rail = flow.name();
            for (piece, text) in email.pieces() {
                let reasons = self.reasons(*flow, piece, text, &known);
                out.extend(reasons.into_iter().map(|reason| Violation { rail, field: piece.name(), reason }));
            }
            let whole = match flow {
                Flow::SelfCheckOutput => judged.reason().into_iter().collect(),
                Flow::RegexCheckOutput => [&email.text_part, &html.text]
                    .into_iter()
                    .filter_map(|t| self.output_patterns.check(t))
                    .collect(),
                Flow::Unsubscribe => unsubscribe::check(email, &html),
                Flow::Sender => sender::check(email, sources, &html),
                Flow::PersonalData => personal_data::parts(email, &html),
                _ => Vec::new(),
            };
            out.extend(whole.into_iter().map(|reason| Violation { rail, field: "email", reason }));
        }
        out
    }

    /// What a flow that needs neither a model nor a whole e-mail has against a piece.
    fn reasons(&self, flow: Flow, piece: Piece, text: &str, known: &Known) -> Vec<String> {
        match flow {
            Flow::RegexCheckOutput => self.output_patterns.check(text).into_iter().collect(),
            Flow::Subject if piece == Piece::Subject => subject::check(text, known, &self.limits.urgent),
            Flow::PersonalData => personal_data::piece(text),
            Flow::Length => length::check(piece, text, &self.limits).into_iter().collect(),
            Flow::Facts => facts::check(text, known),
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
