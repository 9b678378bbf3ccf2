//! Listeners that are filled: who is served all the same, and who is counted as whom.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::ConnectInfo,
    middleware,
    routing::{any, get, post},
};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Notify,
    time::timeout,
};

use crate::{
    body::{self, Bodies, Budget},
    config::{Edge, Limits},
    edge::{self, EdgeAuth, Gate},
    key_hashes::KeyHashes,
    places::{Bounds, Places},
    proxies::Proxies,
    rate::Rate,
    serve::{Security, Server},
    serve_tests::{run, serve_within},
};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
/// More than any answer here takes.
const SOON: Duration = Duration::from_secs(20);

/// What comes back until the server closes; empty where it closes without an answer.
async fn send(mut stream: TcpStream, text: String) -> String {
    let mut answer = Vec::new();
    let exchange = async {
        stream.write_all(text.as_bytes()).await?;
        stream.read_to_end(&mut answer).await
    };
    let _reset_or_closed = timeout(SOON, exchange).await.expect("an answer, or an end");
    String::from_utf8_lossy(&answer).into_owned()
}

async fn ask(address: &str, text: &str) -> String {
    send(TcpStream::connect(address).await.unwrap(), text.to_owned()).await
}

/// Answers with the client's address; `/slow` when it is told to, having said that it was asked.
fn router(asked: &Arc<Notify>, go: &Arc<Notify>) -> Router {
    let (asked, go) = (Arc::clone(asked), Arc::clone(go));
    let slow = move || async move {
        asked.notify_one();
        go.notified().await;
        "done"
    };
    let who = async |ConnectInfo(client): ConnectInfo<SocketAddr>| client.ip().to_string();
    Router::new().route("/", get(who)).route("/slow", get(slow))
}

fn plain() -> Router {
    router(&Arc::default(), &Arc::default())
}

/// A listener whose clients come through 127.0.0.1, as this section says.
fn behind(forwarded_hop: Option<usize>, proxy_protocol: bool) -> Proxies {
    let mut config = Edge::new("127.0.0.1:0".parse().unwrap(), "c".into(), "k".into());
    config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    (config.forwarded_hop, config.proxy_protocol) = (forwarded_hop, proxy_protocol);
    Proxies::new("edge", &config).unwrap()
}

async fn server(router: Router, bounds: Bounds, proxies: Proxies) -> Server {
    Server {
        listener: TcpListener::bind("127.0.0.1:0").await.unwrap(),
        security: Security::Plain,
        router,
        limits: Limits::default(),
        places: Places::new(bounds),
        proxies,
    }
}

#[tokio::test]
async fn silent_connections_keep_nobody_out() {
    let limits = Limits { connections: 4, ..Limits::default() };
    let running = serve_within(Security::Plain, plain(), limits).await;
    let mut silent = Vec::new();
    for begun in [&b""[..], b"GET / HTTP/1.1\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"", b"", b""] {
        let mut stream = TcpStream::connect(&running.address).await.unwrap();
        stream.write_all(begun).await.unwrap();
        silent.push(stream);
    }
    for _ in 0..8 {
        let answer = ask(&running.address, GET).await;
        assert!(answer.ends_with("127.0.0.1"), "{answer}");
    }
}

#[tokio::test]
async fn one_address_has_its_share_and_work_is_left_alone() {
    let (asked, go) = (Arc::default(), Arc::default());
    let limits = Limits { connections: 8, connections_per_address: 2, ..Limits::default() };
    let running = serve_within(Security::Plain, router(&asked, &go), limits).await;
    let mut working = Vec::new();
    for _ in 0..2 {
        let stream = TcpStream::connect(&running.address).await.unwrap();
        working.push(tokio::spawn(send(stream, GET.replace(" / ", " /slow "))));
        asked.notified().await;
    }
    assert_eq!(ask(&running.address, GET).await, "", "a third is closed");
    go.notify_one();
    go.notify_one();
    for answer in working {
        let answer = answer.await.unwrap();
        assert!(answer.ends_with("done"), "{answer}");
    }
}

/// Whether somebody else is served before long, though the only place was taken.
async fn another_is_served(address: &str) -> bool {
    // Refused until the listener has seen that nobody reads there, which is nothing that it tells.
    let served = async {
        while !ask(address, GET).await.starts_with("HTTP/1.1 200") {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(SOON, served).await.is_ok()
}

#[tokio::test]
async fn who_does_not_read_an_answer_gives_way() {
    let endless = async || {
        Body::from_stream(futures::stream::repeat(Ok::<_, Infallible>("0123456789abcdef".repeat(1_024))))
    };
    let limits = Limits { connections: 1, ..Limits::default() };
    let router = plain().route("/endless", get(endless));
    let running = serve_within(Security::Plain, router, limits).await;
    let mut unread = TcpStream::connect(&running.address).await.unwrap();
    unread.write_all(GET.replace(" / ", " /endless ").as_bytes()).await.unwrap();
    let mut begun = [0; 12];
    timeout(SOON, unread.read_exact(&mut begun)).await.unwrap().unwrap();
    assert_eq!(&begun, b"HTTP/1.1 200");
    assert!(another_is_served(&running.address).await);
}

#[tokio::test]
async fn who_opens_no_window_for_an_answer_gives_way() {
    let limits = Limits { connections: 1, ..Limits::default() };
    let running = serve_within(Security::Plain, plain(), limits).await;
    let stream = TcpStream::connect(&running.address).await.unwrap();
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder.initial_stream_window_size(0);
    let (mut send, connection) = builder.handshake::<_, Body>(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = http::Request::get("http://a/").body(Body::empty()).unwrap();
    let _unread = timeout(SOON, send.send_request(request)).await.unwrap().unwrap();
    assert!(another_is_served(&running.address).await);
}

/// Reads bodies, for which it waits as long as it takes, and tells when it has begun.
fn gathering(asked: &Arc<Notify>) -> Router {
    let asked = Arc::clone(asked);
    let gather = move |body: Body| async move {
        asked.notify_one();
        let _torn = axum::body::to_bytes(body, 1 << 20).await;
    };
    let bodies = Bodies { budget: Budget::new(64 << 20), streams: None, patience: 60 * SOON };
    plain().route("/gather", post(gather)).layer(middleware::from_fn_with_state(bodies, body::bounded))
}

#[tokio::test]
async fn who_does_not_send_a_body_gives_way() {
    for pause in [None, Some(Duration::from_millis(200))] {
        let asked = Arc::default();
        let limits = Limits { connections: 1, ..Limits::default() };
        let running = serve_within(Security::Plain, gathering(&asked), limits).await;
        let mut unsent = TcpStream::connect(&running.address).await.unwrap();
        let head = "POST /gather HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\n\r\n";
        unsent.write_all(head.as_bytes()).await.unwrap();
        timeout(SOON, asked.notified()).await.unwrap();
        let trickles = async {
            while let Some(pause) = pause
                && unsent.write_all(b"a").await.is_ok()
            {
                tokio::time::sleep(pause).await;
            }
            std::future::pending::<()>().await
        };
        tokio::select! {
            served = another_is_served(&running.address) => assert!(served, "{pause:?}"),
            () = trickles => {}
        }
    }
}

#[tokio::test]
async fn who_does_not_send_a_body_over_http_2_gives_way() {
    let asked = Arc::default();
    let limits = Limits { connections: 1, ..Limits::default() };
    let running = serve_within(Security::Plain, gathering(&asked), limits).await;
    let stream = TcpStream::connect(&running.address).await.unwrap();
    let (mut send, connection) =
        http2::handshake::<_, _, Body>(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let never = Body::from_stream(futures::stream::pending::<Result<Bytes, Infallible>>());
    let request = http::Request::post("http://a/gather").body(never).unwrap();
    let _unsent = tokio::spawn(send.send_request(request));
    timeout(SOON, asked.notified()).await.unwrap();
    assert!(another_is_served(&running.address).await);
}

#[tokio::test]
async fn a_probe_is_answered_when_every_place_is_at_work() {
    let (asked, go) = (Arc::default(), Arc::default());
    let bounds = Bounds { all: 2, each: usize::MAX, at_work_too: true };
    let running = run(server(router(&asked, &go), bounds, Proxies::default()).await);
    for _ in 0..2 {
        let stream = TcpStream::connect(&running.address).await.unwrap();
        tokio::spawn(send(stream, GET.replace(" / ", " /slow ")));
        asked.notified().await;
    }
    assert!(ask(&running.address, GET).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn the_proxy_protocol_names_the_client() {
    let bounds = Bounds { all: 64, each: 1, at_work_too: false };
    let (asked, go) = (Arc::default(), Arc::default());
    let running = run(server(router(&asked, &go), bounds, behind(None, true)).await);
    let from = |client: &str, rest: &str| format!("PROXY TCP4 {client} 10.0.0.1 5000 443\r\n{rest}");
    for client in ["192.0.2.1", "192.0.2.2"] {
        let answer = ask(&running.address, &from(client, GET)).await;
        assert!(answer.ends_with(client), "{answer}");
    }
    let local = ask(&running.address, &format!("PROXY UNKNOWN\r\n{GET}")).await;
    assert!(local.ends_with("127.0.0.1"), "{local}");
    assert_eq!(ask(&running.address, GET).await, "", "a proxy that does not say it");
    let stream = TcpStream::connect(&running.address).await.unwrap();
    let slow = from("192.0.2.1", &GET.replace(" / ", " /slow "));
    let working = tokio::spawn(send(stream, slow));
    asked.notified().await;
    assert_eq!(ask(&running.address, &from("192.0.2.1", GET)).await, "", "one connection each");
    assert!(ask(&running.address, &from("192.0.2.2", GET)).await.ends_with("192.0.2.2"));
    go.notify_one();
    assert!(working.await.unwrap().ends_with("done"));
}

#[tokio::test]
async fn requests_are_counted_for_whom_a_proxy_forwards_them() {
    let proxies = behind(Some(1), false);
    let gate = Gate::new(EdgeAuth::Own, KeyHashes::default(), Rate::new(2, None, "test"));
    let gate = Arc::new(gate.behind(proxies.clone()));
    let router = Router::new()
        .route("/", any(async || "here"))
        .layer(middleware::from_fn_with_state(gate, edge::admit));
    let bounds = Bounds { all: 64, each: 1, at_work_too: false };
    let running = run(server(router, bounds, proxies).await);
    let ask = async |forwarded: &str| {
        let request = GET.replace("\r\n\r\n", &format!("\r\nX-Forwarded-For: {forwarded}\r\n\r\n"));
        ask(&running.address, &request).await.starts_with("HTTP/1.1 200")
    };
    let mut passed = 0;
    for n in 0..50 {
        // What stands further left is the client's own invention.
        passed += usize::from(ask(&format!("198.51.100.{n}, 192.0.2.1")).await);
    }
    assert!((2..50).contains(&passed), "{passed}");
    assert!(ask("192.0.2.2").await, "another client has its own rate");
}
