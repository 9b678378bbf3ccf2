//! Accepting connections: limits, TLS with a deadline, HTTP/1.1 and HTTP/2 on one port, graceful end.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, extract::ConnectInfo};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use rustls::ServerConfig;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{config::Limits, internal::Peer, tls};

/// How connections of a listener are secured.
#[derive(Clone)]
pub(crate) enum Security {
    /// The health listener only.
    Plain,
    /// The edge: the caller is checked per request.
    Tls(Arc<ServerConfig>),
    /// Inside: the caller's certificate is checked by TLS and then names the peer.
    Mutual(Arc<ServerConfig>),
}

/// One listener with what it serves.
pub(crate) struct Server {
    pub(crate) listener: TcpListener,
    pub(crate) security: Security,
    pub(crate) router: Router,
    pub(crate) limits: Limits,
}

impl Server {
    /// Serves until `stop`, then lets requests under way finish; connections are tracked by `tasks`.
    pub(crate) async fn run(self, stop: CancellationToken, tasks: TaskTracker) {
        let slots = Arc::new(Semaphore::new(self.limits.connections));
        loop {
            // A slot first: what is beyond the limit waits in the kernel's queue, not in our memory.
            let slot = tokio::select! {
                () = stop.cancelled() => return,
                slot = Arc::clone(&slots).acquire_owned() => slot,
            };
            let accepted = tokio::select! {
                () = stop.cancelled() => return,
                accepted = self.listener.accept() => accepted,
            };
            let Ok((stream, address)) = accepted else {
                // Out of file descriptors, say: give the others a moment to end.
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            };
            let connection =
                serve(stream, address, self.security.clone(), self.router.clone(), self.limits, stop.clone());
            tasks.spawn(async move {
                connection.await;
                drop(slot);
            });
        }
    }
}

async fn serve(
    stream: TcpStream,
    address: SocketAddr,
    security: Security,
    router: Router,
    limits: Limits,
    stop: CancellationToken,
) {
    let _ = stream.set_nodelay(true);
    let router = router.layer(axum::Extension(ConnectInfo(address)));
    let (config, mutual) = match security {
        Security::Plain => return http(stream, router, stop).await,
        Security::Tls(config) => (config, false),
        Security::Mutual(config) => (config, true),
    };
    let handshake = TlsAcceptor::from(config).accept(stream);
    let Ok(Ok(stream)) = timeout(Duration::from_secs(limits.handshake_seconds), handshake).await else {
        tracing::debug!("a TLS handshake failed");
        return;
    };
    if !mutual {
        return http(stream, router, stop).await;
    }
    let certificates = stream.get_ref().1.peer_certificates();
    match certificates.and_then(|chain| chain.first()).and_then(tls::service_of) {
        Some(peer) => http(stream, router.layer(axum::Extension(Peer(peer))), stop).await,
        None => tracing::warn!("a client certificate without a service's SPIFFE id was refused"),
    }
}

async fn http<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    router: Router,
    stop: CancellationToken,
) {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(30));
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(Duration::from_secs(30))
        .max_concurrent_streams(256)
        .initial_stream_window_size(1 << 20)
        .initial_connection_window_size(4 << 20);
    let connection = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    tokio::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}
