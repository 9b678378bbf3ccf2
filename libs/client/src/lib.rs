//! What Maily's commands have in common: calls of a service's API that outlast its restart, one sentence and an exit code
//! for a failure, and output that a terminal can be given.
//!
//! Every call of our APIs may be repeated, so [`Client`] holds and tries again while services restart, until its deadline.

mod failure;
mod http;
mod printable;
#[cfg(test)]
mod tests;

pub use failure::{DATA, Failure, INTERRUPTED, IO, NOPERM, UNAVAILABLE, USAGE, run};
pub use http::{Access, Call, Client, Refusals};
pub use printable::printable;
