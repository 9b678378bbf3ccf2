//! A real registry on 127.0.0.1, which Docker talks to without TLS.

use std::{net::TcpStream, path::Path, time::Duration};

use maily_testkit::{Process, cache, ports};
use tempfile::TempDir;

const READY: Duration = Duration::from_secs(20);

/// Debian's docker-registry; it ends, and forgets, when this is dropped.
pub struct Registry {
    process: Process,
    port: u16,
    _folder: TempDir,
}

impl Registry {
    /// Starts it on a free port and waits until it answers.
    ///
    /// # Panics
    /// It does not come.
    #[must_use]
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = ports::free_block(1).unwrap();
        let settings = folder.path().join("config.yml");
        std::fs::write(&settings, config(folder.path(), port)).unwrap();
        let program = cache::dir().join("bin/docker-registry");
        let arguments = ["serve".to_owned(), settings.display().to_string()];
        let log = folder.path().join("log");
        let mut process = Process::start("docker-registry", &program, &arguments, &log).unwrap();
        let address = format!("127.0.0.1:{port}");
        let answers = || TcpStream::connect(&address).map(drop).map_err(|error| error.to_string());
        process.wait_ready(READY, answers).unwrap();
        Self { process, port, _folder: folder }
    }

    /// As images name it.
    #[must_use]
    pub fn name(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.process.kill();
    }
}

fn config(folder: &Path, port: u16) -> String {
    format!(
        "version: 0.1\nlog: {{ level: warn }}\nhttp: {{ addr: \"127.0.0.1:{port}\" }}\n\
         storage: {{ filesystem: {{ rootdirectory: {} }} }}\n",
        folder.join("data").display()
    )
}
