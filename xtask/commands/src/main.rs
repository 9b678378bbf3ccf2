//! What `cargo xtask` does: builds Maily, runs it on this machine, tests, measures and deploys it. `xtask` itself only builds
//! this and becomes it.

#![allow(clippy::indexing_slicing, reason = "a developer's tool: no caller of Maily's reaches it")]

mod bench;
mod check;
mod clones;
mod cluster;
mod compose;
mod deploy;
mod disk;
mod doctor;
mod down;
mod fetch;
#[path = "../../src/freshness.rs"]
mod freshness;
mod fuzz;
mod images;
mod kubectl;
mod overlays;
mod packages;
mod patience;
mod pins;
mod rules;
mod servers;
mod shell;
mod supply;
mod terraform;
mod test;
mod unified;
mod up;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Builds, runs, tests and measures Maily.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs Maily on this machine: fetches, builds, starts, runs a campaign, stays up until Ctrl-C.
    Up(up::Options),
    /// Stops a stack that was left running.
    Down(down::Options),
    /// Runs every test, as CI does, or those of a tier or a name.
    Test(test::Options),
    /// Has the model answer again what tests/recorded asks (some minutes), and replaces tests/recorded/answers.
    Record,
    /// Formatting, clippy with warnings denied, and the repository's own rules.
    Check,
    /// A real Kubernetes of one node on this machine, for the tests and for trying a deploy.
    #[command(subcommand)]
    Cluster(cluster::Command),
    /// Puts the platform on an environment's Kubernetes cluster and runs a campaign through it.
    Deploy(deploy::Options),
    /// Takes an environment off its cluster, with its data.
    Destroy(deploy::destroy::Options),
    /// Says what this machine lacks.
    Doctor,
    /// Builds a container image of each service, from what cargo built.
    Images(images::Options),
    /// Plans, applies, compares and documents what is in the clouds (terraform/).
    Terraform(terraform::Options),
    /// Reads mutated inputs by everything that reads what others wrote.
    Fuzz(fuzz::Options),
    /// Measures: the model, or a campaign of 10,000 and of 100,000 rows.
    Bench(bench::Options),
}

fn main() -> ExitCode {
    let command = Arguments::parse().command;
    let done = patience::begin().and_then(|()| run(command));
    clones::give_up();
    done.unwrap_or_else(|message| {
        eprintln!("cargo xtask: {message}");
        ExitCode::FAILURE
    })
}

fn run(command: Command) -> shell::Result<ExitCode> {
    let builds_nothing = matches!(
        command,
        Command::Down(_)
            | Command::Cluster(_)
            | Command::Destroy(_)
            | Command::Doctor
            | Command::Terraform(_)
    );
    if !builds_nothing {
        clones::take()?;
    }
    match command {
        Command::Up(options) => up::run(&options),
        Command::Down(options) => down::run(&options),
        Command::Test(options) => test::run(&options),
        Command::Record => test::record(),
        Command::Check => check::alone(),
        Command::Cluster(command) => cluster::run(&command),
        Command::Deploy(options) => deploy::run(&options),
        Command::Destroy(options) => deploy::destroy::run(&options),
        Command::Doctor => doctor::run(),
        Command::Images(options) => images::run(&options),
        Command::Terraform(options) => terraform::run(&options),
        Command::Fuzz(options) => fuzz::run(&options),
        Command::Bench(options) => bench::run(&options),
    }
}
