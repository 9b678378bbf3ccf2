//! The workflow engine beside us: its two ports, our registration there, and the endpoint that it calls.
//!
//! Restate can't do our mutual TLS, so it shares this host: we reach its ingress and admin ports through Unix
//! sockets (or loopback), and it calls our endpoint on loopback, where every request must carry its signature.

mod admin;
mod endpoint;
mod identity;
mod ingress;
mod local;

pub(crate) use admin::Admin;
pub(crate) use endpoint::Endpoint;
pub(crate) use identity::public_key;
pub(crate) use ingress::{Ingress, Outcome};
pub(crate) use local::{Address, RestateError};
