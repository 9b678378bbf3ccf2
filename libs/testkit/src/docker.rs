//! Docker: which client can build our images, and whether its daemon answers.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

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
        _ => {
            Err("Docker's daemon does not answer: start it and try again (`docker info` says more)"
                .to_owned())
        }
    }
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
    fn reads_a_clients_version() {
        assert_eq!(major("Docker version 20.10.24+dfsg1, build 297e128"), Some(20));
        assert_eq!(major("Docker version 28.2.2, build e6534b4"), Some(28));
        assert_eq!(major("podman version 4.3.1"), None);
    }
}
