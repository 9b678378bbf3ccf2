//! `cargo xtask check`: formatting, clippy with warnings denied, dependencies, and the repository's own rules.

use std::process::ExitCode;

use crate::{
    overlays, rules,
    shell::{Result, cargo, run as run_program, say},
    supply, terraform, unified,
};

/// What is built for NVIDIA's GPUs only, and compiles without one. It is checked together with all else, so that nothing
/// is checked twice; `cargo xtask test` and `up` build without it.
pub(crate) const GPU: &str = "maily-inference/cuda";

/// Answers, in a sentence, what could not be checked.
pub(crate) fn run() -> Result<Option<String>> {
    say("Formatting");
    run_program(&mut cargo(&["fmt", "--all", "--check"]))?;
    say("The repository's own rules");
    rules::check()?;
    say("Kubernetes: rules on every overlay");
    overlays::check()?;
    say("Terraform: contracts, descriptions, residency gates, READMEs");
    terraform::check()?;
    let left_out = supply::check()?;
    say("Dependencies: one set of features, whatever is built");
    unified::check()?;
    say("Clippy, warnings denied (from nothing about 6 minutes on two cores, after a change half a minute)");
    let everything = ["--workspace", "--features", GPU, "--all-targets"];
    run_program(cargo(&["clippy"]).args(everything).args(["--quiet", "--", "-D", "warnings"]))?;
    Ok(left_out)
}

/// `cargo xtask check`.
pub(crate) fn alone() -> Result<ExitCode> {
    if let Some(why) = run()? {
        println!("left out: {why}");
    }
    Ok(ExitCode::SUCCESS)
}
