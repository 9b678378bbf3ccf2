//! What is rendered, and what comes of it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// A template with all that it may see. Without `Debug`: it has prompts in it.
#[derive(Serialize, Deserialize)]
pub enum Job<'a> {
    /// The prompt for a chat, by a checkpoint's own template, as transformers renders it.
    Chat {
        /// The template.
        source: Cow<'a, str>,
        /// Its `bos_token`.
        bos: Cow<'a, str>,
        /// Its `eos_token`.
        eos: Cow<'a, str>,
        /// Its `messages`; without them the template is only compiled, to see whether it is one.
        messages: Option<Vec<Message<'a>>>,
    },
    /// A prompt of guardrails, with its one variable. All its messages are one job, so that they have the time of one.
    Prompt {
        /// The template of each message.
        sources: Vec<Cow<'a, str>>,
        /// What the variable is called.
        about: About,
        /// The variable.
        text: Cow<'a, str>,
        /// The bytes that may come of all of them together.
        max_bytes: usize,
    },
}

/// One message of a chat.
#[derive(Serialize, Deserialize)]
pub struct Message<'a> {
    /// Who says it.
    pub role: Cow<'a, str>,
    /// What is said.
    pub content: Cow<'a, str>,
}

/// The variable of a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum About {
    /// `user_input`
    UserInput,
    /// `bot_response`
    BotResponse,
}

/// Why nothing came of it. Nothing of a template's text or its variables is in it, but for a refusal in its own words.
#[derive(Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum Failure {
    /// It is no Jinja template.
    #[error("the template is not Jinja: {kind} in line {line}")]
    Syntax {
        /// Which one of the job, from 0.
        template: usize,
        /// The template's line, 0 where unknown.
        line: usize,
        /// The kind of failure.
        kind: String,
    },
    /// It failed.
    #[error("the template failed in line {line}: {kind}")]
    Failed {
        /// Which one of the job, from 0.
        template: usize,
        /// The template's line, 0 where unknown.
        line: usize,
        /// The kind of failure.
        kind: String,
    },
    /// It refused by itself (`raise_exception`), in these words.
    #[error("the template refuses: {0}")]
    Refused(String),
    /// More would come of it, or goes into it, than may.
    #[error("the rendered template is too long")]
    TooLong,
    /// It took more instructions, memory, stack or processor time than there is.
    #[error("the template takes too much memory or time")]
    TooMuch,
    /// The machine, not the template: it was not rendered now.
    #[error("templates can't be rendered now: {0}")]
    Unavailable(String),
}

impl Failure {
    /// Whether trying again can't help.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        !matches!(self, Self::Unavailable(_))
    }

    /// The same, of this one of the job's templates.
    pub(crate) fn of(self, template: usize) -> Self {
        match self {
            Self::Syntax { line, kind, .. } => Self::Syntax { template, line, kind },
            Self::Failed { line, kind, .. } => Self::Failed { template, line, kind },
            other => other,
        }
    }
}
