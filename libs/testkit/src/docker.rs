//! Docker: which client can build our images, and whether its daemon answers.

use std::{
    env,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use crate::{cache, error::Error};

/// From here on the client builds with BuildKit only through its `buildx` plugin.
const NEEDS_PLUGIN: u32 = 23;

/// The first `docker` on the path that can build with BuildKit and whose daemon answers.
///
/// # Errors
/// Why there is none, in one sentence.
pub fn client() -> Result<PathBuf, String> {
    // Asked for before each command, and asking takes as long as many of these.
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    match FOUND.get() {
        Some(found) => Ok(found.clone()),
        None => find().map(|found| FOUND.get_or_init(|| found).clone()),
    }
}

fn find() -> Result<PathBuf, String> {
    let path = env::var_os("PATH").unwrap_or_default();
    let found: Vec<PathBuf> =
        env::split_paths(&path).map(|dir| dir.join("docker")).filter(|file| file.is_file()).collect();
    if found.is_empty() {
        return Err("docker is missing: install it and try again".to_owned());
    }
    let able = found.iter().find(|docker| builds(docker)).ok_or(
        "docker can't build with BuildKit: install its buildx plugin (or Debian's docker.io, which has it built in)",
    )?;
    match said(able, &["info", "--format", "{{.ServerVersion}}"]) {
        Some(version) if !version.is_empty() => Ok(able.clone()),
        _ => Err(format!(
            "Docker's daemon does not answer: start it and try again (`docker info` says more){}",
            last_words()
        )),
    }
}

/// What the daemon that `cargo xtask` starts prints.
#[must_use]
pub fn log() -> PathBuf {
    cache::dir().join("docker/dockerd.log")
}

/// Why that daemon ended, as far as its log tells; nothing where it has no log.
#[must_use]
pub fn last_words() -> String {
    let Ok(text) = fs::read(log()) else { return String::new() };
    let text = String::from_utf8_lossy(&text);
    why(&text).map_or_else(String::new, |why| format!("; its log, {}, ends with: {why}", log().display()))
}

/// The same where the daemon has ended, and nothing where it answers: for what is said of a command that failed.
#[must_use]
pub fn ended(client: &Path) -> String {
    match said(client, &["info"]) {
        Some(_) => String::new(),
        None => last_words(),
    }
}

/// Go's runtime prints the reason first and pages of stacks behind it.
fn why(log: &str) -> Option<&str> {
    let crash = |line: &&str| line.starts_with("fatal error: ") || line.starts_with("panic: ");
    let lines = || log.lines().rev().filter(|line| !line.trim().is_empty());
    lines().find(crash).or_else(|| lines().next())
}

/// Waits until nobody else of this user builds an image, and keeps others waiting until this is dropped: BuildKit within
/// Docker 20.10 (Debian's) crashes the whole daemon when it builds side by side (moby#40752, buildkit#1867: "concurrent
/// map read and map write").
///
/// # Errors
/// The lock's file can't be made.
pub fn build_alone() -> Result<File, Error> {
    let path = cache::dir().join("docker/build.lock");
    let lock = || {
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        let file = File::create(&path)?;
        file.lock().map(|()| file)
    };
    lock().map_err(|source| Error::File { path: path.clone(), source })
}

/// Whether this client builds with BuildKit.
fn builds(docker: &Path) -> bool {
    let version = said(docker, &["--version"]).and_then(|text| major(&text));
    version.is_some_and(|major| major < NEEDS_PLUGIN) || said(docker, &["buildx", "version"]).is_some()
}

/// What it printed, if it succeeded.
fn said(docker: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new(docker).args(arguments).stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// `Docker version 20.10.24+dfsg1, build 297e128`
fn major(text: &str) -> Option<u32> {
    text.strip_prefix("Docker version ")?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_is_told_by_its_reason_and_not_by_its_last_stack() {
        let log = "level=info msg=started\nfatal error: concurrent map writes\n\ngoroutine 1 [running]:\n\t/usr/x.go:1\n";
        assert_eq!(why(log), Some("fatal error: concurrent map writes"));
        assert_eq!(why("one\ntwo\n\n"), Some("two"));
        assert_eq!(why("\n"), None);
    }

    #[test]
    fn one_builds_at_a_time() {
        let mine = build_alone().unwrap();
        let another = File::create(cache::dir().join("docker/build.lock")).unwrap();
        assert!(matches!(another.try_lock(), Err(fs::TryLockError::WouldBlock)));
        drop(mine);
        let _ = build_alone().unwrap();
    }

    #[test]
    fn reads_a_clients_version() {
        assert_eq!(major("Docker version 20.10.24+dfsg1, build 297e128"), Some(20));
        assert_eq!(major("Docker version 28.2.2, build e6534b4"), Some(28));
        assert_eq!(major("podman version 4.3.1"), None);
    }
}
