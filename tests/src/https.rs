//! A small HTTPS client that keeps its connection: enough HTTP/1.1 (RFC 9112) for our edge listeners.

use std::{
    io::{Error, ErrorKind, Read, Result, Write},
    net::TcpStream,
    path::Path,
    sync::Arc,
    time::Duration,
};

use maily_testkit::{Plan, Service};
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use rustls_pki_types::ServerName;

const PATIENCE: Duration = Duration::from_secs(60);
/// No answer that the tests ask for is longer.
const LONGEST: usize = 16 << 20;

/// A client of one edge listener.
pub struct Https {
    config: Arc<ClientConfig>,
    address: String,
    name: String,
    authorization: Option<String>,
    stream: Option<StreamOwned<ClientConnection, TcpStream>>,
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The header section, names in lower case.
    pub head: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Https {
    /// A client of a stack's edge listener, with the right key.
    ///
    /// # Panics
    /// The key can't be read.
    #[must_use]
    pub fn edge(plan: &Plan, service: Service) -> Self {
        Self::new(&plan.ca(), &plan.edge(service)).bearer(&plan.edge_key().unwrap())
    }

    /// A client of the listener at `host:port`, signed by this authority.
    ///
    /// # Panics
    /// The authority's file can't be used.
    #[must_use]
    pub fn new(ca: &Path, address: &str) -> Self {
        let config = maily_chassis::tls::edge_client(ca, &[b"http/1.1"]).unwrap();
        Self {
            config,
            address: address.to_owned(),
            name: "localhost".to_owned(),
            authorization: None,
            stream: None,
        }
    }

    /// Expects this name in the listener's certificate, and not `localhost`.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// Sends this key with every request.
    #[must_use]
    pub fn bearer(mut self, key: &str) -> Self {
        self.authorization = Some(format!("Authorization: Bearer {key}\r\n"));
        self
    }

    /// `GET`
    ///
    /// # Errors
    /// No connection, or it broke before the answer was there.
    pub fn get(&mut self, path: &str) -> Result<Reply> {
        self.send("GET", path, "", b"")
    }

    /// `POST` of a form.
    ///
    /// # Errors
    /// No connection, or it broke before the answer was there.
    pub fn post_form(&mut self, path: &str, body: &str) -> Result<Reply> {
        self.send("POST", path, "Content-Type: application/x-www-form-urlencoded\r\n", body.as_bytes())
    }

    /// Sends one request with these header lines (each ending in CRLF); a broken connection is not used again.
    ///
    /// # Errors
    /// No connection, or it broke before the answer was there.
    pub fn send(&mut self, method: &str, path: &str, headers: &str, body: &[u8]) -> Result<Reply> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => self.connect()?,
        };
        let (host, key) = (&self.address, self.authorization.as_deref().unwrap_or_default());
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\n{key}{headers}Content-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(&[head.as_bytes(), body].concat())?;
        stream.flush()?;
        let reply = receive(&mut stream)?;
        if !reply.head.contains("connection: close") {
            self.stream = Some(stream);
        }
        Ok(reply)
    }

    fn connect(&self) -> Result<StreamOwned<ClientConnection, TcpStream>> {
        let stream = TcpStream::connect(&self.address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let name = ServerName::try_from(self.name.clone()).map_err(Error::other)?;
        let connection = ClientConnection::new(Arc::clone(&self.config), name).map_err(Error::other)?;
        Ok(StreamOwned::new(connection, stream))
    }
}

impl Reply {
    /// The body as JSON.
    ///
    /// # Panics
    /// It is not.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

fn receive(stream: &mut impl Read) -> Result<Reply> {
    let mut bytes = Vec::new();
    let head_end = loop {
        match bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            Some(at) => break at,
            None => more(stream, &mut bytes)?,
        }
    };
    let mut body = bytes.split_off(head_end + 4);
    let head = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| Error::new(ErrorKind::InvalidData, "not HTTP"))?;
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    if let Some(length) = length.and_then(|length| length.trim().parse::<usize>().ok()) {
        while body.len() < length {
            more(stream, &mut body)?;
        }
    } else if head.contains("transfer-encoding: chunked") {
        while !body.ends_with(b"0\r\n\r\n") {
            more(stream, &mut body)?;
        }
        body = unchunked(&body).ok_or_else(|| Error::new(ErrorKind::InvalidData, "torn chunks"))?;
    }
    Ok(Reply { status, head, body })
}

fn more(stream: &mut impl Read, bytes: &mut Vec<u8>) -> Result<()> {
    let mut buffer = [0; 16 << 10];
    match stream.read(&mut buffer)? {
        0 => Err(ErrorKind::UnexpectedEof.into()),
        _ if bytes.len() > LONGEST => Err(Error::new(ErrorKind::InvalidData, "an endless answer")),
        read => {
            bytes.extend_from_slice(&buffer[..read]);
            Ok(())
        }
    }
}

/// RFC 9112, section 7.1, without trailers.
fn unchunked(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = bytes.windows(2).position(|window| window == b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&bytes[..line]).ok()?, 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(bytes.get(line + 2..line + 2 + size)?);
        bytes = bytes.get(line + 4 + size..)?;
    }
}
