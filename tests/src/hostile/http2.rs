//! HTTP/2 clients that ask for much and take none of it: one has no room for its answers, the other takes back what it has
//! asked for. Every edge listener speaks HTTP/2; this is inference's, where the chat is.

use std::{collections::VecDeque, io, net::Ipv4Addr, sync::Arc, time::Duration};

use bytes::Bytes;
use h2::{
    Reason, RecvStream,
    client::{self, SendRequest},
};
use http::{Request, request};
use maily_testkit::Service;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    runtime,
    task::JoinHandle,
    time::{Instant, sleep, timeout, timeout_at},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{Caller, INFERS, broken};
use crate::https::tcp;

/// Requests at once on a connection, as many as a listener lets there be (`libs/chassis`, `serve.rs`).
pub(super) const STREAMS: u64 = 16;
/// Connections with answers that wait. With one more in every so many seconds each is there for longer than the minute after
/// which the listener gives its answers up; and 8 requests a second are within the key's rate.
const HELD: usize = 32;
const EVERY: Duration = Duration::from_secs(2);
/// Requests that come and go together: h2 lets 20 of them wait for the server, and ends the connection at the next. The last
/// burst is too many.
const BURSTS: [u32; 21] = {
    let mut bursts = [16; 21];
    bursts[20] = 100;
    bursts
};
/// A client's first words: RFC 9113, 3.4, and an empty SETTINGS.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
/// `GET https://localhost/` by the static table of RFC 7541, and its authority as a literal.
const HEAD: &[u8] = b"\x82\x87\x84\x01\x09localhost";
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const GOAWAY: u8 = 7;
const END_OF_STREAM_AND_HEADERS: u8 = 5;
/// RFC 9113, 4.2: as long as a frame can be, for nothing else was agreed.
const LONGEST: usize = 16_384;
const BETWEEN: Duration = Duration::from_millis(50);
/// How long an answer, or a connection's end, may take on a machine that does all of this at once.
const PATIENCE: Duration = Duration::from_secs(60);

/// With a window of nothing, of which no answer's first byte can be sent.
pub(super) fn unread(caller: &Caller<'_>) {
    run(async {
        let listener = Listener::new(caller, 14);
        let mut held: VecDeque<Waiting> = VecDeque::new();
        while caller.goes_on() {
            let before = held.len();
            held.retain(|waiting| !waiting.connection.is_finished());
            (held.len()..before).for_each(|_| caller.tally.answer("closed"));
            if held.len() >= HELD {
                held.pop_front();
            }
            match listener.ask(caller).await {
                Ok(waiting) => held.push_back(waiting),
                Err(ended) => caller.tally.answer(ended),
            }
            sleep(EVERY).await;
        }
    });
}

/// Each request is reset behind its head (CVE-2023-44487), without a key.
pub(super) fn taken_back(caller: &Caller<'_>) {
    run(async {
        let listener = Listener::new(caller, 15);
        while caller.goes_on() {
            caller.tally.answer(listener.take_back(caller).await);
            sleep(BETWEEN).await;
        }
    });
}

fn run(work: impl Future<Output = ()>) {
    runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work);
}

/// Inference's listener, as one address calls it.
struct Listener {
    config: Arc<ClientConfig>,
    address: String,
    from: Ipv4Addr,
}

/// A connection whose answers have begun. To drop it is to take them back.
struct Waiting {
    connection: JoinHandle<String>,
    _send: SendRequest<Bytes>,
    _bodies: Vec<RecvStream>,
}

impl Listener {
    fn new(caller: &Caller<'_>, host: u8) -> Self {
        let plan = &caller.all.plan;
        let config = maily_chassis::tls::edge_client(&plan.ca(), &[b"h2"]).unwrap();
        Self { config, address: plan.edge(Service::Inference), from: Ipv4Addr::new(127, 0, 2, host) }
    }

    async fn connect(&self) -> io::Result<TlsStream<TcpStream>> {
        let stream = tcp(Some(self.from), &self.address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
        let connector = TlsConnector::from(Arc::clone(&self.config));
        connector.connect(name, TcpStream::from_std(stream)?).await
    }

    /// A connection without a window for answers, and the word by which it ends; or that of one that did not begin.
    async fn open(&self) -> Result<(SendRequest<Bytes>, JoinHandle<String>), String> {
        let opening = async {
            let stream = self.connect().await.map_err(|error| broken(&error))?;
            let mut builder = client::Builder::new();
            builder.initial_window_size(0);
            builder.handshake::<_, Bytes>(stream).await.map_err(|error| word(&error))
        };
        let opened = timeout(PATIENCE, opening).await;
        let (send, connection) = opened.unwrap_or_else(|_| Err("no connection".to_owned()))?;
        let connection = async move {
            let done = connection.await;
            done.map_or_else(|error| word(&error), |()| format!("{:?}", Reason::NO_ERROR))
        };
        Ok((send, tokio::spawn(connection)))
    }

    fn request(&self) -> request::Builder {
        Request::get(format!("https://{}/v1/models", self.address))
    }

    /// Asks as often as it may, and reads of each answer the head.
    async fn ask(&self, caller: &Caller<'_>) -> Result<Waiting, String> {
        let (mut send, connection) = self.open().await?;
        let mut answers = Vec::new();
        for _ in 0..STREAMS {
            let request = self.request().header("authorization", format!("Bearer {INFERS}"));
            caller.tally.send();
            let asked = send.send_request(request.body(()).unwrap(), true);
            let (answer, _) = asked.map_err(|error| word(&error))?;
            answers.push(answer);
        }
        let end = Instant::now() + PATIENCE;
        let mut bodies = Vec::new();
        for answer in answers {
            match timeout_at(end, answer).await {
                Ok(Ok(answer)) => {
                    caller.tally.answer(answer.status().as_str());
                    bodies.push(answer.into_body());
                }
                Ok(Err(error)) => caller.tally.answer(word(&error)),
                Err(_) => caller.tally.answer("no answer"),
            }
        }
        Ok(Waiting { connection, _send: send, _bodies: bodies })
    }

    /// Asks and takes back until the listener has had enough of it: the word by which it ends the connection. Frames are
    /// written by hand: a client's library keeps to what the listener allows.
    async fn take_back(&self, caller: &Caller<'_>) -> String {
        let work = async {
            let mut stream = self.connect().await?;
            stream.write_all(PREFACE).await?;
            let mut ids = (1..).step_by(2);
            for burst in BURSTS {
                let mut frames = Vec::new();
                for id in ids.by_ref().take(burst as usize) {
                    frame(&mut frames, HEADERS, END_OF_STREAM_AND_HEADERS, id, HEAD);
                    frame(&mut frames, RST_STREAM, 0, id, &u32::from(Reason::CANCEL).to_be_bytes());
                    caller.tally.send();
                }
                stream.write_all(&frames).await?;
                stream.flush().await?;
                sleep(BETWEEN).await;
            }
            farewell(&mut stream).await
        };
        match timeout(PATIENCE, work).await {
            Ok(Ok(reason)) => format!("{reason:?}"),
            Ok(Err(error)) => broken(&error),
            Err(_) => "left open".to_owned(),
        }
    }
}

/// Appends a frame (RFC 9113, 4.1).
fn frame(frames: &mut Vec<u8>, kind: u8, flags: u8, id: u32, payload: &[u8]) {
    frames.extend_from_slice(&u32::try_from(payload.len()).unwrap().to_be_bytes()[1..]);
    frames.extend_from_slice(&[kind, flags]);
    frames.extend_from_slice(&id.to_be_bytes());
    frames.extend_from_slice(payload);
}

/// Reads frames up to the one that says why the connection ends.
async fn farewell(stream: &mut TlsStream<TcpStream>) -> io::Result<Reason> {
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        if length > LONGEST {
            return Err(io::Error::other("a frame is too long"));
        }
        let mut payload = vec![0; length];
        stream.read_exact(&mut payload).await?;
        if let (GOAWAY, Some(reason)) = (head[3], payload.get(4..8)) {
            return Ok(u32::from_be_bytes(reason.try_into().unwrap()).into());
        }
    }
}

/// The listener's word for an end, or what became of the connection without one.
fn word(error: &h2::Error) -> String {
    match (error.reason(), error.get_io()) {
        // Our side ends a connection, too, with which the listener has told it to come to an end.
        (Some(reason), _) if error.is_remote() || reason == Reason::NO_ERROR => format!("{reason:?}"),
        (_, Some(why)) => broken(why),
        _ => format!("error: {error}"),
    }
}
