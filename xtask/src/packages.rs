//! Debian packages that a command needs.

use std::process::Command;

use crate::shell::{Result, run, say};

/// Installs packages, waiting for another apt that is at work.
pub(crate) fn install(names: &[&str]) -> Result<()> {
    if names.is_empty() {
        return Ok(());
    }
    say(&format!("Installing {} (apt)", names.join(", ")));
    let mut apt = Command::new("apt-get");
    apt.args(["-o", "DPkg::Lock::Timeout=600", "-qq", "install", "--yes", "--no-install-recommends"])
        .args(names);
    run(apt.env("DEBIAN_FRONTEND", "noninteractive"))
        .map_err(|error| format!("{error}; on another system, install {} by hand", names.join(", ")))
}
