//! The one way in: builds Maily, runs it on this machine, tests and measures it.

mod bench;
mod check;
mod down;
mod fetch;
mod rules;
mod servers;
mod shell;
mod test;
mod up;

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
    /// Runs every test, as CI does.
    Test(test::Options),
    /// Formatting, clippy with warnings denied, and the repository's own rules.
    Check,
    /// Measures: the model, or a campaign of 10,000 and of 100,000 rows.
    Bench(bench::Options),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Up(options) => up::run(&options),
        Command::Down(options) => down::run(&options),
        Command::Test(options) => test::run(&options),
        Command::Check => check::run().map(|()| ExitCode::SUCCESS),
        Command::Bench(options) => bench::run(&options),
    };
    done.unwrap_or_else(|message| {
        eprintln!("cargo xtask: {message}");
        ExitCode::FAILURE
    })
}
