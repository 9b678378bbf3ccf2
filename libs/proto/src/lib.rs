//! The internal contracts: what services say to each other, and who may say it.
//!
//! The `.proto` files under `proto/` are the source; [`access`] is the one table of allowed calls, which
//! every internal listener enforces. `src/generated` is made of them by `tests/generated.rs`, and kept so that nobody who
//! builds Maily compiles a compiler of protocol buffers first.

pub mod access;

/// Who may lawfully be written to (`maily.compliance.v1`).
#[allow(
    missing_docs,
    clippy::all,
    unreachable_pub,
    reason = "generated; the .proto file is the documentation"
)]
pub mod compliance {
    include!("generated/maily.compliance.v1.rs");
}

/// In the metadata of the orchestrator's requests to guardrails, the id of the campaign that they are for: campaigns take turns
/// there, and one whose templates and patterns take long holds up itself.
pub const CAMPAIGN: &str = "maily-campaign";

/// Checks by a NeMo Guardrails configuration (`maily.guardrails.v1`).
#[allow(
    missing_docs,
    clippy::all,
    unreachable_pub,
    reason = "generated; the .proto file is the documentation"
)]
pub mod guardrails {
    include!("generated/maily.guardrails.v1.rs");
}
