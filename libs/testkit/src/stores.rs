//! Real object stores for tests: versitygw, which speaks S3 over a folder, and Azurite, Microsoft's own stand-in for Azure Blob
//! Storage. Each can be killed, frozen, and started again with what it has.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use jiff::Timestamp;
use serde_json::Value;

use crate::{Error, Process, cache, files::write_private, http, ports};

const READY: Duration = Duration::from_secs(60);
/// The bucket, or container, that is there at the start.
const BUCKET: &str = "maily";
const KEY_ID: &str = "maily";
const SECRET: &str = "a secret of a test, and of no other store";
/// Azurite's account and its key, which Microsoft's documentation gives to everybody (*Use the Azurite emulator*).
const ACCOUNT: &str = "devstoreaccount1";
const ACCOUNT_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
/// Of Azure's API, as object_store speaks it.
const API: &str = "2023-11-03";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    S3,
    Azure,
}

/// A running object store, or one that was killed. Dropping it kills it.
#[derive(Debug)]
pub struct ObjectServer {
    kind: Kind,
    dir: PathBuf,
    port: u16,
    process: Process,
}

impl ObjectServer {
    /// Starts versitygw, whose files are below `dir`.
    ///
    /// # Errors
    /// The program was not built (`cargo xtask test` does that), or does not become ready.
    pub fn s3(dir: &Path) -> Result<Self, Error> {
        // Its folders are buckets.
        let bucket = dir.join("s3").join(BUCKET);
        fs::create_dir_all(&bucket).map_err(Error::file(&bucket))?;
        let keys = format!("access_key_id = {KEY_ID:?}\nsecret_access_key = {SECRET:?}\n");
        Self::start(Kind::S3, dir, &keys)
    }

    /// Starts Azurite, whose files are below `dir`.
    ///
    /// # Errors
    /// As [`Self::s3`].
    pub fn azure(dir: &Path) -> Result<Self, Error> {
        let server = Self::start(Kind::Azure, dir, &format!("account_key = {ACCOUNT_KEY:?}\n"))?;
        create_container(&server.socket().to_string())?;
        Ok(server)
    }

    fn start(kind: Kind, dir: &Path, keys: &str) -> Result<Self, Error> {
        write_private(&dir.join("store.toml"), keys.as_bytes())?;
        let port = ports::free_block(1)?;
        let process = launch(kind, dir, port)?;
        let mut server = Self { kind, dir: dir.to_owned(), port, process };
        server.wait_ready()?;
        Ok(server)
    }

    /// Where it listens.
    #[must_use]
    pub fn socket(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// The table of the configuration for what it has below `prefix`, in TOML.
    #[must_use]
    pub fn settings(&self, prefix: &str) -> String {
        self.settings_of(BUCKET, prefix)
    }

    /// The same for another bucket, which need not be there.
    #[must_use]
    pub fn settings_of(&self, bucket: &str, prefix: &str) -> String {
        let (scheme, place, account) = match self.kind {
            Kind::S3 => ("s3", String::new(), String::new()),
            Kind::Azure => ("az", format!("/{ACCOUNT}"), format!("account = {ACCOUNT:?}\n")),
        };
        format!(
            "url = \"{scheme}://{bucket}/{prefix}\"\nendpoint = \"http://{}{place}\"\n{account}credentials = {:?}\n",
            self.socket(),
            self.credentials()
        )
    }

    /// The file of its keys.
    #[must_use]
    pub fn credentials(&self) -> PathBuf {
        self.dir.join("store.toml")
    }

    /// Kills it with SIGKILL.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again after [`Self::kill`], with what it has.
    ///
    /// # Errors
    /// As [`Self::s3`].
    pub fn restart(&mut self) -> Result<(), Error> {
        self.process = launch(self.kind, &self.dir, self.port)?;
        self.wait_ready()
    }

    fn wait_ready(&mut self) -> Result<(), Error> {
        let address = self.socket().to_string();
        let path = if self.kind == Kind::S3 { "/healthz" } else { "/" };
        self.process.wait_ready(READY, || match http::request(&address, "GET", path, &[], &Value::Null) {
            // Azurite answers nobody without a signature.
            Ok((status, _)) if status < 500 => Ok(()),
            Ok((status, _)) => Err(format!("it answers with status {status}")),
            Err(error) => Err(error.to_string()),
        })
    }
}

impl Drop for ObjectServer {
    fn drop(&mut self) {
        self.process.kill();
    }
}

fn launch(kind: Kind, dir: &Path, port: u16) -> Result<Process, Error> {
    let log = dir.join("store.log");
    let port = port.to_string();
    match kind {
        Kind::S3 => {
            let (folder, address) = (dir.join("s3").display().to_string(), format!("127.0.0.1:{port}"));
            let arguments = [
                "--access", KEY_ID, "--secret", SECRET, "--port", &address, "--health", "/healthz", "posix",
                &folder,
            ];
            Process::start("versitygw", &cache::versitygw(), &arguments.map(str::to_owned), &log)
        }
        Kind::Azure => {
            let folder = dir.join("azure").display().to_string();
            let arguments = [
                "--silent",
                "--disableTelemetry",
                "--skipApiVersionCheck",
                "--blobHost",
                "127.0.0.1",
                "--blobPort",
                &port,
                "--location",
                &folder,
            ];
            Process::start("azurite", &cache::azurite(), &arguments.map(str::to_owned), &log)
        }
    }
}

/// *Create Container*, signed as *Authorize with Shared Key* has it (both of the Azure Storage REST API).
fn create_container(address: &str) -> Result<(), Error> {
    let date = Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let resource = format!("/{ACCOUNT}/{BUCKET}");
    // Of the headers between the verb and the resource a request of ours has the type of its body, and Azure's own two.
    let signed = format!(
        "PUT\n\n\n\n\napplication/json\n\n\n\n\n\n\nx-ms-date:{date}\nx-ms-version:{API}\n/{ACCOUNT}{resource}\nrestype:container"
    );
    let key = BASE64.decode(ACCOUNT_KEY).unwrap_or_default();
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), signed.as_bytes());
    let authorization = format!("SharedKey {ACCOUNT}:{}", BASE64.encode(signature));
    let headers =
        [("x-ms-date", date.as_str()), ("x-ms-version", API), ("Authorization", authorization.as_str())];
    let path = format!("{resource}?restype=container");
    match http::request(address, "PUT", &path, &headers, &Value::Null)? {
        // It may be there from before.
        (201 | 409, _) => Ok(()),
        (status, _) => Err(Error::Refused(format!("Azurite makes no container: status {status}"))),
    }
}
