//! What can go wrong. No message quotes a prompt, an answer or a schema.

use std::fmt;
use std::path::PathBuf;

use crate::device::Device;

/// A checkpoint that could not be loaded: one sentence says what is wrong with which file.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file system refused.
    #[error("cannot read {path}: {source}")]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not what it should be: truncated, corrupt or of another kind.
    #[error("{path}: {reason}")]
    Invalid {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file is sound, but this engine lacks something it needs.
    #[error("{path}: {what} is not supported yet; supported: {supported}")]
    Unsupported {
        /// Which file.
        path: PathBuf,
        /// What is lacking, such as `architecture qwen2`.
        what: String,
        /// What there is instead.
        supported: &'static str,
    },
    /// The model can't run where it was asked to.
    #[error("cannot run on {device}: {reason}")]
    Device {
        /// Where.
        device: Device,
        /// What is lacking.
        reason: String,
    },
}

impl LoadError {
    /// Whether trying again without changing the file can't help.
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::Io { source, .. } => source.kind() != std::io::ErrorKind::Interrupted,
            Self::Invalid { .. } | Self::Unsupported { .. } | Self::Device { .. } => true,
        }
    }
}

/// A request that could not be served.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A value of the request is out of its range.
    #[error("{0}")]
    Invalid(&'static str),
    /// The prompt and what should follow it exceed the context.
    #[error("{tokens} tokens are more than the model's context of {limit}")]
    TooLong {
        /// The prompt's tokens.
        tokens: usize,
        /// The model's context.
        limit: usize,
    },
    /// The prompt has a token the model does not know.
    #[error("the prompt has token {token}, the vocabulary ends before {vocabulary}")]
    UnknownToken {
        /// The token.
        token: u32,
        /// How many tokens there are.
        vocabulary: usize,
    },
    /// The JSON schema can't be used to constrain the answer.
    #[error("the JSON schema can't be used")]
    Schema(Detail),
    /// The constraint failed half-way, which the schema's compiler should have excluded.
    #[error("the constrained answer can't go on")]
    Constraint(Detail),
    /// The device failed: out of memory, lost, or a kernel that does not compile.
    #[error("the device failed: {0}")]
    Device(String),
}

impl EngineError {
    /// Whether the same request can never succeed on this model.
    pub fn is_permanent(&self) -> bool {
        !matches!(self, Self::Constraint(_) | Self::Device(_))
    }
}

/// A reason that may quote the caller's own schema: for the caller's eyes, never for a log, so `Debug` hides it.
pub struct Detail(pub(crate) String);

impl Detail {
    /// The reason, to be shown to the one who sent the schema and nobody else.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// A chat that could not be rendered.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The checkpoint brings no chat template.
    #[error("the checkpoint has no chat template")]
    Missing,
    /// The template itself refused the chat (`raise_exception`), for instance the order of its roles.
    #[error("the chat template refuses: {0}")]
    Refused(String),
    /// The template failed.
    #[error("the chat template failed in line {line}: {kind}")]
    Failed {
        /// The template's line, 0 where unknown.
        line: usize,
        /// The kind of failure.
        kind: String,
    },
    /// More would come of it than [`crate::MAX_PROMPT`], whatever the context.
    #[error("the chat is too long")]
    TooLong,
    /// It took more instructions, memory, stack or time than there is.
    #[error("the chat template takes too much memory or time for this chat")]
    TooMuch,
    /// The machine, not the template: it was not rendered now.
    #[error("the chat can't be rendered now: {0}")]
    Unavailable(String),
}

impl TemplateError {
    /// Whether the same chat fails the same way.
    pub fn is_permanent(&self) -> bool {
        !matches!(self, Self::Unavailable(_))
    }
}
