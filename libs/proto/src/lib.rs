//! The internal contracts: what services say to each other, and who may say it.
//!
//! The `.proto` files under `proto/` are the source; [`access`] is the one table of allowed calls, which
//! every internal listener enforces.

pub mod access;

/// Who may lawfully be written to (`maily.compliance.v1`).
#[allow(
    missing_docs,
    clippy::all,
    unreachable_pub,
    reason = "generated; the .proto file is the documentation"
)]
pub mod compliance {
    tonic::include_proto!("maily.compliance.v1");
}

/// Checks by a NeMo Guardrails configuration (`maily.guardrails.v1`).
#[allow(
    missing_docs,
    clippy::all,
    unreachable_pub,
    reason = "generated; the .proto file is the documentation"
)]
pub mod guardrails {
    tonic::include_proto!("maily.guardrails.v1");
}
