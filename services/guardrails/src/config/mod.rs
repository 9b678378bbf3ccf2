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
mod run;
mod schema;
mod table;

pub use email::Limits;
pub use error::LoadError;
pub use files::{File, read_folder};
pub use flows::Flow;
pub(crate) use flows::shown;
pub use judges::JudgeSetting;
pub(crate) use judges::Judges;
pub(crate) use models::{Engine, Model, need_served};
pub(crate) use prompts::{MAX_STOP, Prompt, RenderError, task};
pub(crate) use run::{Check, Progress};

use crate::rails::{Email, Piece, Sources, Violation, regex::Patterns};

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
    /// `lowest_temperature`, where it is set.
    pub(crate) temperature: Option<f64>,
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

/// The id of a configuration of these files, whether it can be loaded or not.
///
/// # Errors
/// A file's name, or their size.
pub(crate) fn id(given: &[File]) -> Result<String, LoadError> {
    Ok(files::id(&files::sorted(given)?))
}

impl Config {
    /// Hexadecimal SHA-256 of the files.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Runs the input rails without a model: a self check counts as violated.
    #[must_use]
    pub fn check_input(&self, text: &str) -> Vec<Violation> {
        self.without_model(&Check::Input { texts: vec![text.to_owned()], together: Vec::new() })
    }

    /// Runs those output rails that can judge one piece by itself, without a model: a self check counts as
    /// violated.
    #[must_use]
    pub fn check_piece(&self, piece: Piece, text: &str, sources: &Sources) -> Vec<Violation> {
        self.without_model(&Check::Piece { piece, text: text.to_owned(), sources: sources.clone() })
    }

    /// Runs every output rail on a whole e-mail, without a model: a self check counts as violated.
    #[must_use]
    pub fn check_email(&self, email: &Email, sources: &Sources) -> Vec<Violation> {
        self.without_model(&Check::Email { email: Box::new(email.clone()), sources: sources.clone() })
    }
}

#[cfg(test)]
pub(crate) mod tests;
