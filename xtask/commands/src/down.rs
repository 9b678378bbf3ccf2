//! `cargo xtask down`: stops a stack that was left running.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::Args;

use crate::shell::{Result, say};

#[derive(Args)]
pub(crate) struct Options {
    /// The stack's data folder.
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let grace = Duration::from_secs(25);
    let stopped =
        maily_testkit::stop_left_running(&options.data, grace).map_err(|error| error.to_string())?;
    match stopped.is_empty() {
        true => say(&format!("No stack runs on {}", options.data.display())),
        false => say(&format!("Stopped {}", stopped.join(", "))),
    }
    Ok(ExitCode::SUCCESS)
}
