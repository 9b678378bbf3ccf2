//! `cargo xtask check`: formatting, clippy with warnings denied, dependencies, and the repository's own rules.

use crate::{
    overlays, rules,
    shell::{Result, cargo, output, run as run_program, say},
    terraform,
};

/// What must not be active anywhere in the dependency graph (DESIGN.md, "The protocols").
const BANNED: [&str; 4] = ["ring", "openssl", "openssl-sys", "native-tls"];

/// What is built for NVIDIA's GPUs only, and compiles without one. It is checked together with all else, so that nothing
/// is checked twice; `cargo xtask test` and `up` build without it.
pub(crate) const GPU: &str = "maily-inference/cuda";

pub(crate) fn run() -> Result<()> {
    say("Formatting");
    run_program(&mut cargo(&["fmt", "--all", "--check"]))?;
    say("The repository's own rules");
    rules::check()?;
    say("Kubernetes: rules on every overlay");
    overlays::check()?;
    say("Terraform: contracts, descriptions, residency gates, READMEs");
    terraform::check()?;
    say("Dependencies: no ring, no OpenSSL");
    dependencies()?;
    say("Clippy, warnings denied");
    let everything = ["--workspace", "--features", GPU, "--all-targets"];
    run_program(cargo(&["clippy"]).args(everything).args(["--quiet", "--", "-D", "warnings"]))
}

fn dependencies() -> Result<()> {
    let tree = output(&mut cargo(&[
        "tree",
        "--workspace",
        "--features",
        GPU,
        "--edges",
        "all",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ]))?;
    let found: Vec<&str> =
        tree.lines().filter_map(|line| line.split(' ').next()).filter(|name| BANNED.contains(name)).collect();
    match found.first() {
        None => Ok(()),
        Some(name) => {
            Err(format!("{name} is active in the dependency graph; `cargo tree --invert {name}` says why"))
        }
    }
}
