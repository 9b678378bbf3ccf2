//! What every Maily service starts with: configuration, TLS, four listeners, health, telemetry, deadlines,
//! graceful shutdown and errors.
//!
//! A service's `main` calls [`main`](fn@main) with its name and its `run` function; `run` gets a [`Boot`] (configuration
//! read, sockets bound, telemetry on), opens its state and hands its routers to [`Boot::serve`].
//!
//! * The **internal listener** speaks TLS 1.3 with X25519MLKEM768 and nothing else, asks for a client
//!   certificate, and lets through what [`maily_proto::access`] allows.
//! * The **edge listener** is for people's clients: TLS 1.3 preferring ML-KEM, bearer keys with scopes, rate limits.
//! * The **officer listener** is for whoever answers people about their data: as the edge, with keys of its own, and off
//!   unless it is configured.
//! * The **health listener** is plain HTTP: `/livez`, `/readyz`, `/metrics`.

mod accept;
mod answers;
mod audit;
mod backends;
mod body;
mod boot;
mod caller;
mod client;
mod closed;
mod config;
mod edge;
mod error;
mod follow;
mod health;
#[cfg(test)]
mod http2_tests;
mod internal;
mod json;
mod key_hashes;
mod listeners;
mod network;
#[cfg(test)]
mod officer_tests;
mod panics;
mod places;
#[cfg(test)]
mod places_tests;
mod pool;
mod probe;
mod problem;
mod proxies;
mod proxy_protocol;
mod rate;
mod readiness;
pub mod retry;
mod scopes;
mod secret_file;
mod sections;
mod serve;
#[cfg(test)]
mod serve_tests;
mod shared;
#[cfg(test)]
mod shared_tests;
mod shares;
mod start;
mod telemetry;
pub mod tls;
mod under_way;
mod unread;
mod work;

pub use accept::Acceptor;
pub use audit::Audit;
pub use body::{BodyShare, Streams};
pub use boot::{Boot, Fatal};
pub use caller::Caller;
pub use client::{ClientError, PeerClient, TraceContext, broke_off, propagate};
pub use config::{
    Config, ConfigError, Edge, Environment, Health, Internal, Limits, Redis, Telemetry, Vault, VaultAuth,
    load,
};
pub use edge::{EdgeAuth, EdgeCaller, KeyRate, Vouch};
pub use error::Error;
pub use follow::Follow;
pub use internal::Peer;
pub use json::json_within;
pub use key_hashes::{KeyHashes, key_hash};
pub use listeners::Listeners;
pub use network::Network;
pub use places::{Bounds, Place, Places};
pub use pool::{Hold, Pool, PoolBounds, PoolFull, PoolPlace};
pub use problem::{Problem, Words};
pub use readiness::Readiness;
pub use retry::status_is_permanent;
pub use scopes::{Required, Requires, Scope, Scopes, requires};
pub use secret_file::{SecretFileError, find_secret_text, read_secret, read_secret_text};
pub use shared::{RedisClient, Subscription};
pub use start::{About, bound_the_process, main};
pub use work::{WorkError, blocking};
