//! `cargo xtask bench`: figures, each with the command that made it. Speed is measured here and never tested.

use std::process::ExitCode;

use clap::{Args, ValueEnum};

use crate::{
    fetch,
    shell::{Result, cargo, run as run_program},
    up,
};

#[derive(Clone, Copy, ValueEnum)]
enum What {
    /// Tokens a second of the local model: prefill and decoding, for 1, 4 and 8 candidates.
    Model,
    /// Rows a second and memory of campaigns of 10,000 and 100,000 rows.
    Campaign,
    /// How much longer a chat takes beside every kind of hostile caller than without, at the 99th percentile; and memory.
    Fairness,
}

#[derive(Args)]
pub(crate) struct Options {
    /// What to measure.
    what: What,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    fetch::for_up()?;
    match options.what {
        What::Model => {
            run_program(
                cargo(&["run", "--quiet", "--package", "maily-model", "--example", "speed", "--"])
                    .arg(maily_testkit::cache::model()),
            )?;
        }
        What::Campaign => program("campaign-bench", &[])?,
        // The model's answers are recorded, for it is not the model that is measured.
        What::Fairness => program("fairness-bench", &["maily-recorded"])?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs a program of tests/ against the services, and what else it starts.
fn program(name: &str, more: &[&str]) -> Result<()> {
    up::build(more)?;
    run_program(&mut cargo(&["run", "--quiet", "--package", "maily-tests", "--bin", name]))
}
