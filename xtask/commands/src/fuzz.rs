//! `cargo xtask fuzz`: mutated inputs for minutes or hours; CI runs some of each target as tests (`tests/fuzz`).

use std::{fs, path::PathBuf, process::ExitCode};

use clap::Args;

use crate::shell::{Result, cargo, say};

#[derive(Args)]
pub(crate) struct Options {
    /// Which targets; all by default (`--list` names them).
    targets: Vec<String>,
    /// How long each is fuzzed.
    #[arg(long, default_value_t = 1.0)]
    minutes: f64,
    /// What decides the inputs.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Runs one input again that was found, that of the target that its folder is named after.
    #[arg(long, value_name = "FILE")]
    repeat: Option<PathBuf>,
    /// Names the targets.
    #[arg(long)]
    list: bool,
}

/// Fails if something was found.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    say("Building the targets (from nothing 12 to 25 minutes on two cores, after a change up to a minute)");
    let mut command = cargo(&["run", "--quiet", "--package", "maily-fuzz", "--bin", "maily-fuzz", "--"]);
    command.args(["--minutes", &options.minutes.to_string(), "--seed", &options.seed.to_string()]);
    if let Some(file) = &options.repeat {
        // Cargo starts it in the workspace's root.
        let file = fs::canonicalize(file).map_err(|error| format!("{}: {error}", file.display()))?;
        command.arg("--repeat").arg(file);
    }
    if options.list {
        command.arg("--list");
    }
    let status = command.args(&options.targets).status().map_err(|error| format!("cargo: {error}"))?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
