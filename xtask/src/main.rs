//! `cargo xtask`: built in a moment, it builds what it does (`xtask/commands`) and becomes it.
//!
//! Cargo builds this before anything of ours can run, so it is small and depends on nothing. Before the first build it puts
//! the sources' times in order ([`freshness`]); that is also why no other crate may be built before it.

mod freshness;

use std::{
    env,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

/// The package and the program that the commands are in.
const COMMANDS: &str = "maily-xtask";

fn main() -> ExitCode {
    match run() {
        Ok(never) => match never {},
        Err(message) => {
            eprintln!("cargo xtask: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<std::convert::Infallible, String> {
    let root = root()?;
    let target = target(&root, &own_target()?, |name| env::var_os(name).map(PathBuf::from));
    let target = std::path::absolute(&target).map_err(|error| format!("{}: {error}", target.display()))?;
    // Until the program below takes our place, which takes it again.
    let _held = freshness::hold(&root, &target)?;
    freshness::settle(&root, &target)?;
    let program = target.join("debug").join(COMMANDS);
    build(&root, &target, &program)?;
    let failed = Command::new(&program).args(env::args_os().skip(1)).exec();
    Err(format!("{}: {failed}", program.display()))
}

/// The workspace that we are in. Where clones share a target folder, another one may have built us.
fn root() -> Result<PathBuf, String> {
    let here = env::current_dir().map_err(|error| format!("the current folder: {error}"))?;
    let found = here.ancestors().find(|folder| folder.join("xtask/Cargo.toml").exists());
    found.map(Path::to_owned).ok_or_else(|| format!("{} is not in Maily's workspace", here.display()))
}

/// Where cargo has built this program.
fn own_target() -> Result<PathBuf, String> {
    let own = env::current_exe().map_err(|error| format!("the path of this program: {error}"))?;
    own.parent()
        .and_then(Path::parent)
        .map(Path::to_owned)
        .ok_or_else(|| "this program is in no folder".into())
}

/// Where all else is built: where cargo was told to, by a variable or its configuration, and in the cache otherwise, where
/// clones share it and a clone stays small.
fn target(root: &Path, own: &Path, variable: impl Fn(&str) -> Option<PathBuf>) -> PathBuf {
    if variable("CARGO_TARGET_DIR").is_some() || own != root.join("target") {
        return own.to_owned();
    }
    let home = || variable("HOME").map(|home| home.join(".cache/maily"));
    variable("MAILY_CACHE").or_else(home).map_or_else(|| own.to_owned(), |cache| cache.join("target"))
}

fn build(root: &Path, target: &Path, program: &Path) -> Result<(), String> {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--package", COMMANDS, "--bins"]).current_dir(root).env("CARGO_TARGET_DIR", target);
    match program.exists() {
        true => drop(cargo.arg("--quiet")),
        false => {
            eprintln!("\x1b[1m==>\x1b[0m Building xtask's commands (one or two minutes on two cores, once)")
        }
    }
    match cargo.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("its commands do not build ({status})")),
        Err(error) => Err(format!("cargo: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_is_in_the_cache_unless_cargo_is_told_otherwise() {
        for (own, variables, target) in [
            ("/clone/target", &[("HOME", "/home")][..], "/home/.cache/maily/target"),
            ("/clone/target", &[("HOME", "/home"), ("MAILY_CACHE", "/cache")], "/cache/target"),
            ("/clone/target", &[("HOME", "/home"), ("CARGO_TARGET_DIR", "target")], "/clone/target"),
            ("/elsewhere", &[("HOME", "/home"), ("CARGO_TARGET_DIR", "/elsewhere")], "/elsewhere"),
            ("/configured", &[("HOME", "/home")], "/configured"),
            ("/clone/target", &[], "/clone/target"),
        ] {
            let variable = |name: &str| {
                variables.iter().find(|(known, _)| *known == name).map(|(_, value)| PathBuf::from(value))
            };
            let found = super::target(Path::new("/clone"), Path::new(own), variable);
            assert_eq!(found, Path::new(target), "{own} {variables:?}");
        }
    }
}
