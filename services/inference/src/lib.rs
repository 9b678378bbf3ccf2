//! Serves one language model with OpenAI's API: `GET /v1/models` and `POST /v1/chat/completions`.
//!
//! A client of OpenAI's works unchanged. What it asks for and we lack is refused by name, never ignored.
//! One thread runs the model, one request at a time; callers take turns, and each caller's requests theirs in the order of
//! arrival. The queue before it is bounded, every request has a deadline, and one whose caller has gone away is given up. Prompts and answers are
//! never logged, measured or traced: only counts and durations are.
//!
//! With the cargo feature `cuda`, `service.device` may be a GPU.
//!
//! - `openai`: requests, answers and refusals as data
//! - `think`: keeps a reasoning model's thoughts apart from what it says
//! - `queue`, `worker`: the requests that wait, and the thread that answers them
//! - `answers`: who answers: the engine
//! - `prompt`: from a request to the tokens that the model goes on from
//! - `chat`, `stream`, `server`: the HTTP side

mod answers;
mod chat;
mod config;
mod desk;
mod metrics;
mod openai;
mod prompt;
mod queue;
mod server;
mod stream;
mod think;
mod worker;

use std::sync::Arc;

use axum::Router;
use maily_chassis::{Boot, EdgeAuth, Error, Fatal, Listeners, Readiness, Scope, requires};

pub use answers::{Answers, Model};
pub use config::Config;
pub use server::{Server, Worker};

/// Runs the service: binds first, then loads the checkpoint; requests before that are answered 503.
///
/// # Errors
/// A configuration or a checkpoint that can't be used, in one sentence.
pub async fn run(boot: Boot<Config>) -> Result<(), Error> {
    let server = Server::new(boot.config.service.clone());
    serve(boot, server).await
}

/// Runs this server.
///
/// # Errors
/// As [`run`].
pub async fn serve<T>(boot: Boot<T>, server: Arc<Server>) -> Result<(), Error> {
    server.config.check(boot.config.limits.request_seconds).map_err(Error::new)?;
    boot.readiness.fail("the checkpoint is being loaded");
    let (readiness, fatal) = (boot.readiness.clone(), boot.fatal_handle());
    let worker = Worker::spawn(server.clone(), move |loaded| report(loaded, &readiness, &fatal))
        .map_err(|error| Error::unavailable(format!("no thread for the model: {error}")))?;
    let router = server.router();
    let served = boot.serve(listeners(router)).await;
    // What was under way had its time (`limits.shutdown_seconds`); the rest is given up.
    worker.stop().await;
    served
}

fn listeners(router: Router) -> Listeners {
    let edge = router.clone().layer(requires(Scope::Infer));
    let listeners = Listeners::new().internal(router).edge(edge, EdgeAuth::Bearer);
    // A request ends by its own deadline, which is never later than the listeners'.
    listeners.problems(openai::Refusal::by_the_listener).own_deadlines()
}

fn report(loaded: Result<(), maily_model::LoadError>, readiness: &Readiness, fatal: &Fatal) {
    match loaded {
        Ok(()) => readiness.set(true),
        Err(error @ maily_model::LoadError::Device { .. }) => {
            fatal.raise(Error::new(format!("service.device: {error}")));
        }
        Err(error) => fatal.raise(Error::new(format!("service.model: {error}"))),
    }
}
