//! `cargo xtask doctor`: what this machine lacks, and for what.

use std::{
    path::Path,
    process::{Command, ExitCode, Stdio},
};

use crate::{
    disk::{self, Disk, Room},
    shell::Result,
};

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
        disk().unwrap_or_else(|| "missing  disk       the system doesn't say how much is free".to_owned())
    );
    Ok(if fit { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What is free where builds and tests write.
fn disk() -> Option<String> {
    let disks = Room::of_everything().disks();
    let says: Vec<String> = disks.iter().map(Disk::says).collect();
    Some(match disk::short(&disks) {
        None if disks.is_empty() => return None,
        None => format!("ok       disk       {}", says.join(", ")),
        Some(disk) => format!(
            "low      disk       {}; {} for builds and the cluster. `cargo xtask test` makes room where it can",
            disk.says(),
            disk.asks()
        ),
    })
}

fn version(tool: &Tool) -> Option<String> {
    let output = Command::new(tool.program).args(tool.ask).stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or("is there").to_owned();
    output.status.success().then(|| line.chars().take(60).collect())
}
