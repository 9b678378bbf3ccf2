//! A small HTTPS client that keeps its connection: enough HTTP/1.1 (RFC 9112) for our edge listeners.

use std::{
    io::{Error, ErrorKind, Read, Result, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::Path,
    sync::Arc,
    time::Duration,
};

use maily_testkit::{Plan, Service};
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use rustls_pki_types::ServerName;
use socket2::{Domain, Socket, Type};

const CONNECT: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(60);
/// No answer that the tests ask for is longer.
const LONGEST: usize = 16 << 20;

/// A client of one edge listener.
pub struct Https {
    config: Arc<ClientConfig>,
    address: String,
    name: String,
    authorization: Option<String>,
    from: Option<Ipv4Addr>,
    stream: Option<Stream>,
}

type Stream = StreamOwned<ClientConnection, TcpStream>;

/// A request whose body is still being sent.
pub struct Begun {
    stream: Stream,
    said: Vec<u8>,
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
            from: None,
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

    /// Connects from this address of the machine's own: a listener takes it for another client.
    #[must_use]
    pub fn calling_from(mut self, address: Ipv4Addr) -> Self {
        self.from = Some(address);
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
        let head = self.head(method, path, headers, body.len());
        stream.write_all(&[head.as_bytes(), body].concat())?;
        stream.flush()?;
        let reply = receive(&mut stream)?;
        if !reply.head.contains("connection: close") {
            self.stream = Some(stream);
        }
        Ok(reply)
    }

    /// Begins a request with a body of so many bytes, on a connection of its own, and sends nothing of the body yet.
    ///
    /// # Errors
    /// No connection, or it broke.
    pub fn begin(&self, method: &str, path: &str, headers: &str, length: usize) -> Result<Begun> {
        let mut stream = self.connect()?;
        stream.write_all(self.head(method, path, headers, length).as_bytes())?;
        stream.flush()?;
        Ok(Begun { stream, said: Vec::new() })
    }

    fn head(&self, method: &str, path: &str, headers: &str, length: usize) -> String {
        let (host, key) = (&self.address, self.authorization.as_deref().unwrap_or_default());
        format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n{key}{headers}Content-Length: {length}\r\n\r\n")
    }

    fn connect(&self) -> Result<Stream> {
        let stream = tcp(self.from, &self.address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let name = ServerName::try_from(self.name.clone()).map_err(Error::other)?;
        let connection = ClientConnection::new(Arc::clone(&self.config), name).map_err(Error::other)?;
        Ok(StreamOwned::new(connection, stream))
    }
}

/// A connection to `host:port`, from this address of the machine's own where one is given.
///
/// # Errors
/// There is none within some seconds.
pub fn tcp(from: Option<Ipv4Addr>, address: &str) -> Result<TcpStream> {
    let Some(from) = from else { return TcpStream::connect(address) };
    let to: SocketAddr = address.parse().map_err(Error::other)?;
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((from, 0)).into())?;
    socket.connect_timeout(&to.into(), CONNECT)?;
    Ok(socket.into())
}

impl Begun {
    /// Sends more of the body.
    ///
    /// # Errors
    /// The connection broke.
    pub fn send(&mut self, piece: &[u8]) -> Result<()> {
        self.stream.write_all(piece)?;
        self.stream.flush()
    }

    /// The status of the answer once it has begun, for which no longer is waited than this.
    ///
    /// # Errors
    /// The connection broke, or what came is no answer.
    pub fn status(&mut self, most: Duration) -> Result<Option<u16>> {
        self.stream.sock.set_read_timeout(Some(most))?;
        let mut buffer = [0; 4 << 10];
        match self.stream.read(&mut buffer) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(read) => self.said.extend_from_slice(&buffer[..read]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => return Err(error),
        }
        // `HTTP/1.1 408 `
        if self.said.len() < 13 {
            return Ok(None);
        }
        status(&String::from_utf8_lossy(&self.said)).map(Some)
    }
}

fn status(head: &str) -> Result<u16> {
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    status.ok_or_else(|| Error::new(ErrorKind::InvalidData, "not HTTP"))
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
    let status = status(&head)?;
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
