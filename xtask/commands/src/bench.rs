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
        What::Campaign => {
            up::build(&[])?;
            run_program(&mut cargo(&[
                "run",
                "--quiet",
                "--package",
                "maily-tests",
                "--bin",
                "campaign-bench",
            ]))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
