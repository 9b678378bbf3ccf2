//! NeMo Guardrails configurations, run natively: what may be asked of a model and what it may answer.
//!
//! [`config::load`] reads a configuration folder strictly, [`config::Config`] runs its rails. The service
//! around it answers gRPC for other services and NeMo's own REST shapes at the edge. Whatever goes wrong on
//! the way to a verdict, the text is not allowed.

pub mod config;
mod failure;
mod grpc;
mod guard;
mod http;
mod judge;
mod metrics;
pub mod rails;
mod settings;
mod store;
mod text;
mod turns;
mod yaml;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use maily_chassis::{Boot, EdgeAuth, Error, Listeners, Scope, requires};
use maily_proto::guardrails::guardrails_server::GuardrailsServer;

pub use settings::Settings;

use config::{Config, Judges};
use guard::Guard;
use judge::Judge;
use store::Store;

/// Bytes of one gRPC request: a whole e-mail with its sources, or a configuration.
const MAX_MESSAGE: usize = 3 << 20;

/// Runs the service.
///
/// # Errors
/// The settings or a configuration of the folder can't be used, in one sentence.
pub async fn run(boot: Boot<Settings>) -> Result<(), Error> {
    let settings = &boot.config.service;
    if let Some(problem) = settings.problem() {
        return Err(boot.fatal(problem));
    }
    let named =
        settings.configs.as_deref().map_or(Ok(BTreeMap::new()), store::folder).map_err(|e| boot.fatal(e))?;
    let inference =
        boot.config.peers.contains_key("inference").then(|| boot.http_client("inference")).transpose()?;
    let judge = Judge::new(inference.map(judge::peer), Duration::from_secs(settings.judge_timeout_seconds))
        .map_err(|e| boot.fatal(e))?;
    if let Some(name) = unreachable(&named, &judge) {
        return Err(boot.fatal(format!("service.configs: {name}: engine maily needs peers.inference")));
    }
    tracing::info!(configurations = named.len(), "loaded the folder of configurations");
    let judges = Judges::new(&settings.judges).map_err(|e| boot.fatal(e))?;
    let guard = Guard::new(Store::new(named, settings.max_configs), judge, judges);
    let grpc = GuardrailsServer::new(grpc::Api(guard.clone())).max_decoding_message_size(MAX_MESSAGE);
    let http = http::router(guard);
    let listeners = Listeners::new()
        .grpc(tonic::service::Routes::new(grpc))
        .internal(http.clone())
        .edge(http.layer(requires(Scope::Guardrails)), EdgeAuth::Bearer);
    boot.serve(listeners).await
}

/// A configuration whose model can't be asked.
fn unreachable<'a>(named: &'a BTreeMap<String, Arc<Config>>, judge: &Judge) -> Option<&'a str> {
    named.iter().find(|(_, config)| !judge.reaches(config)).map(|(name, _)| name.as_str())
}

#[cfg(test)]
mod tests;
