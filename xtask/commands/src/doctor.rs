//! `cargo xtask doctor`: what this machine lacks, and for what.

use std::{
    path::Path,
    process::{Command, ExitCode, Stdio},
};

use crate::shell::Result;

/// A program: how it is asked for its version, what needs it, how it comes.
struct Tool {
    program: &'static str,
    ask: &'static [&'static str],
    needed_for: &'static str,
    comes_by: &'static str,
    /// Without it nothing works.
    always: bool,
}

const TOOLS: [Tool; 11] = [
    tool("cargo", &["--version"], "everything", "rustup", true),
    tool("cc", &["--version"], "everything", "apt install gcc", true),
    tool("cmake", &["--version"], "everything", "apt install cmake", true),
    tool("git", &["--version"], "everything", "apt install git", true),
    tool("bash", &["--version"], "up, cluster, test", "apt install bash", true),
    tool(
        "python3",
        &["-m", "pip", "--version"],
        "the model, check, test",
        "apt install python3-pip python3-venv",
        true,
    ),
    tool("npm", &["--version"], "the workflow engine", "apt install npm", true),
    tool(
        "go",
        &["version"],
        "cluster, and test but for most of the tier fast",
        "the Go project, 1.26 or newer",
        false,
    ),
    tool(
        "docker",
        &["version", "--format", "{{.Server.Version}}"],
        "images, deploy, test --tier cluster",
        "apt install docker.io, and start it",
        false,
    ),
    tool(
        "kubectl",
        &["version", "--client"],
        "cluster, deploy, test --tier cluster",
        "the Kubernetes project, 1.32 or newer",
        false,
    ),
    tool(
        "terraform",
        &["version"],
        "deploying to a cloud, test --tier terraform",
        "HashiCorp, 1.11 or newer",
        false,
    ),
];

/// GB that a build of everything with its tests may add.
const FREE: u64 = 30;
/// Percent at which a cluster's node is no more trusted with pods.
const USED: u64 = 90;

const fn tool(
    program: &'static str,
    ask: &'static [&'static str],
    needed_for: &'static str,
    comes_by: &'static str,
    always: bool,
) -> Tool {
    Tool { program, ask, needed_for, comes_by, always }
}

/// Says of each tool whether it is there; fails only where one is missing that everything needs.
pub(crate) fn run() -> Result<ExitCode> {
    let mut fit = true;
    for tool in TOOLS {
        match version(&tool) {
            Some(version) => println!("ok       {:10} {version}", tool.program),
            None => {
                fit &= !tool.always;
                println!(
                    "missing  {:10} needed for {}; comes by: {}",
                    tool.program, tool.needed_for, tool.comes_by
                );
            }
        }
    }
    let root = nix::unistd::Uid::effective().is_root();
    println!(
        "{}  {:10} `cluster` sets up containers and networks",
        if root { "ok     " } else { "missing" },
        "root"
    );
    let apt = Path::new("/usr/bin/apt-get").exists();
    println!(
        "{}  {:10} `cluster` installs containerd with it",
        if apt { "ok     " } else { "missing" },
        "apt"
    );
    println!(
        "{}",
        disk().unwrap_or_else(|| "missing  disk       `df` doesn't say how much is free".to_owned())
    );
    Ok(if fit { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What is free where the cache is. A full disk fails tests for other reasons than it says: the kubelet schedules no pod below a
/// tenth of it.
fn disk() -> Option<String> {
    let cache = maily_testkit::cache::dir();
    let place = cache.ancestors().find(|place| place.exists())?;
    let output = Command::new("df").args(["--output=avail,pcent", "-BG"]).arg(place).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let mut words = text.lines().nth(1)?.split_whitespace();
    let free: u64 = words.next()?.trim_end_matches('G').parse().ok()?;
    let used: u64 = words.next()?.trim_end_matches('%').parse().ok()?;
    let said = format!("{free} GB free ({used} % used) at {}", place.display());
    Some(match free >= FREE && used <= USED {
        true => format!("ok       disk       {said}"),
        false => format!(
            "low      disk       {said}; {FREE} GB and a tenth of it have to be free for builds and the cluster. What may go: {}",
            cache.join("target/debug/incremental").display()
        ),
    })
}

fn version(tool: &Tool) -> Option<String> {
    let output = Command::new(tool.program).args(tool.ask).stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or("is there").to_owned();
    output.status.success().then(|| line.chars().take(60).collect())
}
