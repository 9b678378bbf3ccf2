//! A Terraform provider that stays. Terraform would start one anew for every step of every command, check its digest, and
//! ask for its schema anew: most of the processor's time, where the provider itself has little to do. This is Terraform's
//! way of attaching to a provider that runs in a debugger.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use serde_json::{Map, Value};

use crate::error::Error;

/// What a provider that has said nothing by then is not waited for.
const READY: Duration = Duration::from_secs(60);

/// The provider; it ends when this is dropped.
#[derive(Debug)]
pub struct Provider {
    child: Child,
    attach: Map<String, Value>,
}

impl Provider {
    /// The environment variable that tells Terraform where running providers are.
    pub const ATTACH: &str = "TF_REATTACH_PROVIDERS";

    /// Starts a provider's program with these environment variables and waits until Terraform may attach to it.
    ///
    /// # Errors
    /// It can't be started, or it does not say where it is.
    pub fn start(program: &Path, settings: &[(&str, String)]) -> Result<Self, Error> {
        let mut command = Command::new(program);
        command.arg("-debuggable").envs(settings.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(Error::file(program))?;
        let (send, receive) = mpsc::channel();
        let output = child.stdout.take().map(BufReader::new);
        // Reads to the end: a full pipe would stop the provider.
        thread::spawn(move || {
            let lines = output.into_iter().flat_map(BufRead::lines).map_while(Result::ok);
            for attach in lines.filter_map(|line| self::attach(&line)) {
                let _ = send.send(attach);
            }
        });
        let mut provider = Self { child, attach: Map::new() };
        let silent = |_| Error::Refused(format!("{} does not say where it is", program.display()));
        provider.attach = receive.recv_timeout(READY).map_err(silent)?;
        Ok(provider)
    }

    /// The value of [`Self::ATTACH`] for these providers.
    #[must_use]
    pub fn attach(providers: &[Self]) -> String {
        let all = providers.iter().flat_map(|provider| provider.attach.clone());
        Value::Object(all.collect()).to_string()
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What is between the quotes of `TF_REATTACH_PROVIDERS='…'`: an object with the provider's address as its key.
fn attach(line: &str) -> Option<Map<String, Value>> {
    let text = line.trim().strip_prefix(Provider::ATTACH)?.strip_prefix("='")?.strip_suffix('\'')?;
    serde_json::from_str(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_provider_says_is_found() {
        let line = "\tTF_REATTACH_PROVIDERS='{\"registry.terraform.io/hashicorp/azurerm\":{\"Pid\":7}}'";
        assert_eq!(attach(line).unwrap()["registry.terraform.io/hashicorp/azurerm"]["Pid"], 7);
        assert_eq!(attach("Provider started. Set TF_REATTACH_PROVIDERS"), None);
    }

    #[test]
    fn what_is_no_provider_is_an_error() {
        assert!(Provider::start(Path::new("/nonexistent"), &[]).is_err());
        assert!(Provider::start(Path::new("/bin/true"), &[]).is_err());
    }
}
