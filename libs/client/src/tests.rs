//! The client against a listener with TLS: what it repeats, what it takes for an answer, and in which words it gives up.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use maily_chassis::{Edge, Problem};
use maily_testkit::{Authority, write_private};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::{Access, Call, Client, DATA, Failure, IO, NOPERM, UNAVAILABLE, USAGE};

/// A listener for clients, as a service has it.
struct Tls {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl axum::serve::Listener for Tls {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        loop {
            let (stream, address) = self.listener.accept().await.unwrap();
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

struct Service {
    dir: TempDir,
    url: String,
}

impl Service {
    async fn start(router: Router) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (certificate, key) = Authority::open(dir.path()).unwrap().edge(&[]).unwrap();
        write_private(&dir.path().join("client.key"), b"a key\n").unwrap();
        let listen = "127.0.0.1:0".parse().unwrap();
        let config = Edge::new(listen, certificate, key);
        let acceptor = maily_chassis::tls::edge_server(&config).unwrap().into();
        let listener = TcpListener::bind(listen).await.unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(Tls { listener, acceptor }, router).await });
        Self { dir, url }
    }

    fn client(&self, patience: u64) -> Client {
        self.try_client(&self.url, "client.key", patience).unwrap()
    }

    fn try_client(&self, url: &str, key: &str, patience: u64) -> Result<Client, Failure> {
        Client::new(&Access {
            url,
            ca: &self.dir.path().join("ca.pem"),
            key_file: &self.dir.path().join(key),
            patience: Duration::from_secs(patience),
        })
    }
}

fn said(failure: Failure) -> (u8, String) {
    (failure.code, failure.to_string())
}

#[tokio::test]
async fn a_call_is_made_until_it_is_answered() {
    let times = Arc::new(AtomicUsize::new(0));
    let counted = times.clone();
    let answer = move |headers: HeaderMap, body: String| async move {
        assert_eq!(headers[header::AUTHORIZATION], "Bearer a key");
        assert_eq!(body, "{}");
        match counted.fetch_add(1, Ordering::Relaxed) {
            0 => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not now").into_response(),
            1 => Problem::new(StatusCode::TOO_MANY_REQUESTS, "too many requests").into_response(),
            2 => "not JSON".into_response(),
            _ => r#"{"rows":3}"#.into_response(),
        }
    };
    let service = Service::start(Router::new().route("/", post(answer))).await;
    let reply = service.client(60).json(Call::post("/".into(), Some(b"{}".into()))).await.unwrap();
    assert_eq!((reply["rows"].as_u64(), times.load(Ordering::Relaxed)), (Some(3), 4));
}

#[tokio::test]
async fn a_refusal_is_one_sentence_and_its_exit_code() {
    let problem = |status, detail: &str| Problem::new(status, "no").detail(detail).into_response();
    let refuse = async move |axum::extract::Path(status): axum::extract::Path<u16>| -> Response {
        let status = StatusCode::from_u16(status).unwrap();
        // An answer that is not of our services has no sentence.
        if status == StatusCode::NOT_FOUND { status.into_response() } else { problem(status, "because") }
    };
    let service = Service::start(Router::new().route("/{status}", get(refuse))).await;
    let client = service.client(60);
    let ask = async |status: u16| {
        let call = Call::get(format!("/{status}")).refused(&[(400, DATA), (404, 67), (422, USAGE)]);
        said(client.json(call).await.unwrap_err())
    };
    for (status, code, sentence) in [
        (400, DATA, "because"),
        (401, NOPERM, "the service does not accept the key: because"),
        (403, NOPERM, "the key may not do this: because"),
        (404, 1, "HTTP status 404: this listener does not serve what was asked of it; see --url"),
        (409, 1, "HTTP status 409: because"),
        (422, USAGE, "because"),
        (500, 1, "HTTP status 500: because"),
        (507, IO, "because"),
    ] {
        assert_eq!(ask(status).await, (code, sentence.to_owned()));
    }
}

#[tokio::test]
async fn who_is_not_answered_gives_up_in_time() {
    let refuse = get(|| async { Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not now") });
    let service = Service::start(Router::new().route("/", refuse).route("/long", get("[\"long\"]"))).await;
    let (code, sentence) = said(service.client(1).json(Call::get("/".into())).await.unwrap_err());
    assert_eq!(code, UNAVAILABLE);
    assert!(sentence.ends_with("HTTP status 503 not now"), "{sentence}");
    let too_long = service.client(60).json(Call::get("/long".into()).answer(7)).await;
    assert_eq!(said(too_long.unwrap_err()), (UNAVAILABLE, "the answer is too long".into()));
    // Nobody listens on a port that was just given back.
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let nobody = service.try_client(&format!("https://{free}"), "client.key", 1).unwrap();
    let (code, sentence) = said(nobody.json(Call::get("/".into())).await.unwrap_err());
    assert!(code == UNAVAILABLE && sentence.contains("refused"), "{sentence}");
}

#[tokio::test]
async fn who_trusts_another_authority_is_told_at_once() {
    let service = Service::start(Router::new()).await;
    let other = Service::start(Router::new()).await;
    let client = other.try_client(&service.url, "client.key", 600).unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(30), client.json(Call::get("/".into()))).await;
    let (code, sentence) = said(ended.expect("it waits").unwrap_err());
    assert!(code == UNAVAILABLE && sentence.ends_with("doesn't sign this listener"), "{sentence}");
    assert!(sentence.contains("--ca "), "{sentence}");
}

#[tokio::test]
async fn what_can_not_be_used_is_said_before_anything_is_sent() {
    let service = Service::start(Router::new()).await;
    let refused = |url: &str, key: &str| said(service.try_client(url, key, 1).err().unwrap());
    for (url, key, part) in [
        ("nowhere", "client.key", "--url nowhere is not an address"),
        ("http://127.0.0.1:1", "client.key", "is not an https address"),
        (&service.url, "absent.key", "cannot read "),
    ] {
        let (code, sentence) = refused(url, key);
        assert!(code == USAGE && sentence.contains(part), "{sentence}");
    }
}
