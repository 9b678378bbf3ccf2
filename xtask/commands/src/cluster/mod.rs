//! `cargo xtask cluster`: a real Kubernetes of one node on this machine, built once, for the tests and for trying a deploy.

mod build;
mod control;
mod host;
mod layout;
mod node;
mod pki;
mod pods;
mod processes;

use std::{process::ExitCode, time::Duration};

use clap::Subcommand;
use nix::unistd::Uid;

use crate::shell::{Result, say};

pub(crate) use layout::Layout;
pub(crate) use pods::{load, offer_volumes};

/// Stopping a control plane takes this long at most, part by part.
const GRACE: Duration = Duration::from_secs(20);

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Builds (once) and starts it; when it runs, starts again what has ended.
    Up,
    /// Stops it, forgets its state, and puts back what it changed on the machine.
    Down,
    /// Says what runs.
    Status,
    /// Copies images from Docker into it.
    Load {
        /// References, as Docker knows them.
        #[arg(required = true)]
        images: Vec<String>,
    },
}

pub(crate) fn run(command: &Command) -> Result<ExitCode> {
    let layout = Layout::new();
    match command {
        Command::Up => up(&layout)?,
        Command::Down => down(&layout)?,
        Command::Status => return Ok(status(&layout)),
        Command::Load { images } => load(&layout, images)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Builds what the cluster is made of, once.
pub(crate) fn prepare() -> Result<()> {
    host::packages()?;
    build::all(&Layout::new())
}

/// The cluster's programs, their order of starting, and what each waits for.
fn up(layout: &Layout) -> Result<()> {
    if !Uid::effective().is_root() {
        return Err("the cluster needs root: it starts containers and sets up networks".to_owned());
    }
    prepare()?;
    host::prepare(layout)?;
    pki::prepare(layout)?;
    control::start(layout)?;
    node::start(layout)?;
    pods::prepare(layout)?;
    say("The cluster is up; kubectl reaches it with");
    println!("export KUBECONFIG={}", layout.kubeconfig().display());
    Ok(())
}

/// Callers before the called: the API server hangs when etcd goes first.
fn down(layout: &Layout) -> Result<()> {
    if !layout.state().exists() {
        say("No cluster is there");
        return Ok(());
    }
    say("Stopping the cluster");
    for name in ["kube-proxy", "kubelet", "kube-scheduler", "kube-controller-manager"] {
        processes::stop(layout, name, GRACE);
    }
    node::remove_containers(layout)?;
    for name in ["kube-apiserver", "etcd", "containerd"] {
        processes::stop(layout, name, GRACE);
    }
    host::restore(layout)
}

fn status(layout: &Layout) -> ExitCode {
    let mut all = true;
    for name in processes::ALL {
        let runs = processes::alive(layout, name);
        all &= runs;
        println!("{name:24} {}", if runs { "runs" } else { "is stopped" });
    }
    println!("{:24} {}", "kubeconfig", layout.kubeconfig().display());
    if all { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
