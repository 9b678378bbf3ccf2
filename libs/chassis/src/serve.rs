//! Accepting connections: limits, TLS with a deadline, HTTP/1.1 and HTTP/2 on one port, graceful end.

use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::ConnectInfo,
};
use http::{Request, Response};
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use rustls::ServerConfig;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt as _;

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
        Security::Plain => return http(stream, router, limits, stop).await,
        Security::Tls(config) => (config, false),
        Security::Mutual(config) => (config, true),
    };
    let handshake = TlsAcceptor::from(config).accept(stream);
    let Ok(Ok(stream)) = timeout(Duration::from_secs(limits.handshake_seconds), handshake).await else {
        tracing::debug!("a TLS handshake failed");
        return;
    };
    if !mutual {
        return http(stream, router, limits, stop).await;
    }
    let certificates = stream.get_ref().1.peer_certificates();
    match certificates.and_then(|chain| chain.first()).and_then(tls::service_of) {
        Some(peer) => http(stream, router.layer(axum::Extension(Peer(peer))), limits, stop).await,
        None => tracing::warn!("a client certificate without a service's SPIFFE id was refused"),
    }
}

async fn http<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    router: Router,
    limits: Limits,
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
    let (open, mut under_way) = watch::channel(0);
    let service = tower::service_fn(move |request| answer(router.clone(), request, Open::new(&open)));
    let connection = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    tokio::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        () = stop.cancelled() => {}
        () = quiet(&mut under_way, limits) => {}
    }
    connection.as_mut().graceful_shutdown();
    tokio::select! {
        _ = connection.as_mut() => {}
        // A client that takes no notice of the goodbye.
        () = quiet(&mut under_way, limits) => {}
    }
}

async fn answer(
    router: Router,
    request: Request<Incoming>,
    open: Open,
) -> Result<Response<Body>, Infallible> {
    let response = router.oneshot(request).await?;
    Ok(response.map(|body| Body::new(Counted { body, _open: open })))
}

/// An answer that is under way until its last byte.
struct Counted {
    body: Body,
    _open: Open,
}

impl http_body::Body for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A request under way, counted until this is dropped.
struct Open(watch::Sender<usize>);

impl Open {
    fn new(count: &watch::Sender<usize>) -> Self {
        count.send_modify(|count| *count += 1);
        Self(count.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

/// Waits until no request has come for too long: hyper itself waits for a first one, and on HTTP/2 for the next, for ever.
async fn quiet(under_way: &mut watch::Receiver<usize>, limits: Limits) {
    let mut most = Duration::from_secs(limits.first_request_seconds);
    loop {
        let open = *under_way.borrow_and_update();
        let changed = match open {
            0 => timeout(most, under_way.changed()).await,
            _ => Ok(under_way.changed().await),
        };
        match changed {
            Ok(Ok(())) => most = Duration::from_secs(limits.idle_seconds),
            // Too long; or nobody counts any more, and the connection has ended.
            Ok(Err(_)) | Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_quiet_when_no_request_is_under_way() {
        let limits = Limits { first_request_seconds: 5, idle_seconds: 50, ..Limits::default() };
        let (open, mut under_way) = watch::channel(0);
        let begun = Instant::now();
        quiet(&mut under_way, limits).await;
        assert_eq!(begun.elapsed().as_secs(), 5, "no first request");

        let begun = Instant::now();
        let answering = async {
            let long = Open::new(&open);
            tokio::time::sleep(Duration::from_secs(1000)).await;
            drop(long);
            tokio::time::sleep(Duration::from_secs(40)).await;
            // So short that nobody may see it counted.
            drop(Open::new(&open));
        };
        tokio::join!(answering, quiet(&mut under_way, limits));
        assert_eq!(begun.elapsed().as_secs(), 1090);
    }
}
