//! Debian packages that a command needs.

use std::{path::Path, process::Command};

use crate::shell::{Result, run, say};

/// Installs those of these packages whose file is not there.
pub(crate) fn missing(packages: &[(&str, &str)]) -> Result<()> {
    let missing: Vec<&str> =
        packages.iter().filter(|(_, file)| !Path::new(file).exists()).map(|(name, _)| *name).collect();
    install(&missing)
}

/// Installs packages, waiting for another apt that is at work.
pub(crate) fn install(names: &[&str]) -> Result<()> {
    if names.is_empty() {
        return Ok(());
    }
    say(&format!("Installing {} (apt)", names.join(", ")));
    let install = || run(apt(&["install", "--yes", "--no-install-recommends"]).args(names));
    // A fresh machine has no lists yet, an old one those of yesterday's versions.
    install()
        .or_else(|_| run(&mut apt(&["update"])).and_then(|()| install()))
        .map_err(|error| format!("{error}; on another system, install {} by hand", names.join(", ")))
}

fn apt(arguments: &[&str]) -> Command {
    let mut apt = Command::new("apt-get");
    apt.args(["-o", "DPkg::Lock::Timeout=600", "-qq"])
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive");
    apt
}
