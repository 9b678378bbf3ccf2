//! HTTP/2 clients that ask for much and take none of it: one has no room for its answers, the other takes back what it has
//! asked for. Every edge listener speaks HTTP/2; this is inference's, where the chat is.

use std::{collections::VecDeque, io, iter, net::Ipv4Addr, sync::Arc, time::Duration};

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
    net::TcpStream,
    runtime,
    task::JoinHandle,
    time::{Instant, sleep, timeout, timeout_at},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{Caller, INFERS, broken};
use crate::https::tcp;

/// Requests at once on a connection, as many as a listener lets there be (`libs/chassis`, `serve.rs`).
pub(super) const STREAMS: u64 = 100;
/// Connections with answers that wait. With one more in every so many seconds each is there for longer than the minute after
/// which the listener gives its answers up; and 50 requests a second are within the key's rate.
const HELD: usize = 32;
const EVERY: Duration = Duration::from_secs(2);
/// What RFC 9113 (6.9.2) has a client begin with.
const WINDOW: u32 = 65_535;
/// Requests that come and go together: h2 lets 20 of them wait for the server, and ends the connection at the next.
const FEW: usize = 16;
/// So many such bursts come before one of [`STREAMS`], which is too many.
const BURSTS: usize = 20;
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
            let (Ok(ended) | Err(ended)) = listener.take_back(caller).await;
            caller.tally.answer(ended);
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

    /// A connection with this window for each answer, and the word by which it ends; or that of one that did not begin.
    async fn open(&self, window: u32) -> Result<(SendRequest<Bytes>, JoinHandle<String>), String> {
        let opening = async {
            let stream = self.connect().await.map_err(|error| broken(&error))?;
            let mut builder = client::Builder::new();
            builder.initial_window_size(window);
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
        let (mut send, connection) = self.open(0).await?;
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

    /// Asks and takes back until the listener has had enough of it: the word by which it ends the connection.
    async fn take_back(&self, caller: &Caller<'_>) -> Result<String, String> {
        let (mut send, connection) = self.open(WINDOW).await?;
        for burst in iter::repeat_n(FEW, BURSTS).chain([STREAMS as usize]) {
            for _ in 0..burst {
                if connection.is_finished() {
                    break;
                }
                caller.tally.send();
                // A refusal is of a connection that is about to end.
                if let Ok((_, mut asked)) = send.send_request(self.request().body(()).unwrap(), true) {
                    asked.send_reset(Reason::CANCEL);
                }
            }
            sleep(BETWEEN).await;
        }
        let ended = timeout(PATIENCE, connection).await.map_err(|_| "left open".to_owned())?;
        // Where its last word and its end came at once, whoever asks once more is told the word.
        match send.send_request(self.request().body(()).unwrap(), true) {
            Err(error) if error.is_remote() => Ok(word(&error)),
            _ => ended.map_err(|error| format!("error: {error}")),
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
