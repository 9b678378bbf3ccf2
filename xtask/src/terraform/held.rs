//! One running Azure provider for all tests: for every `run` of a test Terraform would start it anew, and ask for its schema
//! anew, which is most of what mocked tests do. This is Terraform's way of attaching to a provider in a debugger.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

/// What tells Terraform where running providers are.
pub(super) const ATTACH: &str = "TF_REATTACH_PROVIDERS";
const AZURE: &str = "hashicorp/azurerm";
/// A provider that has said nothing by then is not waited for: Terraform starts it itself.
const READY: Duration = Duration::from_secs(30);

/// The provider; it ends when this is dropped.
pub(super) struct Held {
    child: Child,
    attach: String,
}

impl Held {
    /// Starts the one that `terraform init` chose for this folder. None, if the folder has none or it can't be held.
    pub(super) fn start(dir: &Path) -> Option<Self> {
        let mut command = Command::new(program(dir)?);
        command.arg("-debuggable").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().ok()?;
        let output = child.stdout.take()?;
        let mut held = Self { child, attach: String::new() };
        let (send, receive) = mpsc::channel();
        // Reads to the end: a full pipe would stop the provider.
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if let Some(attach) = attach(&line) {
                    let _ = send.send(attach.to_owned());
                }
            }
        });
        held.attach = receive.recv_timeout(READY).ok()?;
        Some(held)
    }

    /// The value of [`ATTACH`].
    pub(super) fn attach(&self) -> &str {
        &self.attach
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether a folder that was initialised uses the provider.
pub(super) fn is_used(dir: &Path) -> bool {
    program(dir).is_some()
}

/// `.terraform/providers/HOST/hashicorp/azurerm/VERSION/PLATFORM/terraform-provider-azurerm_vVERSION`.
fn program(dir: &Path) -> Option<PathBuf> {
    let hosts = dir.join(".terraform/providers").read_dir().ok()?.flatten();
    let versions = hosts.map(|host| host.path().join(AZURE)).find(|versions| versions.is_dir())?;
    let inner = |folder: PathBuf| Some(folder.read_dir().ok()?.next()?.ok()?.path());
    inner(inner(inner(versions)?)?)
}

/// What is between the quotes of `TF_REATTACH_PROVIDERS='…'`.
fn attach(line: &str) -> Option<&str> {
    line.trim().strip_prefix(ATTACH)?.strip_prefix("='")?.strip_suffix('\'')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_provider_says_is_found() {
        let line = "\tTF_REATTACH_PROVIDERS='{\"registry.terraform.io/hashicorp/azurerm\":{}}'";
        assert_eq!(attach(line), Some("{\"registry.terraform.io/hashicorp/azurerm\":{}}"));
        assert_eq!(attach("Provider started. Set TF_REATTACH_PROVIDERS"), None);
    }

    #[test]
    fn a_folder_without_the_provider_holds_none() {
        assert!(Held::start(Path::new("/nonexistent")).is_none());
    }
}
