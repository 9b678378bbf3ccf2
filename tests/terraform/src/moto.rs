//! A stand-in for S3, for the state's backend: moto, by its own program.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, Command, Stdio},
    thread,
};

use maily_testkit::cache;

const SIGNED: &str = "Content-Type: application/octet-stream\r\nAuthorization: AWS4-HMAC-SHA256 \
    Credential=loopback/20260101/eu-central-1/s3/aws4_request, SignedHeaders=host, Signature=0\r\n";

/// The server; it ends when this is dropped.
pub struct Moto {
    child: Child,
    address: String,
}

/// One answer.
pub struct Answer {
    /// The status line and the headers, in lower case.
    pub head: String,
    /// The body.
    pub body: String,
}

impl Moto {
    /// Starts the program on a free port of 127.0.0.1 and waits until it says which.
    ///
    /// # Panics
    /// It is not there, or ends before it listens.
    #[must_use]
    pub fn start() -> Self {
        let mut command = Command::new(cache::needed(cache::moto()));
        command.args(["-H", "127.0.0.1", "-p", "0"]).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = loop {
            let line = lines.next().expect("moto ended before it listened").unwrap();
            if let Some((_, address)) = line.split_once("Running on http://") {
                break address.trim().to_owned();
            }
        };
        // It logs each request; nobody may be kept waiting for a full pipe.
        thread::spawn(move || lines.for_each(drop));
        Self { child, address }
    }

    /// What Terraform is told to use this and nothing else.
    #[must_use]
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT_URL_S3", format!("http://{}", self.address)),
            ("AWS_ACCESS_KEY_ID", "loopback".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "loopback".to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ]
    }

    /// One request. Moto wants somebody to have signed, and does not look at the signature.
    ///
    /// # Panics
    /// There is no answer, or it is a failure other than 404.
    #[must_use]
    pub fn ask(&self, method: &str, path: &str, body: &str) -> Answer {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n{SIGNED}Connection: close\r\n\r\n{body}",
            self.address,
            body.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").expect("an HTTP answer");
        let status = head.split(' ').nth(1).unwrap_or_default();
        assert!(status.starts_with('2') || status == "404", "{method} {path}: {text}");
        Answer { head: head.to_lowercase(), body: body.to_owned() }
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Answer {
    /// Whether it is there.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.head.lines().next().is_some_and(|line| line.contains(" 20"))
    }
}
