//! Other people's programs: a Python with their client libraries, Go's TLS, OpenSSL.

use std::{
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
};

use maily_testkit::cache;

/// What a program said, and how it ended.
#[derive(Debug)]
pub struct Said {
    /// Its exit code; none after a signal.
    pub code: Option<i32>,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
}

impl Said {
    /// Whether it ended with exit code 0.
    #[must_use]
    pub fn ok(&self) -> bool {
        self.code == Some(0)
    }

    /// Both outputs.
    #[must_use]
    pub fn all(&self) -> String {
        format!("{}{}", self.out, self.err)
    }
}

/// Runs a program to its end, with this on its standard input.
///
/// # Panics
/// It can't be started.
pub fn run(command: &mut Command, input: &[u8]) -> Said {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    // A program that ends early closes its input: that is its own affair.
    let _ = child.stdin.take().map(|mut stdin| stdin.write_all(input));
    let output = child.wait_with_output().unwrap();
    Said {
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// The folder of peers' programs, `tests/peers`.
#[must_use]
pub fn folder() -> PathBuf {
    maily_testkit::workspace().join("tests/peers")
}

/// A Python script of [`folder`], in the interpreter with the peers' libraries.
///
/// # Panics
/// It is not installed; the failure says how it comes.
#[must_use]
pub fn python(script: &str) -> Command {
    let mut command = Command::new(cache::needed(cache::peers_python()));
    command.arg("-B").arg(folder().join(script));
    command
}

/// A certificate with its key, and the authority that a server has to be signed by.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The authority.
    pub ca: PathBuf,
    /// Certificate and key; nothing is sent without.
    pub pair: Option<(PathBuf, PathBuf)>,
}

/// What Go's client negotiated and was answered.
#[derive(Debug)]
pub struct Answer {
    /// The named group's code point; X25519MLKEM768 is 4588.
    pub curve: u32,
    /// The HTTP status.
    pub status: u16,
    /// The gRPC status, if it was a gRPC call.
    pub grpc: Option<u32>,
    /// The beginning of the body, quoted by Go's rules.
    pub body: String,
}

/// Sends one request with Go's client, which offers X25519MLKEM768 only; answers what it said where it failed.
///
/// # Errors
/// The connection or the request failed.
///
/// # Panics
/// The client is missing or prints something else.
pub fn go(identity: &Identity, name: &str, address: &str, path: &str, grpc: bool) -> Result<Answer, String> {
    let mut command = Command::new(cache::needed(cache::go_client()));
    command.args(["-address", address, "-name", name, "-path", path, "-ca"]).arg(&identity.ca);
    if let Some((certificate, key)) = &identity.pair {
        command.arg("-cert").arg(certificate).arg("-key").arg(key);
    }
    if grpc {
        command.arg("-grpc");
    }
    let said = run(&mut command, b"");
    if !said.ok() {
        return Err(said.err.trim().to_owned());
    }
    let field = |key: &str| -> String {
        let rest = said.out.split(key).nth(1).unwrap_or_else(|| panic!("no {key} in {}", said.out));
        rest.split(' ').next().unwrap_or_default().trim().to_owned()
    };
    Ok(Answer {
        curve: field("curve=").parse().unwrap(),
        status: field("status=").parse().unwrap(),
        grpc: field("grpc=").parse().ok(),
        body: said.out.split("body=").nth(1).unwrap_or_default().trim().to_owned(),
    })
}

/// `openssl s_client` against an address, with these arguments and this as what it sends.
#[must_use]
pub fn openssl(identity: &Identity, name: &str, address: &str, arguments: &[&str], input: &str) -> Said {
    let mut command = Command::new("openssl");
    command.args(["s_client", "-connect", address, "-servername", name, "-ign_eof", "-CAfile"]);
    command.arg(&identity.ca).args(arguments);
    if let Some((certificate, key)) = &identity.pair {
        command.arg("-cert").arg(certificate).arg("-key").arg(key);
    }
    run(&mut command, input.as_bytes())
}
