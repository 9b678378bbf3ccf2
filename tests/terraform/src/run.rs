//! Programs: run to their end, with what they said.

use std::{
    path::Path,
    process::{Command, Output},
};

use maily_testkit::{cache, program};
use serde_json::Value;

/// How a program ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code; -1 if a signal ended it.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Ended {
    /// Fails the test unless the exit code is this.
    ///
    /// # Panics
    /// It is not.
    #[must_use]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}\n{}", self.out, self.err);
        self
    }

    /// Standard output as JSON.
    ///
    /// # Panics
    /// It is not.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}\n{}", self.out, self.err))
    }
}

/// Runs a command to its end.
///
/// # Panics
/// It can't be started.
pub fn run(command: &mut Command) -> Ended {
    let Output { status, stdout, stderr } =
        command.output().unwrap_or_else(|error| panic!("{}: {error}", command.get_program().display()));
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ended { code: status.code().unwrap_or(-1), out: text(stdout), err: text(stderr) }
}

/// Terraform in a folder.
#[must_use]
pub fn terraform(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("terraform");
    command.arg(format!("-chdir={}", dir.display())).args(arguments).env("TF_IN_AUTOMATION", "1");
    mirrored(command)
}

/// `cargo xtask terraform --dir DIR ARGUMENTS`, without cargo.
#[must_use]
pub fn xtask(tree: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program("maily-xtask"));
    command.arg("terraform").args(arguments).arg("--dir").arg(tree);
    mirrored(command)
}

/// A command whose Terraform takes providers from the cache and from nowhere else.
#[must_use]
pub fn mirrored(mut command: Command) -> Command {
    command.env("TF_CLI_CONFIG_FILE", cache::terraform_config());
    command
}
