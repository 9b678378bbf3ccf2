//! The engine: one loaded checkpoint.

use std::ops::ControlFlow;
use std::path::Path;

use crate::api::{ChatMessage, Completion, Event, Generate, LoadOptions, ModelInfo, Schema};
use crate::checkpoint::Checkpoint;
use crate::error::{EngineError, LoadError, TemplateError};
use crate::generate::{self, Grammars};
use crate::runner::{self, Runner, Weightless, With};
use crate::template::ChatTemplate;
use crate::tokenizer::Tokenizer;

/// One loaded checkpoint; cheap to share in an `Arc`, and every call may come from any thread.
pub struct Engine {
    info: ModelInfo,
    tokenizer: Tokenizer,
    template: Option<ChatTemplate>,
    runner: Box<dyn Runner>,
    grammars: Grammars,
}

impl Engine {
    /// Loads a `.gguf` file or a Hugging Face folder (`config.json`, `tokenizer.json`, `*.safetensors`).
    ///
    /// # Errors
    /// One sentence on what is missing, corrupt or not supported, or why the device can't be used.
    pub fn load(path: &Path, options: &LoadOptions) -> Result<Self, LoadError> {
        Self::open(path, options, |checkpoint, context| runner::load(checkpoint, context, options))
    }

    /// The same without the weights, in a tenth of the time and the memory: it renders chats and counts tokens, but
    /// refuses to write.
    ///
    /// # Errors
    /// As [`Engine::load`].
    pub fn load_without_weights(path: &Path, options: &LoadOptions) -> Result<Self, LoadError> {
        Self::open(path, options, |_, _| Ok(Box::new(Weightless)))
    }

    fn open(
        path: &Path,
        options: &LoadOptions,
        runner: impl FnOnce(&Checkpoint, usize) -> Result<Box<dyn Runner>, LoadError>,
    ) -> Result<Self, LoadError> {
        let checkpoint = Checkpoint::open(path)?;
        let context_length = checkpoint.config.context.min(options.max_context).max(2);
        let info = ModelInfo {
            name: checkpoint.name.clone(),
            architecture: "llama".into(),
            parameters: checkpoint.parameters(),
            context_length,
            vocabulary: checkpoint.config.vocabulary,
            quantisation: checkpoint.quantisation(),
            fingerprint: checkpoint.fingerprint()?,
        };
        let runner = runner(&checkpoint, context_length)?;
        Ok(Self {
            info,
            runner,
            tokenizer: checkpoint.tokenizer,
            template: checkpoint.template,
            grammars: Grammars::default(),
        })
    }

    /// What this checkpoint is.
    pub fn info(&self) -> &ModelInfo {
        &self.info
    }

    /// Whether the checkpoint says how a chat is written down for it; without, [`Self::render_chat`] always fails.
    pub fn has_chat_template(&self) -> bool {
        self.template.is_some()
    }

    /// The checkpoint's tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// Renders a chat with the checkpoint's own template, ready for the assistant's turn. Names of special tokens in
    /// the messages are left out, so that no message can end its turn and speak as another.
    ///
    /// # Errors
    /// The checkpoint has no template, or it refuses this chat.
    pub fn render_chat(&self, messages: &[ChatMessage]) -> Result<String, TemplateError> {
        let template = self.template.as_ref().ok_or(TemplateError::Missing)?;
        let clean = |m: &ChatMessage| ChatMessage {
            role: self.tokenizer.without_specials(&m.role),
            content: self.tokenizer.without_specials(&m.content),
        };
        template.render(&messages.iter().map(clean).collect::<Vec<_>>())
    }

    /// The scores of every token of the vocabulary as the one after each of `tokens` (for conformance tests).
    ///
    /// # Errors
    /// The tokens are none, too many, or not of this vocabulary, or the device failed.
    pub fn logits(&self, tokens: &[u32]) -> Result<Vec<Vec<f32>>, EngineError> {
        generate::check_tokens(tokens, self.info.vocabulary, self.info.context_length)?;
        let scores = self.runner.logits(tokens)?;
        Ok(scores.chunks_exact(self.info.vocabulary).map(<[f32]>::to_vec).collect())
    }

    /// Whether an answer can be made to obey this JSON schema; needs no weights.
    ///
    /// # Errors
    /// [`EngineError::Schema`], which [`Engine::generate`] would answer, too.
    pub fn check_schema(&self, schema: &Schema) -> Result<(), EngineError> {
        self.grammars.check(&self.tokenizer, schema)
    }

    /// Draws `request.n` candidates, tells `sink` of their text as it comes, and returns them in order.
    /// A `sink` that breaks, or the deadline, ends all unfinished candidates as cancelled.
    ///
    /// # Errors
    /// The request is out of its limits, its schema can't be used, or the device failed.
    pub fn generate(
        &self,
        request: &Generate,
        sink: &mut dyn FnMut(Event) -> ControlFlow<()>,
    ) -> Result<Vec<Completion>, EngineError> {
        let context = self.info.context_length;
        self.runner.write(
            With { tokenizer: &self.tokenizer, grammars: &self.grammars, context },
            request,
            sink,
        )
    }
}
