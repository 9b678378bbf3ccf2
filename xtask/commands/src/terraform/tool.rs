//! Terraform itself, the user's own: started in a root, its answers read.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::Value;

use crate::shell::{Result, output, run};

/// One root configuration and its working files, which stay in `.terraform` beside its providers.
pub(crate) struct Root {
    pub(crate) dir: PathBuf,
}

impl Root {
    pub(crate) fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// The plan that is shown and then applied. It may hold sensitive values: only its owner can read it.
    pub(crate) fn plan_file(&self) -> PathBuf {
        self.dir.join(".terraform/maily.tfplan")
    }

    /// What an apply that has not ended was creating.
    pub(crate) fn journal(&self) -> PathBuf {
        self.dir.join(".terraform/maily.applying.json")
    }

    /// Terraform in this root.
    pub(crate) fn terraform(&self, arguments: &[&str]) -> Command {
        terraform(&self.dir, arguments)
    }

    /// Fetches modules and providers and opens the state.
    pub(crate) fn init(&self) -> Result<()> {
        quiet(&mut self.terraform(&["init", "-input=false", "-no-color"]))
    }

    /// A saved plan as JSON.
    pub(crate) fn plan_json(&self, plan: &Path) -> Result<Value> {
        let plan = plan.display().to_string();
        let text = output(&mut self.terraform(&["show", "-json", &plan]))?;
        serde_json::from_str(&text).map_err(|error| format!("terraform show -json: {error}"))
    }

    /// Plans into the plan file; terraform's own messages are shown.
    pub(crate) fn plan(&self, arguments: &[&str]) -> Result<PathBuf> {
        let file = self.plan_file();
        let out = format!("-out={}", file.display());
        let mut command = self.terraform(&["plan", "-input=false", "-compact-warnings", &out]);
        // The summary says what matters; the whole plan is `terraform show FILE`.
        run(command.args(arguments).stdout(Stdio::null()))?;
        private(&file)?;
        Ok(file)
    }
}

pub(crate) fn terraform(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("terraform");
    command.arg(format!("-chdir={}", dir.display())).args(arguments).env("TF_IN_AUTOMATION", "1");
    command
}

/// Runs to the end; shows what was said only if it failed.
pub(crate) fn quiet(command: &mut Command) -> Result<()> {
    let Output { status, stdout, stderr } = answer(command)?;
    match status.success() {
        true => Ok(()),
        false => {
            // What it found on the way is on standard output; what stopped it is not.
            let said = if stderr.is_empty() { stdout } else { stderr };
            Err(format!("`terraform` failed: {}", String::from_utf8_lossy(&said).trim()))
        }
    }
}

/// Runs to the end; answers all that was said.
pub(crate) fn answer(command: &mut Command) -> Result<Output> {
    command.output().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            "terraform is missing: install Terraform 1.11 or newer and try again".to_owned()
        }
        _ => format!("terraform: {error}"),
    })
}

fn private(file: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = fs::Permissions::from_mode(0o600);
    fs::set_permissions(file, mode).map_err(|error| format!("{}: {error}", file.display()))
}
