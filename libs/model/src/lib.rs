//! The language model of Maily: a checkpoint becomes an [`Engine`] that renders chats, counts tokens and
//! writes text, on burn.
//!
//! - [`Engine::load`] reads a GGUF file or a Hugging Face folder; nothing is specific to one model.
//! - [`Engine::render_chat`] applies the checkpoint's own chat template, [`Engine::tokenizer`] its own tokenizer.
//! - [`Engine::generate`] draws `n` candidates of one request as one batch. The text depends on the request
//!   alone: not on the cache, on other requests, on siblings, nor on the number of threads. On a GPU that holds up to
//!   the rounding of sums: there a request's candidates can differ with its siblings and with what is cached.
//!
//! It runs on the processor, or, with the cargo feature `cuda`, on an NVIDIA GPU ([`LoadOptions::device`]): compiled
//! without any part of CUDA, which is looked for when a checkpoint is loaded.
//!
//! Everything here blocks; a service calls it from a thread of its own.

mod api;
mod backend;
mod checkpoint;
mod device;
mod engine;
mod error;
mod generate;
mod llama;
mod prelude;
mod runner;
mod template;
mod tokenizer;

pub use api::{ChatMessage, Completion, Event, FinishReason, Generate, LoadOptions, ModelInfo, Schema};
pub use device::{Device, UnknownDevice};
pub use engine::Engine;
pub use error::{Detail, EngineError, LoadError, TemplateError};
/// Bytes of the longest prompt that comes of a chat: the process that renders it has no room for more.
pub use maily_template::MAX_CHAT as MAX_PROMPT;
pub use tokenizer::{StreamDecoder, Tokenizer};
