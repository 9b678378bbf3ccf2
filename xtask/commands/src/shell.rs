//! Running other programs: said before, checked after.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// One sentence for the person at the terminal.
pub(crate) type Result<T> = std::result::Result<T, String>;

/// The workspace's root: the one that we are in. Where clones share a target folder, another one may have built us.
pub(crate) fn root() -> PathBuf {
    let here = env::current_dir().unwrap_or_default();
    let found = here.ancestors().find(|folder| folder.join("xtask/Cargo.toml").exists());
    found.unwrap_or(&here).to_owned()
}

/// Says what is done.
pub(crate) fn say(what: &str) {
    eprintln!("\x1b[1m==>\x1b[0m {what}");
}

/// Cargo, as the one that runs us, building where we were built: nothing is compiled twice, whoever starts this program.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = cargo_of(Path::new(&env::var_os("CARGO").unwrap_or_else(|| "cargo".into())));
    command.args(arguments);
    command
}

/// The same for a program that runs cargo.
pub(crate) fn cargo_of(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root()).env("CARGO_TARGET_DIR", target_dir());
    command
}

/// Where cargo puts what it builds: this program is in there.
pub(crate) fn target_dir() -> PathBuf {
    let own = env::current_exe().unwrap_or_default();
    own.parent().and_then(Path::parent).unwrap_or(Path::new("target")).to_owned()
}

/// Runs a program to its end, its output shown.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().map_err(|error| missing(command, &error))?;
    match status.success() {
        true => Ok(()),
        false => Err(format!("`{}` failed ({status})", shown(command))),
    }
}

/// Runs a program to its end and answers what it printed; its errors are shown.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command.stderr(Stdio::inherit()).output().map_err(|error| missing(command, &error))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(format!("`{}` failed ({})", shown(command), output.status)),
    }
}

fn missing(command: &Command, error: &std::io::Error) -> String {
    let program = command.get_program().to_string_lossy();
    match error.kind() {
        std::io::ErrorKind::NotFound => format!("{program} is missing: install it and try again"),
        _ => format!("{program}: {error}"),
    }
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// By `.cargo/config.toml`, for whatever cargo runs.
    const SWITCHES: [(&str, &str); 7] = [
        ("CHECKPOINT_DISABLE", "1"),
        ("CKV_SKIP_PACKAGE_UPDATE_CHECK", "true"),
        ("DO_NOT_TRACK", "1"),
        ("NPM_CONFIG_AUDIT", "false"),
        ("NPM_CONFIG_UPDATE_NOTIFIER", "false"),
        ("PIP_DISABLE_PIP_VERSION_CHECK", "1"),
        ("TFLINT_DISABLE_VERSION_CHECK", "1"),
    ];

    #[test]
    fn nothing_that_is_started_calls_home() {
        let own = output(&mut Command::new("env")).unwrap();
        let mut stays = maily_testkit::detached("env");
        let stays = output(stays.stdin(Stdio::null())).unwrap();
        for (name, value) in SWITCHES {
            let wanted = format!("{name}={value}");
            for inherited in [&own, &stays] {
                assert!(inherited.lines().any(|line| line == wanted), "a child has not {wanted}");
            }
        }
    }

    #[test]
    fn restate_is_told_not_to_wherever_it_is_configured() {
        for file in ["docker/compose/restate.toml", "k8s/base/orchestrator/restate.toml"] {
            let text = fs::read_to_string(root().join(file)).unwrap();
            assert!(text.lines().any(|line| line == "disable-telemetry = true"), "{file}");
        }
    }
}
