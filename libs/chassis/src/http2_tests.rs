//! HTTP/2 at a listener, seen by a client of frames: answers without a body, or that nobody reads, bodies that wait for a word that
//! never comes, or for their reader, and how many requests there may be at once.
//!
//! hyper sends `100 Continue` on HTTP/1.1 only (hyperium/hyper#2743, open; h2 has `send_informational`, and hyper's server keeps the
//! stream to itself). RFC 9110, 10.1.1, has such a client send its body all the same; what is here is that nobody hangs.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes},
    middleware,
    routing::{get, put},
};
use http::{Method, Request, StatusCode};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use maily_testkit::Authority;
use rustls::crypto::aws_lc_rs::kx_group::X25519MLKEM768;
use rustls_pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    sync::{mpsc, watch},
    time::timeout,
};
use tokio_rustls::TlsConnector;

use crate::{
    body::{self, Bodies, Budget},
    closed,
    config::Limits,
    readiness::Readiness,
    serve::Security,
    serve_tests::{client, internal_config, serve_within},
    tls,
};

/// More than any answer here takes.
const SOON: Duration = Duration::from_secs(20);

async fn connect(address: &str) -> SendRequest<Body> {
    let stream = TcpStream::connect(address).await.unwrap();
    let (send, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    send
}

#[tokio::test]
async fn an_answer_to_head_has_no_body_whatever_it_says() {
    let readiness = Readiness::default();
    let router = Router::new()
        .route("/", get("here"))
        .layer(middleware::from_fn_with_state(readiness.clone(), closed::refuse));
    let running = serve_within(Security::Plain, router, Limits::default()).await;
    let mut send = connect(&running.address).await;
    let mut ask = async |method: Method, path: &str| {
        let uri = format!("http://a{path}");
        let request = Request::builder().method(method).uri(uri).body(Body::empty()).unwrap();
        let answer = timeout(SOON, send.send_request(request)).await.unwrap().unwrap();
        let (status, ended) = (answer.status(), answer.body().is_end_stream());
        (status, ended, answer.into_body().collect().await.unwrap().to_bytes())
    };
    assert_eq!(ask(Method::GET, "/").await, (StatusCode::OK, false, "here".into()));
    assert_eq!(ask(Method::HEAD, "/").await, (StatusCode::OK, true, Bytes::new()));
    assert_eq!(ask(Method::HEAD, "/absent").await, (StatusCode::NOT_FOUND, true, Bytes::new()));
    readiness.close("a test");
    let (status, ended, problem) = ask(Method::GET, "/").await;
    assert!(status == StatusCode::SERVICE_UNAVAILABLE && !ended && !problem.is_empty());
    assert_eq!(ask(Method::HEAD, "/").await, (StatusCode::SERVICE_UNAVAILABLE, true, Bytes::new()));
}

/// Reads a body whole, or refuses it by its head.
fn router(patience: Duration) -> Router {
    let bodies = Bodies { budget: Budget::new(1 << 20), streams: None, patience };
    Router::new()
        .route("/gather", put(async |body: Bytes| body.len().to_string()))
        .route("/refuse", put(async || StatusCode::FORBIDDEN))
        .layer(middleware::from_fn_with_state(bodies, body::bounded))
}

/// A request that announces a body and waits, and what its body is sent by.
fn expecting(path: &str) -> (mpsc::Sender<Bytes>, Request<Body>) {
    let (pieces, sent) = mpsc::channel::<Bytes>(1);
    let sent = futures::stream::unfold(sent, async |mut sent: mpsc::Receiver<Bytes>| {
        let piece = sent.recv().await?;
        Some((Ok::<_, std::convert::Infallible>(piece), sent))
    });
    let request = Request::put(format!("http://a{path}")).header("expect", "100-continue");
    (pieces, request.header("content-length", "5").body(Body::from_stream(sent)).unwrap())
}

#[tokio::test]
async fn who_waits_for_continue_gets_the_final_answer() {
    let limits = Limits::default();
    let running = serve_within(Security::Plain, router(body::AT_THE_EDGE), limits).await;
    let mut send = connect(&running.address).await;
    let (_never_sent, refused) = expecting("/refuse");
    let refused = timeout(SOON, send.send_request(refused)).await.unwrap().unwrap();
    assert_eq!(refused.status(), StatusCode::FORBIDDEN, "before the body");

    let (pieces, request) = expecting("/gather");
    let mut answer = std::pin::pin!(send.send_request(request));
    let waited = timeout(Duration::from_millis(200), answer.as_mut()).await;
    assert!(waited.is_err(), "nothing comes, and the body is waited for");
    pieces.send("hello".into()).await.unwrap();
    drop(pieces);
    let answer = timeout(SOON, answer).await.unwrap().unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "5");

    let hasty = serve_within(Security::Plain, router(Duration::from_millis(200)), limits).await;
    let (_never_sent, silent) = expecting("/gather");
    let late = timeout(SOON, connect(&hasty.address).await.send_request(silent)).await.unwrap().unwrap();
    assert_eq!(late.status(), StatusCode::REQUEST_TIMEOUT, "who waits for good is told, too");
}

#[tokio::test]
async fn on_http_1_continue_is_said_where_the_body_is_read() {
    let running = serve_within(Security::Plain, router(body::AT_THE_EDGE), Limits::default()).await;
    for (path, said) in [("/gather", "HTTP/1.1 100"), ("/refuse", "HTTP/1.1 403")] {
        let mut stream = TcpStream::connect(&running.address).await.unwrap();
        let head =
            format!("PUT {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut begun = [0; 12];
        timeout(SOON, stream.read_exact(&mut begun)).await.unwrap().unwrap();
        assert_eq!(str::from_utf8(&begun), Ok(said), "{path}");
    }
}

/// A frame of HTTP/2 (RFC 9113, 4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

#[tokio::test]
async fn an_answer_that_is_not_read_is_held_by_its_handler() {
    const ANSWERS: usize = 16;
    const PIECES: usize = 96;
    let (given, mut seen) = watch::channel(0);
    let given = Arc::new(given);
    let pieces = move || {
        let given = Arc::clone(&given);
        let piece = move |_| {
            given.send_modify(|given| *given += 1);
            Ok::<_, Infallible>(vec![0_u8; body::LEAST])
        };
        std::future::ready(Body::from_stream(futures::stream::iter((0..PIECES).map(piece))))
    };
    let router = Router::new().route("/", get(pieces));
    let running = serve_within(Security::Plain, router, Limits::default()).await;
    let mut stream = TcpStream::connect(&running.address).await.unwrap();
    let wide = 0x7fff_ffff_u32;
    let mut asked = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    // SETTINGS_INITIAL_WINDOW_SIZE, and WINDOW_UPDATE of the connection: the client has room for everything.
    asked.extend(frame(4, 0, 0, &[&[0, 4][..], &wide.to_be_bytes()].concat()));
    asked.extend(frame(8, 0, 0, &(wide - 65_535).to_be_bytes()));
    for n in 0..u32::try_from(ANSWERS).unwrap() {
        // HEADERS, all of the request: GET, http, "/", and the authority "a" (RFC 7541, appendix A).
        asked.extend(frame(1, 5, 2 * n + 1, &[0x82, 0x86, 0x84, 0x41, 1, b'a']));
    }
    stream.write_all(&asked).await.unwrap();
    timeout(SOON, seen.wait_for(|given| *given >= ANSWERS)).await.unwrap().unwrap();
    // The kernel takes a few MB of the 24 MiB, and h2 nothing to speak of.
    let all = timeout(Duration::from_secs(2), seen.wait_for(|given| *given == ANSWERS * PIECES)).await;
    assert!(all.is_err(), "nobody has read them");
}

/// How many requests at once a listener allows, as its first frame says.
async fn allowed(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> Option<u32> {
    let begun = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), frame(4, 0, 0, &[])].concat();
    stream.write_all(&begun).await.unwrap();
    stream.flush().await.unwrap();
    let mut head = [0; 9];
    timeout(SOON, stream.read_exact(&mut head)).await.unwrap().unwrap();
    assert_eq!(head[3], 4, "SETTINGS");
    let mut settings = vec![0; usize::from(u16::from_be_bytes([head[1], head[2]]))];
    timeout(SOON, stream.read_exact(&mut settings)).await.unwrap().unwrap();
    // SETTINGS_MAX_CONCURRENT_STREAMS (6.5.2).
    let found = settings.chunks_exact(6).find(|setting| setting[..2] == [0, 3]);
    found.map(|setting| u32::from_be_bytes([setting[2], setting[3], setting[4], setting[5]]))
}

#[tokio::test]
async fn a_service_has_more_requests_at_once_than_others() {
    let limits = Limits::default();
    let running = serve_within(Security::Plain, router(body::AT_THE_EDGE), limits).await;
    let stream = TcpStream::connect(&running.address).await.unwrap();
    assert_eq!(allowed(stream).await, Some(16));

    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::open(dir.path()).unwrap();
    let config = tls::internal_server(&internal_config(&authority, "storage")).unwrap();
    let running = serve_within(Security::Mutual(config), router(body::INSIDE), limits).await;
    let own = client(&authority, &[X25519MLKEM768], Some("orchestrator"));
    let name = ServerName::try_from(tls::server_name("storage")).unwrap();
    let stream = TcpStream::connect(&running.address).await.unwrap();
    let stream = TlsConnector::from(Arc::new(own)).connect(name, stream).await.unwrap();
    assert_eq!(allowed(stream).await, Some(100));
}

/// Holds a body, and never reads it.
async fn hold(_body: Body) -> StatusCode {
    std::future::pending().await
}

#[tokio::test]
async fn bodies_that_wait_do_not_hold_up_others_of_their_connection() {
    const LONG: usize = 1 << 20;
    let read = put(async |body: Bytes| body.len().to_string());
    let router = Router::new().route("/hold", put(hold)).route("/read", read);
    let running = serve_within(Security::Plain, router, Limits::default()).await;
    let mut send = connect(&running.address).await;
    let mut ask = |path: &str| {
        let request = Request::put(format!("http://a{path}")).body(Body::from(vec![0_u8; LONG])).unwrap();
        send.send_request(request)
    };
    let _waiting: Vec<_> = (0..15).map(|_| tokio::spawn(ask("/hold"))).collect();
    let answer = timeout(SOON, ask("/read")).await.unwrap().unwrap();
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), LONG.to_string());
}

#[tokio::test]
async fn a_long_answer_comes_whole() {
    const LONG: usize = 64 << 20;
    let router = Router::new().route("/", get(async || vec![7_u8; LONG]));
    let running = serve_within(Security::Plain, router, Limits::default()).await;
    let mut send = connect(&running.address).await;
    let request = Request::get("http://a/").body(Body::empty()).unwrap();
    let answer = timeout(SOON, send.send_request(request)).await.unwrap().unwrap();
    let body = timeout(SOON, answer.into_body().collect()).await.unwrap().unwrap().to_bytes();
    assert!(body.len() == LONG && body.iter().all(|byte| *byte == 7));
}
