//! Starts Maily as processes on one machine: `cargo xtask up` and the tests use the same code.
//!
//! [`Stack`] makes a development authority, certificates, keys and a configuration file for each service in a
//! data folder, starts the processes, waits until each is ready, starts again what dies, and stops them all.
//! It binds 127.0.0.1 only and ends only processes that it started.

#![allow(clippy::indexing_slicing, reason = "for tests, where a panic is the failure")]

mod admission;
mod authority;
pub mod cache;
mod detached;
pub mod docker;
mod error;
mod files;
mod http;
mod identities;
mod plan;
pub mod ports;
mod process;
mod provider;
mod redis;
mod renewal;
mod restate;
mod sample;
mod secrets;
mod stack;
mod state;
mod stores;
mod vault;
mod workspace;

pub use admission::admit_to_vault;
pub use authority::Authority;
pub use detached::detached;
pub use error::Error;
pub use files::write_private;
pub use identities::write_identities;
pub use plan::{Plan, Service};
pub use process::{Process, pause, pause_for, ready, rest, stop};
pub use provider::Provider;
pub use redis::{Access, Redis};
pub use renewal::{Renewal, forget_identities};
pub use sample::sample;
pub use stack::{Event, Stack};
pub use state::{Running, stop_left_running};
pub use stores::ObjectServer;
pub use vault::Vault;
pub use workspace::{program, workspace};
