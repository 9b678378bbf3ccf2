//! One process: its log, its end, and whether it is ready.

use std::{
    env,
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{Read as _, Write as _},
    net::TcpStream,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    process::{Child, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{detached::detached, error::Error};

const LOOK: Duration = Duration::from_millis(25);

/// A process of the stack.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a program in a process group of its own, so that Ctrl-C reaches only the one who started it, and with none
    /// of our descriptors ([`detached`]); what it prints goes to the end of `log`.
    ///
    /// # Errors
    /// The program is missing, or the log can't be opened.
    pub fn start(name: &str, program: &Path, arguments: &[String], log: &Path) -> Result<Self, Error> {
        if !program.is_file() {
            return Err(Error::Missing(program.to_owned()));
        }
        let open = || -> std::io::Result<(File, File)> {
            let file = OpenOptions::new().create(true).append(true).mode(0o600).open(log)?;
            Ok((file.try_clone()?, file))
        };
        let (out, err) = open().map_err(Error::file(log))?;
        let mut command = detached(program);
        for name in tools_variables() {
            command.env_remove(name);
        }
        let child = command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .spawn()
            .map_err(Error::file(program))?;
        Ok(Self { name: name.to_owned(), child, log: log.to_owned() })
    }

    /// What it is.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Kills it at once (SIGKILL) and waits until it is gone.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks it to end (SIGTERM; once, for a second one means "now"), and kills it after `grace`; answers how it ended.
    pub fn stop(&mut self, grace: Duration) -> Option<ExitStatus> {
        stop(&mut self.child, grace)
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        if let Ok(id) = i32::try_from(self.child.id()) {
            let _ = kill(Pid::from_raw(id), signal);
        }
    }

    /// An error that tells how it ended.
    pub(crate) fn end_of(&self, status: ExitStatus) -> Error {
        let why = last_line(&self.log).unwrap_or_else(|| status.to_string());
        Error::Ended { name: self.name.clone(), why, log: self.log.clone() }
    }

    /// Waits until `look` says ready.
    ///
    /// # Errors
    /// The process ended, or the deadline passed.
    pub fn wait_ready(
        &mut self,
        deadline: Duration,
        mut look: impl FnMut() -> Result<(), String>,
    ) -> Result<(), Error> {
        let end = Instant::now() + deadline;
        loop {
            let why = match look() {
                Ok(()) => return Ok(()),
                Err(why) => why,
            };
            if let Some(status) = self.ended() {
                return Err(self.end_of(status));
            }
            if Instant::now() >= end {
                let (name, log) = (self.name.clone(), self.log.clone());
                return Err(Error::NotReady { name, why, seconds: deadline.as_secs(), log });
            }
            pause();
        }
    }
}

/// Asks a child to end (SIGTERM), and kills it after `grace`; answers how it ended.
pub fn stop(child: &mut Child, grace: Duration) -> Option<ExitStatus> {
    // A child that has ended and was waited for has no process id any more.
    if let (Ok(None), Ok(id)) = (child.try_wait(), i32::try_from(child.id())) {
        let _ = kill(Pid::from_raw(id), Signal::SIGTERM);
    }
    let end = Instant::now() + grace;
    loop {
        match child.try_wait() {
            Ok(None) if Instant::now() < end => pause(),
            Ok(None) => {
                let _ = child.kill();
                return child.wait().ok();
            }
            ended => return ended.ok().flatten(),
        }
    }
}

/// Looks at another process again a moment later; there is no event to wait for.
pub fn pause() {
    pause_for(LOOK);
}

/// The same where a look starts a program itself (kubectl, docker): it must not take the time of what it waits for.
pub fn rest() {
    pause_for(LOOK * 20);
}

/// The same, after so long.
#[allow(clippy::disallowed_methods, reason = "polling a process, in a loop with a deadline")]
pub fn pause_for(time: Duration) {
    std::thread::sleep(time);
}

/// `MAILY_…` variables that are no setting of a section: those of xtask and the tests, which a service would refuse as
/// unknown keys, and `MAILY_DATA`, which would put every service on one folder.
fn tools_variables() -> impl Iterator<Item = OsString> {
    let ours = |name: &str| name.starts_with("MAILY_") && !name.contains("__");
    env::vars_os().map(|(name, _)| name).filter(move |name| name.to_str().is_some_and(ours))
}

fn last_line(log: &Path) -> Option<String> {
    let text = fs::read(log).ok()?;
    let text = String::from_utf8_lossy(&text[text.len().saturating_sub(4096)..]).into_owned();
    text.lines().rev().find(|line| !line.trim().is_empty()).map(ToOwned::to_owned)
}

/// Asks `/readyz` of a health listener.
///
/// # Errors
/// What it said, or why it could not be asked.
pub fn ready(address: &str) -> Result<(), String> {
    let answer = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        let request = format!("GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes())?;
        let mut answer = String::new();
        stream.take(4096).read_to_string(&mut answer)?;
        Ok(answer)
    };
    let answer = answer().map_err(|error| format!("no answer ({})", error.kind()))?;
    match answer.starts_with("HTTP/1.1 200") {
        true => Ok(()),
        false => Err(answer.lines().last().unwrap_or("no reason given").to_owned()),
    }
}
