//! A real Vault for tests: a Vault core with TLS, that can be killed and started again with its keys.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::{Map, Value, json};

use crate::{Authority, Error, Process, cache, files::write_private, http, ports};

const READY: Duration = Duration::from_secs(60);

/// A running Vault, or one that was killed. Dropping it kills it.
#[derive(Debug)]
pub struct Vault {
    dir: PathBuf,
    host: Ipv4Addr,
    base: u16,
    ca: PathBuf,
    pair: (PathBuf, PathBuf),
    process: Process,
}

impl Vault {
    /// Starts a Vault on 127.0.0.1 whose state is below `dir`.
    ///
    /// # Errors
    /// The program was not built (`cargo xtask test` does that), or does not become ready.
    pub fn start(dir: &Path) -> Result<Self, Error> {
        Self::start_at(dir, Ipv4Addr::LOCALHOST, &[])
    }

    /// Starts a Vault whose services reach it at another address of this machine, under these names too.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_at(dir: &Path, host: Ipv4Addr, names: &[String]) -> Result<Self, Error> {
        let authority = Authority::open(dir.join("tls"))?;
        let (ca, pair) = (authority.ca(), authority.edge(names)?);
        let base = ports::free_block(2)?;
        let process = launch(dir, SocketAddr::from((host, base)), &pair)?;
        let mut vault = Self { dir: dir.to_owned(), host, base, ca, pair, process };
        vault.wait_ready()?;
        Ok(vault)
    }

    /// Its address for services: TLS, by the authority of [`Self::ca`].
    #[must_use]
    pub fn address(&self) -> String {
        format!("https://{}", self.socket())
    }

    /// Where it listens for services.
    #[must_use]
    pub fn socket(&self) -> SocketAddr {
        SocketAddr::from((self.host, self.base))
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
        self.process = launch(&self.dir, self.socket(), &self.pair)?;
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

    /// Does what Vault's own program would at this command (its words behind `vault`), as far as our operators' pages use
    /// it. `file` reads what a command names: a policy, or the value of a field `NAME=@FILE`.
    ///
    /// # Errors
    /// As [`Self::operator`], or the command is not known here.
    pub fn command(&self, words: &[&str], file: &dyn Fn(&str) -> String) -> Result<Value, Error> {
        let flag = |name: &str| words.iter().find_map(|word| word.strip_prefix(name)).unwrap_or_default();
        let plain: Vec<&str> = words.iter().copied().filter(|word| !word.starts_with('-')).collect();
        let fields = |words: &[&str]| -> Map<String, Value> {
            let pairs = words.iter().filter_map(|word| word.split_once('='));
            let value = |text: &str| text.strip_prefix('@').map_or_else(|| text.to_owned(), file);
            pairs.map(|(name, text)| (name.to_owned(), value(text).into())).collect()
        };
        match plain.as_slice() {
            ["secrets", "enable", kind] => {
                let options = json!({ "version": flag("-version=") });
                let body =
                    json!({ "type": kind, "options": if *kind == "kv" { options } else { Value::Null } });
                self.operator("POST", &format!("sys/mounts/{}", flag("-path=")), &body)
            }
            ["secrets", "tune", mount] => {
                let body = json!({ "max_lease_ttl": flag("-max-lease-ttl=") });
                self.operator("POST", &format!("sys/mounts/{mount}/tune"), &body)
            }
            ["policy", "write", name, path] => {
                let policy = json!({ "policy": file(path) });
                self.operator("PUT", &format!("sys/policies/acl/{name}"), &policy)
            }
            ["policy", "delete", name] => {
                self.operator("DELETE", &format!("sys/policies/acl/{name}"), &Value::Null)
            }
            ["auth", "enable", kind] => {
                self.operator("POST", &format!("sys/auth/{kind}"), &json!({ "type": kind }))
            }
            ["read", path] => self.operator("GET", path, &Value::Null),
            ["write", path, rest @ ..] => self.operator("PUT", path, &fields(rest).into()),
            ["kv", how @ ("put" | "patch"), name, rest @ ..] => {
                let path = format!("{}/data/{name}", flag("-mount="));
                let mut data = Map::new();
                if *how == "patch" {
                    let known = self.operator("GET", &path, &Value::Null)?;
                    data = known["data"]["data"].as_object().cloned().unwrap_or_default();
                }
                data.extend(fields(rest));
                self.operator("POST", &path, &json!({ "data": data }))
            }
            _ => Err(Error::Refused(format!("vault {}: not known here", words.join(" ")))),
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

/// Its second listener, for the operator, is on loopback: it has no TLS.
fn launch(dir: &Path, listen: SocketAddr, pair: &(PathBuf, PathBuf)) -> Result<Process, Error> {
    let path = |path: &Path| path.to_string_lossy().into_owned();
    let arguments = [
        ["-data".to_owned(), path(&dir.join("vault"))],
        ["-listen".to_owned(), listen.to_string()],
        ["-plain".to_owned(), format!("127.0.0.1:{}", listen.port() + 1)],
        ["-cert".to_owned(), path(&pair.0)],
        ["-key".to_owned(), path(&pair.1)],
    ];
    Process::start("vault", &cache::vault(), arguments.as_flattened(), &dir.join("vault.log"))
}
