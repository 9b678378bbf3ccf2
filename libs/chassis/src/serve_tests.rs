//! The listeners against real TLS clients: who is let in, who is not, and how they end.

use std::{path::Path, sync::Arc, time::Duration};

use axum::{Extension, Router, body::Body, middleware, routing::get};
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use maily_testkit::{Authority, write_private};
use rustls::{ClientConfig, crypto::aws_lc_rs};
use rustls_pki_types::ServerName;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Notify,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    client::{Connector, PeerClient},
    config::{Edge, Internal, Limits},
    edge::{self, EdgeAuth, Gate},
    internal::{self, Peer},
    key_hashes::{KeyHashes, key_hash},
    places::{Bounds, Places},
    proxies::Proxies,
    rate::Rate,
    serve::{Security, Server},
    tls,
};

pub(crate) struct Running {
    pub(crate) address: String,
    stop: CancellationToken,
    tasks: TaskTracker,
}

async fn serve(security: Security, router: Router) -> Running {
    serve_within(security, router, Limits::default()).await
}

pub(crate) async fn serve_within(security: Security, router: Router, limits: Limits) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let bounds = Bounds { all: limits.connections, each: limits.connections_per_address, at_work_too: false };
    let (places, proxies) = (Places::new(bounds), Proxies::default());
    run(Server { listener, security, router, limits, places, proxies })
}

pub(crate) fn run(server: Server) -> Running {
    let address = server.listener.local_addr().unwrap().to_string();
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    tasks.spawn(server.run(stop.clone(), tasks.clone()));
    Running { address, stop, tasks }
}

pub(crate) fn internal_config(authority: &Authority, service: &str) -> Internal {
    let (certificate, key) = authority.service(service).unwrap();
    Internal { listen: "127.0.0.1:0".parse().unwrap(), ca: authority.ca(), certificate, key }
}

/// A listener of `storage` that says who called.
async fn storage(authority: &Authority) -> Running {
    let who = get(|Extension(Peer(peer)): Extension<Peer>| async { peer });
    let router = Router::new()
        .route("/who", who)
        .layer(middleware::from_fn_with_state("storage", internal::authorise));
    let config = tls::internal_server(&internal_config(authority, "storage")).unwrap();
    serve(Security::Mutual(config), router).await
}

async fn ask(running: &Running, config: &Internal) -> Result<(StatusCode, String), crate::ClientError> {
    let connector = Connector::new("storage", &running.address, config, &[b"http/1.1"]).unwrap();
    let request = Request::get("/who").body(Body::empty()).unwrap();
    let response = PeerClient::new("storage", connector).request(request).await?;
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    Ok((status, String::from_utf8_lossy(&body).into_owned()))
}

#[tokio::test]
async fn the_certificate_names_the_caller_and_the_table_decides() {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::open(dir.path().join("a")).unwrap();
    let running = storage(&authority).await;
    let orchestrator = internal_config(&authority, "orchestrator");
    assert_eq!(ask(&running, &orchestrator).await.unwrap(), (StatusCode::OK, "orchestrator".to_owned()));
    let (status, _) = ask(&running, &internal_config(&authority, "guardrails")).await.unwrap();
    assert_eq!(status, StatusCode::FORBIDDEN);
    // The same name from another authority is nobody.
    let other = Authority::open(dir.path().join("b")).unwrap();
    let forged = Internal { ca: authority.ca(), ..internal_config(&other, "orchestrator") };
    assert!(ask(&running, &forged).await.is_err());
}

/// Sends one request with this TLS configuration; `None` where the server would not have it.
pub(crate) async fn raw(address: &str, name: &str, config: ClientConfig, request: &str) -> Option<String> {
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut stream = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await.ok()?;
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = String::new();
    // TLS 1.3 tells a client about a refused certificate only when it reads.
    stream.read_to_string(&mut answer).await.ok()?;
    Some(answer)
}

pub(crate) fn client(
    authority: &Authority,
    groups: &[&'static dyn rustls::crypto::SupportedKxGroup],
    own: Option<&str>,
) -> ClientConfig {
    let mut provider = aws_lc_rs::default_provider();
    provider.kx_groups = groups.to_vec();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(pem(&authority.ca())).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    match own {
        None => builder.with_no_client_auth(),
        Some(service) => {
            use rustls_pki_types::pem::PemObject as _;
            let (certificate, key) = authority.service(service).unwrap();
            let key = rustls_pki_types::PrivateKeyDer::from_pem_file(key).unwrap();
            builder.with_client_auth_cert(vec![pem(&certificate)], key).unwrap()
        }
    }
}

fn pem(path: &Path) -> rustls_pki_types::CertificateDer<'static> {
    use rustls_pki_types::pem::PemObject as _;
    rustls_pki_types::CertificateDer::from_pem_file(path).unwrap()
}

const WHO: &str = "GET /who HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn inside_ml_kem_and_a_certificate_are_required() {
    use aws_lc_rs::kx_group::{MLKEM768, SECP256R1, X25519, X25519MLKEM768};
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::open(dir.path()).unwrap();
    let running = storage(&authority).await;
    let name = tls::server_name("storage");
    let ask = async |config| raw(&running.address, &name, config, WHO).await;
    let served = ask(client(&authority, &[X25519MLKEM768], Some("orchestrator"))).await.unwrap();
    assert!(served.starts_with("HTTP/1.1 200"), "{served}");
    for groups in [&[X25519][..], &[SECP256R1], &[MLKEM768], &[X25519, SECP256R1]] {
        assert_eq!(ask(client(&authority, groups, Some("orchestrator"))).await, None, "{groups:?}");
    }
    assert_eq!(ask(client(&authority, &[X25519MLKEM768], None)).await, None);
}

#[tokio::test]
async fn the_edge_takes_classical_clients_that_have_a_key() {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::open(dir.path()).unwrap();
    let (certificate, key) = authority.edge(&[]).unwrap();
    let listen = "127.0.0.1:0".parse().unwrap();
    let config = Edge::new(listen, certificate, key);
    let keys = dir.path().join("keys");
    write_private(&keys, key_hash("ann", "k1").as_bytes()).unwrap();
    let gate =
        Arc::new(Gate::new(EdgeAuth::Bearer, KeyHashes::read(&keys).unwrap(), Rate::new(100, None, "test")));
    let who = get(|Extension(caller): Extension<edge::EdgeCaller>| async { caller.0 });
    let router = Router::new().route("/who", who).layer(middleware::from_fn_with_state(gate, edge::admit));
    let running = serve(Security::Tls(tls::edge_server(&config).unwrap()), router).await;
    let ask = async |request: String| {
        let config = client(&authority, &[aws_lc_rs::kx_group::X25519], None);
        raw(&running.address, "localhost", config, &request).await.unwrap()
    };
    let with = |header: &str| WHO.replace("\r\n\r\n", &format!("\r\n{header}\r\n\r\n"));
    let right = ask(with("Authorization: Bearer k1")).await;
    assert!(right.starts_with("HTTP/1.1 200") && right.ends_with("ann"), "{right}");
    for bad in [WHO.to_owned(), with("Authorization: Bearer k2")] {
        let answer = ask(bad).await;
        assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
        assert!(answer.contains("application/problem+json"), "{answer}");
    }
}

#[tokio::test]
async fn a_request_under_way_outlives_the_stop() {
    let (begun, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let route = {
        let (begun, go) = (Arc::clone(&begun), Arc::clone(&go));
        get(move || async move {
            begun.notify_one();
            go.notified().await;
            "done"
        })
    };
    let running = serve(Security::Plain, Router::new().route("/slow", route)).await;
    let mut stream = TcpStream::connect(&running.address).await.unwrap();
    stream.write_all(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    begun.notified().await;
    running.stop.cancel();
    running.tasks.close();
    go.notify_one();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("done"), "{answer}");
    tokio::time::timeout(Duration::from_secs(5), running.tasks.wait()).await.unwrap();
    assert!(TcpStream::connect(&running.address).await.is_err(), "no longer listening");
}

#[tokio::test]
async fn who_asks_for_nothing_loses_the_connection() {
    let limits = Limits { connections: 1, first_request_seconds: 1, idle_seconds: 1, ..Limits::default() };
    let running = serve_within(Security::Plain, Router::new().route("/", get("here")), limits).await;
    let ended = async |mut stream: TcpStream| {
        let mut rest = Vec::new();
        let reading = stream.read_to_end(&mut rest);
        tokio::time::timeout(Duration::from_secs(20), reading).await.expect("is closed").ok();
    };
    // Nothing, the beginning of HTTP/2 and no more, and of HTTP/1.1: each in turn holds the only place.
    for begun in [&b""[..], b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0", b"GET / HTTP/1.1\r\n"] {
        let mut stream = TcpStream::connect(&running.address).await.unwrap();
        stream.write_all(begun).await.unwrap();
        ended(stream).await;
    }
    let mut stream = TcpStream::connect(&running.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("here") && answer.contains("content-length: 4"), "{answer}");
}

#[tokio::test]
async fn a_head_is_bounded() {
    let running = serve(Security::Plain, Router::new().route("/", get("here"))).await;
    let is_served = async |bytes: usize| {
        let mut stream = TcpStream::connect(&running.address).await.unwrap();
        let long = "a".repeat(bytes);
        let head = format!("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Long: {long}\r\n\r\n");
        let mut answer = Vec::new();
        let exchange = async {
            stream.write_all(head.as_bytes()).await?;
            stream.read_to_end(&mut answer).await
        };
        let exchange = tokio::time::timeout(Duration::from_secs(20), exchange).await;
        let _reset_or_closed = exchange.expect("an answer, or an end");
        answer.starts_with(b"HTTP/1.1 200")
    };
    assert!(is_served(60 << 10).await);
    assert!(!is_served(65 << 10).await);
}

#[tokio::test]
async fn a_panic_is_answered_without_its_message() {
    let route = get(|| async { if true { panic!("ann@example.com") } else { "never" } });
    let router = Router::new().route("/", route).layer(middleware::from_fn(crate::panics::catch));
    let running = serve(Security::Plain, router).await;
    let mut stream = TcpStream::connect(&running.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 500") && answer.contains("application/problem+json"), "{answer}");
    assert!(!answer.contains("ann@"), "{answer}");
}
