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
    let (root, target) = (root()?, target()?);
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

/// Where cargo puts what it builds: this program is in there, in `debug`.
fn target() -> Result<PathBuf, String> {
    let own = env::current_exe().map_err(|error| format!("the path of this program: {error}"))?;
    own.parent()
        .and_then(Path::parent)
        .map(Path::to_owned)
        .ok_or_else(|| "this program is in no folder".into())
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
