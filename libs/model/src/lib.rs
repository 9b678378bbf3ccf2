//! The language model of Maily: a checkpoint becomes an [`Engine`] that renders chats, counts tokens and
//! writes text, on burn.
//!
//! - [`Engine::load`] reads a GGUF file or a Hugging Face folder; nothing is specific to one model.
//! - [`Engine::render_chat`] applies the checkpoint's own chat template, [`Engine::tokenizer`] its own tokenizer.
//! - [`Engine::generate`] draws `n` candidates of one request as one batch. The text depends on the request
//!   alone: not on the cache, on other requests, on siblings, nor on the number of threads.
//!
//! Everything here blocks; a service calls it from a thread of its own.

mod api;
mod backend;
mod checkpoint;
mod engine;
mod error;
mod generate;
mod llama;
mod template;
mod tokenizer;

pub use api::{ChatMessage, Completion, Event, FinishReason, Generate, LoadOptions, ModelInfo};
pub use engine::Engine;
pub use error::{Detail, EngineError, LoadError, TemplateError};
pub use tokenizer::{StreamDecoder, Tokenizer};
