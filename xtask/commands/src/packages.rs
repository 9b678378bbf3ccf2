//! Debian packages that a command needs.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    fetch,
    shell::{Result, run, say},
};

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

/// Unpacks packages into a folder of the cache and answers it: nothing is installed, and no daemon is started.
pub(crate) fn unpacked(folder: &str, what: &str, names: &[&str], megabytes: u32) -> Result<PathBuf> {
    let package = names.first().unwrap_or(&what);
    say(&format!(
        "Fetching {what} for the tests (Debian package {package}, {megabytes} MB, once; nothing is installed)"
    ));
    let home = fetch::folder(folder)?;
    let download = || run(apt(&["download"]).args(names).current_dir(&home));
    download()
        .or_else(|_| run(&mut apt(&["update"])).and_then(|()| download()))
        .map_err(|error| format!("{error}; on another system, install {} by hand", names.join(", ")))?;
    let entries = fs::read_dir(&home).map_err(|error| format!("{}: {error}", home.display()))?;
    let files = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    let mut packages = files.filter(|path| path.extension().is_some_and(|extension| extension == "deb"));
    packages.try_for_each(|package| run(Command::new("dpkg-deb").arg("-x").arg(package).arg(&home)))?;
    Ok(home)
}

fn apt(arguments: &[&str]) -> Command {
    let mut apt = Command::new("apt-get");
    apt.args(["-o", "DPkg::Lock::Timeout=600", "-qq"])
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive");
    apt
}
