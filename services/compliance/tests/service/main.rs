//! The service from outside: its state, its gRPC API, its edge, and what a kill or a race leaves of it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

mod api;
mod audit;
mod bad_lists;
mod command;
mod common;
mod contract;
mod fan_out;
mod fence;
mod import;
mod kill;
mod objections;
mod opt_out;
mod pages;
mod race;
mod repeated;
mod retention;
mod second_opinion;
mod subjects;
mod undo;
mod upgrade;
