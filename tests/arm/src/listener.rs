//! The listeners: HTTPS with a certificate of our own, and a tunnel to it for host names that nobody resolves.

use std::{fs, io, net::Ipv4Addr, path::Path, sync::Arc, time::Duration};

use axum::{Router, serve::Listener};
use rcgen::{CertificateParams, KeyPair};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, copy_bidirectional},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, PrivateKeyDer},
    },
    server::TlsStream,
};

use crate::entra::DOMAIN;

const HANDSHAKE: Duration = Duration::from_secs(10);
/// No request line or header of a tunnel is longer.
const LINES: usize = 64;

/// Where it listens.
pub(crate) struct Listeners {
    pub(crate) port: u16,
    pub(crate) proxy: u16,
}

impl Listeners {
    pub(crate) async fn bind() -> (Self, TcpListener, TcpListener) {
        let tls = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let proxy = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = |listener: &TcpListener| listener.local_addr().unwrap().port();
        (Self { port: port(&tls), proxy: port(&proxy) }, tls, proxy)
    }
}

/// Makes the certificate; it is its own authority and goes to `ca`.
pub(crate) fn certificate(ca: &Path) -> Arc<ServerConfig> {
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()].into_iter();
    let data_planes = ["vault", "core", "blob.core", "azurecr"].map(|label| format!("*.{label}.{DOMAIN}"));
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(names.chain(data_planes).collect::<Vec<_>>()).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    fs::write(ca, certificate.pem()).unwrap();
    let chain = vec![CertificateDer::from(certificate.der().to_vec())];
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    Arc::new(config)
}

/// Serves until the runtime ends.
pub(crate) async fn serve(listener: TcpListener, config: Arc<ServerConfig>, router: Router) {
    let listener = Tls { listener, acceptor: TlsAcceptor::from(config) };
    axum::serve(listener, router).await.unwrap();
}

struct Tls {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for Tls {
    type Io = TlsStream<TcpStream>;
    type Addr = std::net::SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let Ok((stream, address)) = self.listener.accept().await else { continue };
            if let Ok(Ok(stream)) = timeout(HANDSHAKE, self.acceptor.accept(stream)).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

/// An HTTP proxy that knows `CONNECT` and takes every connection to our own port.
pub(crate) async fn tunnel(listener: TcpListener, port: u16) {
    loop {
        let Ok((client, _)) = listener.accept().await else { continue };
        // A client that breaks off is its own affair.
        tokio::spawn(async move { connect(client, port).await.ok() });
    }
}

async fn connect(client: TcpStream, port: u16) -> io::Result<()> {
    let mut client = BufReader::new(client);
    let mut line = String::new();
    client.read_line(&mut line).await?;
    let known = line.starts_with("CONNECT ") && line.contains(DOMAIN);
    for _ in 0..LINES {
        line.clear();
        if client.read_line(&mut line).await? <= 2 {
            break;
        }
    }
    if !known {
        // Nothing else may be reached: a test that wants the internet should fail.
        return client.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n").await;
    }
    let mut server = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}
