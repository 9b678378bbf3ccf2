//! Docker, also on a machine that has none: Debian's packages, a daemon, and the base image where it can't be pulled.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use maily_testkit::{detached, docker, pause};

use crate::{
    packages,
    shell::{Result, run, say},
};

/// What the Dockerfiles begin with, as they name it.
pub(crate) const BASE: &str = "debian:bookworm-slim";
const SUITE: &str = "bookworm";
const DAEMON: &str = "/usr/sbin/dockerd";
const FORWARDING: &str = "/proc/sys/net/ipv4/ip_forward";
const READY: Duration = Duration::from_secs(60);

/// A client whose daemon answers; both are installed and started where that can be done.
pub(crate) fn ready() -> Result<PathBuf> {
    let can_install = nix::unistd::Uid::effective().is_root() && Path::new("/usr/bin/apt-get").exists();
    match docker::client() {
        Err(why) if !can_install => return Err(why),
        Err(_) => {}
        found => return found,
    }
    packages::missing(&[("docker.io", DAEMON), ("iptables", "/usr/sbin/iptables")])?;
    if docker::client().is_err() {
        start()?;
    }
    docker::client()
}

/// The same, and the base image is there.
pub(crate) fn ready_to_build() -> Result<PathBuf> {
    let docker = ready()?;
    if has(&docker, BASE) || quiet(Command::new(&docker).args(["pull", "--quiet", BASE])) {
        return Ok(docker);
    }
    bootstrap(&docker)?;
    Ok(docker)
}

/// Whether the daemon has an image.
pub(crate) fn has(docker: &Path, reference: &str) -> bool {
    quiet(Command::new(docker).args(["image", "inspect", "--format", "{{.Id}}", reference]))
}

/// Starts a daemon that outlives us. Where it turns forwarding on itself it also closes it to everybody else (the
/// cluster's pods): so that is on before.
fn start() -> Result<()> {
    let log = docker::log();
    let open = || {
        log.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::write(FORWARDING, "1")?;
        // Why the one before it ended stays to be read.
        let _ = fs::rename(&log, log.with_extension("before.log"));
        File::create(&log)
    };
    let output = open().map_err(|error| format!("{}: {error}", log.display()))?;
    let errors = output.try_clone().map_err(|error| error.to_string())?;
    let mut command = detached(DAEMON);
    command.stdin(Stdio::null()).stdout(output).stderr(errors);
    let mut daemon = command.spawn().map_err(|error| format!("{DAEMON}: {error}"))?;
    say(&format!("Starting dockerd (process {}; it stays; log: {})", daemon.id(), log.display()));
    let end = Instant::now() + READY;
    while docker::client().is_err() {
        if let Ok(Some(status)) = daemon.try_wait() {
            return Err(format!("dockerd ended ({status}){}", docker::last_words()));
        }
        if Instant::now() > end {
            return Err(format!(
                "dockerd does not answer after {} s{}",
                READY.as_secs(),
                docker::last_words()
            ));
        }
        pause();
    }
    Ok(())
}

/// Makes the base image from Debian's packages: what can be pulled elsewhere, under the same name.
fn bootstrap(docker: &Path) -> Result<()> {
    packages::missing(&[("debootstrap", "/usr/sbin/debootstrap")])?;
    say(&format!(
        "{BASE} can't be pulled: making it from Debian's packages (debootstrap, half a minute, once)"
    ));
    let folder = tempfile::Builder::new().prefix("maily-").tempdir().map_err(|error| error.to_string())?;
    let root = folder.path().join("root");
    run(Command::new("debootstrap").args(["--variant=minbase", SUITE]).arg(&root).stdout(Stdio::null()))?;
    // No copies of the packages that it was made from.
    for cache in ["var/cache/apt/archives", "var/lib/apt/lists"] {
        let path = root.join(cache);
        fs::remove_dir_all(&path)
            .and_then(|()| fs::create_dir(&path))
            .map_err(|error| format!("{}: {error}", path.display()))?;
    }
    let mut tar = Command::new("tar");
    tar.args(["--numeric-owner", "--create", "--directory"]).arg(&root).arg(".").stdout(Stdio::piped());
    let mut tar = tar.spawn().map_err(|error| format!("tar: {error}"))?;
    let archive = tar.stdout.take().map_or_else(Stdio::null, Stdio::from);
    let imported = run(Command::new(docker)
        .args(["import", "--change", "CMD [\"bash\"]", "-", BASE])
        .stdin(archive)
        .stdout(Stdio::null()));
    let packed = tar.wait().map_err(|error| format!("tar: {error}"))?;
    match packed.success() {
        true => imported,
        false => Err(format!("tar failed ({packed})")),
    }
}

fn quiet(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|s| s.success())
}
