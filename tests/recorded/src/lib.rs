//! The inference service with recorded answers, for tests whose subject is not the model: `maily-inference-recorded`.
//!
//! It is `maily-inference` up to the engine and from there on: the same checkpoint with its tokenizer and template, the
//! same queue, limits, shapes, refusals and metrics. Only what the engine would be asked is looked up in
//! `tests/recorded/answers`, a JSON file for each request; so the weights are not loaded.
//!
//! A recording is found by the digest of the whole request: the prompt's tokens and every option, but not the deadline.
//! It holds if it was made with today's *context*: the checkpoint's fingerprint, the sample campaign with its rails, the
//! copywriter (`services/orchestrator/src/copy`) and the rails (`services/guardrails/src/{rails,text,config}`), comments
//! and tests left out. What else decides what is asked (the layout of a mail, say) shows as a request without a recording.
//! `context.json` has the digest of each part, so that a sentence can name the one that has changed.
//!
//! A request whose recording is missing or stale is refused with 400, which is for good; why is in the log, and how to
//! record. With `service.recorded.record` the model answers it, and it is recorded. A schema that can't be used is refused as
//! the engine refuses it.
//!
//! `delay_millis` and `hold` are for tests in which something has to happen while a model writes.

mod answers;
mod context;
mod digest;
mod recording;
mod settings;

use std::sync::Arc;

use maily_inference::{Model, Server};
use maily_model::{Engine, LoadError};

pub use answers::{Absent, HOW, Player};
pub use context::Context;
pub use recording::{Answer, Options, Recording, key, words};
pub use settings::{Recorded, Settings};

/// The inference service, with recorded answers.
#[must_use]
pub fn server(settings: Settings) -> Arc<Server> {
    let Settings { recorded, inference } = settings;
    Server::with_loader(inference, move |path, options| {
        // What is recorded needs no weights.
        let load = if recorded.record { Engine::load } else { Engine::load_without_weights };
        let engine = Arc::new(load(path, options)?);
        let io = |source| LoadError::Io { path: recorded.workspace.clone(), source };
        let answers = Arc::new(Player::new(recorded.clone(), Arc::clone(&engine)).map_err(io)?);
        Ok(Model { engine, answers })
    })
}
