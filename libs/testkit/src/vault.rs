//! A real Vault for tests: a Vault core with TLS on 127.0.0.1, that can be killed and started again with its keys.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::{Value, json};

use crate::{Authority, Error, Process, cache, files::write_private, http, ports};

const READY: Duration = Duration::from_secs(60);

/// A running Vault, or one that was killed. Dropping it kills it.
#[derive(Debug)]
pub struct Vault {
    dir: PathBuf,
    base: u16,
    ca: PathBuf,
    pair: (PathBuf, PathBuf),
    process: Process,
}

impl Vault {
    /// Starts a Vault whose state is below `dir`.
    ///
    /// # Errors
    /// The program was not built (`cargo xtask test` does that), or does not become ready.
    pub fn start(dir: &Path) -> Result<Self, Error> {
        let authority = Authority::open(dir.join("tls"))?;
        let (ca, pair) = (authority.ca(), authority.edge(&[])?);
        let base = ports::free_block(2)?;
        let process = launch(dir, base, &pair)?;
        let mut vault = Self { dir: dir.to_owned(), base, ca, pair, process };
        vault.wait_ready()?;
        Ok(vault)
    }

    /// Its address for services: TLS, by the authority of [`Self::ca`].
    #[must_use]
    pub fn address(&self) -> String {
        format!("https://127.0.0.1:{}", self.base)
    }

    /// The authority's certificate.
    #[must_use]
    pub fn ca(&self) -> &Path {
        &self.ca
    }

    /// Kills it with SIGKILL.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Stops it for a while without killing it (SIGSTOP): connections stay open and nothing answers.
    pub fn freeze(&self) {
        self.process.signal(nix::sys::signal::Signal::SIGSTOP);
    }

    /// Ends [`Self::freeze`].
    pub fn thaw(&self) {
        self.process.signal(nix::sys::signal::Signal::SIGCONT);
    }

    /// Starts it again after [`Self::kill`], with what it knew.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn restart(&mut self) -> Result<(), Error> {
        self.process = launch(&self.dir, self.base, &self.pair)?;
        self.wait_ready()
    }

    /// Asks the operator's API: `POST sys/auth/approle`, say. Answers the status and the JSON, or null.
    ///
    /// # Errors
    /// It does not answer.
    pub fn operate(&self, method: &str, path: &str, body: &Value) -> Result<(u16, Value), Error> {
        let root = self.dir.join("vault/root-token");
        let token = fs::read_to_string(&root).map_err(Error::file(root))?;
        self.ask(&token, method, path, body)
    }

    /// Asks as the holder of this token.
    ///
    /// # Errors
    /// It does not answer.
    pub fn ask(&self, token: &str, method: &str, path: &str, body: &Value) -> Result<(u16, Value), Error> {
        let address = format!("127.0.0.1:{}", self.base + 1);
        http::request(&address, method, &format!("/v1/{path}"), &[("X-Vault-Token", token)], body)
    }

    /// As [`Self::operate`], where anything but success is an error.
    ///
    /// # Errors
    /// It refuses, or does not answer.
    pub fn operator(&self, method: &str, path: &str, body: &Value) -> Result<Value, Error> {
        match self.operate(method, path, body)? {
            (200..=299, answer) => Ok(answer),
            (status, answer) => Err(Error::Refused(format!("Vault: {method} {path}: {status} {answer}"))),
        }
    }

    /// Does what `libs/keys/vault/README.md` asks of an operator, for AppRole: the service's Transit mount, its policy,
    /// its role. `ttl` is the time that a login lasts. Answers the role id and the file of the secret id.
    ///
    /// # Errors
    /// As [`Self::operator`].
    pub fn admit(&self, service: &str, policy: &str, ttl: &str) -> Result<(String, PathBuf), Error> {
        let name = format!("maily-{service}");
        self.operator("POST", &format!("sys/mounts/{name}"), &json!({"type": "transit"}))?;
        self.operator("PUT", &format!("sys/policies/acl/{name}"), &json!({"policy": policy}))?;
        // Once for all services.
        let _ = self.operate("POST", "sys/auth/approle", &json!({"type": "approle"}))?;
        let role = format!("auth/approle/role/{name}");
        let settings = json!({
            "token_policies": [name], "token_no_default_policy": true, "token_ttl": ttl, "token_max_ttl": "24h",
        });
        self.operator("POST", &role, &settings)?;
        let id = self.operator("GET", &format!("{role}/role-id"), &Value::Null)?;
        let secret = self.operator("POST", &format!("{role}/secret-id"), &json!({}))?;
        let file = self.dir.join(format!("{name}.secret-id"));
        write_private(&file, secret["data"]["secret_id"].as_str().unwrap_or_default().as_bytes())?;
        Ok((id["data"]["role_id"].as_str().unwrap_or_default().to_owned(), file))
    }

    fn wait_ready(&mut self) -> Result<(), Error> {
        let address = format!("127.0.0.1:{}", self.base + 1);
        self.process.wait_ready(READY, || {
            match http::request(&address, "GET", "/v1/sys/health", &[], &Value::Null) {
                Ok((200, _)) => Ok(()),
                Ok((status, _)) => Err(format!("it answers with status {status}")),
                Err(error) => Err(error.to_string()),
            }
        })
    }
}

impl Drop for Vault {
    fn drop(&mut self) {
        self.process.kill();
    }
}

fn launch(dir: &Path, base: u16, pair: &(PathBuf, PathBuf)) -> Result<Process, Error> {
    let path = |path: &Path| path.to_string_lossy().into_owned();
    let arguments = [
        ["-data".to_owned(), path(&dir.join("vault"))],
        ["-listen".to_owned(), format!("127.0.0.1:{base}")],
        ["-plain".to_owned(), format!("127.0.0.1:{}", base + 1)],
        ["-cert".to_owned(), path(&pair.0)],
        ["-key".to_owned(), path(&pair.1)],
    ];
    Process::start("vault", &cache::vault(), arguments.as_flattened(), &dir.join("vault.log"))
}
