//! Who may lawfully be written to, and the record of every hand-off.
//!
//! A campaign's subscriber list is *imported* once ([`import`] reads it, `maily_law` judges it, the outcome goes on
//! record), and its recipients are then read, handed off and released page by page
//! ([`pages`]). People opt out at the edge ([`opt_out`], RFC 8058). What is on record lives in one SlateDB per
//! residency region, behind a hash-chained [`ledger`]; a campaign's counts, which hold nothing personal, in one
//! for all. Personal details are sealed under the person's key; a person and an address are known by keyed hashes.
//! An officer finds, exports and erases what is held about a person ([`subjects`], [`officer`]), and what is old goes by
//! itself ([`retention`]).
//!
//! The rule that all of it serves: an opt-out acknowledged before a hand-off begins means no message.

#[macro_use]
mod silent;

pub mod api;
mod campaigns;
mod command;
mod config;
mod error;
mod fan_out;
mod import;
mod ledger;
mod metrics;
mod migrate;
pub mod officer;
pub mod officer_types;
pub mod opt_out;
mod pages;
mod records;
mod region;
mod regions;
mod retention;
mod schema;
mod secrets;
mod state;
mod subjects;
mod suppression;
mod token;
mod turn;

use std::time::Duration;

use maily_chassis::{Boot, EdgeAuth, Listeners};
use maily_keys::open_roots;
use maily_proto::compliance::compliance_server::ComplianceServer;

pub use command::run as command;
pub use config::{Config, Retention};
pub use error::Error;
pub use import::Sender;
pub(crate) use import::layout::ImportId;
pub use import::list::{ListFault, Refusal};
pub use pages::{HandOff, Released};
pub use state::{Clock, State, Verified};
pub use subjects::Order;

/// How long a start waits for more of what other processes told of objections, and for all of it.
const PATIENCE: Duration = Duration::from_secs(3);
const LONGEST: Duration = Duration::from_secs(120);

/// Opens the databases and serves until the shutdown, or until another process takes the databases over.
///
/// # Errors
/// One sentence for the operator: a bad configuration, a database that does not open or that was lost.
pub async fn run(boot: Boot<Config>) -> Result<(), maily_chassis::Error> {
    let roots = open_roots(&boot, &boot.config.service.keyring).await?;
    let state = match State::open(&boot.config.service, &boot.config.data, roots).await {
        Ok(state) => state,
        Err(error) if error.is_permanent() => return Err(boot.fatal(error)),
        Err(error) => return Err(maily_chassis::Error::unavailable(error)),
    };
    if let Some(redis) = boot.redis() {
        state.fan_out(redis.clone()).map_err(|error| boot.fatal(error))?;
        let caught_up = tokio::select! {
            caught_up = state.caught_up(PATIENCE, LONGEST) => caught_up,
            () = boot.shutdown.cancelled() => true,
        };
        if !caught_up {
            tracing::warn!(
                "what other processes told of objections is not known yet: Redis is away, or it is much"
            );
        }
    }
    let (fatal, watched) = (boot.fatal_handle(), state.clone());
    tokio::spawn(async move { fatal.raise(maily_chassis::Error::unavailable(watched.lost().await)) });
    let (rotating, shutdown) = (state.clone(), boot.shutdown.clone());
    tokio::spawn(async move { rotating.keep_rotating(shutdown).await });
    let (retiring, shutdown) = (state.clone(), boot.shutdown.clone());
    tokio::spawn(async move { retiring.keep_retention(shutdown).await });
    let grpc = tonic::service::Routes::new(ComplianceServer::new(api::Api::new(state.clone())));
    let edge = opt_out::router(state.clone());
    let listeners = Listeners::new()
        .grpc(grpc)
        .edge(edge, EdgeAuth::Vouched(opt_out::vouch(state.clone())))
        .officer(officer::router(state.clone()))
        .streams(import::held);
    let served = boot.serve(listeners).await;
    state.close().await;
    served
}
