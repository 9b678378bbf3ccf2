//! A real Redis for tests: a `redis-server` on 127.0.0.1 that keeps nothing, can be killed and started again.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{Authority, Error, Process, cache, files::write_private, ports};

const READY: Duration = Duration::from_secs(20);

/// How a Redis is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Plain TCP, nobody asked for a password.
    Open,
    /// TLS, and the password in [`Redis::password`].
    Secured,
}

/// A running Redis, or one that was killed. Dropping it kills it.
#[derive(Debug)]
pub struct Redis {
    dir: PathBuf,
    port: u16,
    access: Access,
    ca: PathBuf,
    process: Process,
}

impl Redis {
    /// Starts a Redis whose files are below `dir`.
    ///
    /// # Errors
    /// `redis-server` was not fetched (`cargo xtask test` does that), or does not become ready.
    pub fn start(dir: &Path, access: Access) -> Result<Self, Error> {
        let authority = Authority::open(dir.join("tls"))?;
        let (certificate, key) = authority.edge(&[])?;
        let port = ports::free_block(1)?;
        write_private(&dir.join("redis.password"), b"a password of a test")?;
        let ca = authority.ca();
        write_private(&config(dir), settings(access, port, dir, &[&ca, &certificate, &key]).as_bytes())?;
        let process = launch(dir)?;
        let mut redis = Self { dir: dir.to_owned(), port, access, ca, process };
        redis.wait_ready()?;
        Ok(redis)
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> String {
        let scheme = if self.access == Access::Open { "redis" } else { "rediss" };
        format!("{scheme}://127.0.0.1:{}/0", self.port)
    }

    /// Where it listens.
    #[must_use]
    pub fn socket(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// The authority's certificate, under [`Access::Secured`].
    #[must_use]
    pub fn ca(&self) -> &Path {
        &self.ca
    }

    /// The file of the password, under [`Access::Secured`].
    #[must_use]
    pub fn password(&self) -> PathBuf {
        self.dir.join("redis.password")
    }

    /// Kills it with SIGKILL; it forgets everything.
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

    /// Starts it again after [`Self::kill`], empty.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn restart(&mut self) -> Result<(), Error> {
        self.process = launch(&self.dir)?;
        self.wait_ready()
    }

    /// Asks it, under [`Access::Open`], one command of words with a space between; answers what it says first.
    ///
    /// # Errors
    /// It does not answer, or answers with an error.
    pub fn ask(&self, command: &str) -> Result<String, Error> {
        let answer = ask(self.port, command)
            .map_err(|error| Error::Refused(format!("Redis does not answer ({})", error.kind())))?;
        if answer.starts_with('-') { Err(Error::Refused(answer)) } else { Ok(answer) }
    }

    fn wait_ready(&mut self) -> Result<(), Error> {
        let (port, open) = (self.port, self.access == Access::Open);
        self.process.wait_ready(READY, || {
            let answer = if open {
                ask(port, "PING")
            } else {
                TcpStream::connect(("127.0.0.1", port)).map(|_| "+".into())
            };
            match answer {
                Ok(answer) if answer.starts_with('+') => Ok(()),
                Ok(answer) => Err(answer),
                Err(error) => Err(error.kind().to_string()),
            }
        })
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.process.kill();
    }
}

/// As an array of bulk strings (RESP), for a command on one line may have no more than 64 KiB.
fn ask(port: u16, command: &str) -> std::io::Result<String> {
    let words: Vec<&str> = command.split(' ').collect();
    let mut request = format!("*{}\r\n", words.len());
    for word in words {
        request += &format!("${}\r\n{word}\r\n", word.len());
    }
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.write_all(request.as_bytes())?;
    let mut answer = [0; 4096];
    let read = stream.read(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer[..read]).trim_end().to_owned())
}

fn launch(dir: &Path) -> Result<Process, Error> {
    let config = config(dir).to_string_lossy().into_owned();
    Process::start("redis", &cache::redis(), &[config], &dir.join("redis.log"))
}

fn config(dir: &Path) -> PathBuf {
    dir.join("redis.conf")
}

fn settings(access: Access, port: u16, dir: &Path, tls: &[&Path; 3]) -> String {
    let common = format!("bind 127.0.0.1\nsave \"\"\nappendonly no\ndir {}\n", dir.display());
    let [ca, certificate, key] = tls.map(Path::display);
    match access {
        Access::Open => format!("{common}port {port}\n"),
        Access::Secured => format!(
            "{common}port 0\ntls-port {port}\ntls-ca-cert-file {ca}\ntls-cert-file {certificate}\n\
             tls-key-file {key}\ntls-auth-clients no\nrequirepass \"a password of a test\"\n"
        ),
    }
}
