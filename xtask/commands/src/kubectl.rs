//! kubectl, always against a named kubeconfig or context: never against whatever happens to be current.

use std::{
    io::Write as _,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

use crate::{cluster::Layout, shell::Result};

/// How a cluster is reached.
#[derive(Clone, Debug)]
pub(crate) struct Kubectl {
    arguments: Vec<String>,
}

impl Kubectl {
    /// The cluster on this machine.
    pub(crate) fn cluster(layout: &Layout) -> Self {
        Self { arguments: vec![format!("--kubeconfig={}", layout.kubeconfig().display())] }
    }

    /// A context of the user's own kubeconfig.
    pub(crate) fn context(name: &str) -> Self {
        Self { arguments: vec![format!("--context={name}")] }
    }

    /// No cluster: for what needs none.
    pub(crate) fn any() -> Self {
        Self { arguments: Vec::new() }
    }

    /// A command, not yet started.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("kubectl");
        command.args(&self.arguments).args(arguments);
        command
    }

    /// Runs to the end, output shown.
    pub(crate) fn run(&self, arguments: &[&str]) -> Result<()> {
        crate::shell::run(&mut self.command(arguments))
    }

    /// Runs to the end and answers what it printed; its error is what it said.
    pub(crate) fn output(&self, arguments: &[&str]) -> Result<String> {
        let output =
            self.command(arguments).stdin(Stdio::null()).output().map_err(|error| missing(&error))?;
        match output.status.success() {
            true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
            false => Err(said(&output)),
        }
    }

    /// Gets objects as JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> Result<Value> {
        let text = self.output(&[arguments, &["-o", "json"]].concat())?;
        serde_json::from_str(&text).map_err(|error| format!("kubectl {}: {error}", arguments.join(" ")))
    }

    /// Applies manifests (server-side), quietly.
    pub(crate) fn apply(&self, manifests: &str) -> Result<()> {
        let arguments = ["apply", "--server-side", "--force-conflicts", "--field-manager=maily", "-f", "-"];
        self.input(&arguments, manifests).map(drop)
    }

    /// Runs with text on standard input and answers what it printed.
    pub(crate) fn input(&self, arguments: &[&str], text: &str) -> Result<String> {
        let output = self.fed(arguments, text)?;
        match output.status.success() {
            true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
            false => Err(said(&output)),
        }
    }

    /// The same, whatever the end is: the exit code, what it printed, what it said.
    pub(crate) fn code(&self, arguments: &[&str], text: &str) -> Result<(Option<i32>, String, String)> {
        let output = self.fed(arguments, text)?;
        Ok((output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned(), said(&output)))
    }

    fn fed(&self, arguments: &[&str], text: &str) -> Result<Output> {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| missing(&error))?;
        if let Some(mut input) = child.stdin.take() {
            // A refusal closes the pipe early; the refusal itself is what is worth reporting.
            let _ = input.write_all(text.as_bytes());
        }
        child.wait_with_output().map_err(|error| format!("kubectl: {error}"))
    }
}

fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if text.is_empty() { format!("kubectl failed ({})", output.status) } else { text }
}

fn missing(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "kubectl is missing: install it and try again".to_owned(),
        _ => format!("kubectl: {error}"),
    }
}
