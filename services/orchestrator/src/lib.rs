//! Campaigns as durable workflows, and the command that runs one.
//!
//! [`run`] is the service: people's clients create campaigns at its edge listener; Restate drives each through its
//! steps; messages are merged here, sealed, kept in their region and handed off by compliance. [`campaign`](fn@campaign)
//! is the client that `cargo xtask up` and operators run.

mod api;
mod campaign;
mod client;
mod config;
mod copy;
mod mail;
mod mbox;
mod metrics;
mod peers;
mod report;
mod restate;
mod segment;
mod service;
#[cfg(test)]
mod testing;
mod texts;
mod workflow;

pub use client::run as campaign;
pub use config::Config;
pub use service::run;
pub use texts::{check_campaign, message};
