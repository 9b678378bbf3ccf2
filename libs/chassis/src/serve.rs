//! Accepting connections: limits, TLS with a deadline, HTTP/1.1 and HTTP/2 on one port, graceful end.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, body::Body, extract::ConnectInfo};
use http::{Request, Response};
use http_body::Body as _;
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
    sync::watch,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt as _;

use crate::{
    accept::Acceptor,
    answers::Answer,
    body::LEAST,
    config::Limits,
    internal::Peer,
    places::{Place, Places},
    proxies::Proxies,
    proxy_protocol, tls,
    under_way::{Open, UnderWay},
    unread,
};

/// How long a connection that gives way has to take note of it.
const GOODBYE: Duration = Duration::from_secs(1);

/// Bytes of a request's head over HTTP/1.1, and of an answer that the kernel has no room for yet. hyper's own bound is six times that,
/// for whoever connects, before any key is looked at.
const BUFFER: usize = 64 << 10;
/// Requests at once on an HTTP/2 connection of a service: those are few, and known. RFC 9113 (6.5.2) wants no fewer, and clients begin
/// so many before they know of a limit.
const STREAMS_INSIDE: u32 = 100;
/// Those on anybody else's. What each may hold counts nowhere: a head of 16 KiB, [`STREAM_WINDOW`] of a body, 48 KiB of an answer, of
/// which 16 make 3 MiB a connection. What is begun beyond is refused before anybody looks at it, so that it may be sent again (8.7).
const STREAMS: u32 = 16;
/// Bytes of a request's body that an HTTP/2 client may send before anybody reads them, and so before they are counted. It is also
/// what comes of a body in a round trip: in 300 s at 100 ms some 390 MB.
const STREAM_WINDOW: u32 = 128 << 10;

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

impl Security {
    /// Requests at once on an HTTP/2 connection.
    fn streams(&self) -> u32 {
        match self {
            Self::Plain | Self::Tls(_) => STREAMS,
            Self::Mutual(_) => STREAMS_INSIDE,
        }
    }
}

/// One listener with what it serves.
pub(crate) struct Server {
    pub(crate) listener: TcpListener,
    pub(crate) security: Security,
    pub(crate) router: Router,
    pub(crate) limits: Limits,
    pub(crate) places: Places,
    pub(crate) proxies: Proxies,
}

impl Server {
    /// Serves until `stop`, then lets requests under way finish; connections are tracked by `tasks`.
    pub(crate) async fn run(self, stop: CancellationToken, tasks: TaskTracker) {
        let Self { listener, security, router, limits, places, proxies } = self;
        let mut acceptor = Acceptor::new(listener);
        loop {
            let (stream, address) = tokio::select! {
                () = stop.cancelled() => return,
                accepted = acceptor.accept(&places) => accepted,
            };
            // Many clients come from a proxy, and none of them is known yet.
            let client = (!proxies.trusts(address.ip())).then(|| address.ip());
            let Some(place) = places.take(client) else {
                tracing::debug!("a connection was closed: all others are at work");
                continue;
            };
            let connection = Connection {
                place: Arc::new(place),
                security: security.clone(),
                router: router.clone(),
                limits,
                stop: stop.clone(),
            };
            let first = proxies.speaks_first(address.ip());
            tasks.spawn(connection.serve(stream, address, first));
        }
    }
}

/// An accepted connection, and what is served on it.
struct Connection {
    place: Arc<Place>,
    security: Security,
    router: Router,
    limits: Limits,
    stop: CancellationToken,
}

impl Connection {
    /// Serves the client at `peer`, or whom the PROXY protocol names where that comes first.
    async fn serve(self, stream: TcpStream, peer: SocketAddr, proxied: bool) {
        let _ = stream.set_nodelay(true);
        let most = Duration::from_secs(self.limits.handshake_seconds);
        let recalled = self.place.recalled();
        let serving = async {
            let (mut stream, mut address) = (stream, peer);
            if proxied {
                match timeout(most, proxy_protocol::read(&mut stream)).await {
                    Ok(Ok(Some(client))) if self.place.is_of(client.ip()) => address = client,
                    Ok(Ok(None)) => {}
                    // Malformed or late, or of a client that has its share.
                    _ => return None,
                }
            }
            let router = self.router.clone().layer(axum::Extension(ConnectInfo(address)));
            let config = match &self.security {
                Security::Plain => return Some((Wire::Plain(stream), router)),
                Security::Tls(config) | Security::Mutual(config) => Arc::clone(config),
            };
            match timeout(most, TlsAcceptor::from(config).accept(stream)).await {
                Ok(Ok(stream)) => Some((Wire::Tls(Box::new(stream)), router)),
                _ => None,
            }
        };
        let begun = tokio::select! {
            begun = serving => begun,
            () = recalled.cancelled() => None,
        };
        match begun {
            Some((Wire::Plain(stream), router)) => self.http(stream, router).await,
            Some((Wire::Tls(stream), router)) => self.known(*stream, router).await,
            None => tracing::debug!("a connection did not come to a request"),
        }
    }

    /// Serves who has shown a certificate where one is needed.
    async fn known(self, stream: tokio_rustls::server::TlsStream<TcpStream>, router: Router) {
        let Security::Mutual(_) = &self.security else { return self.http(stream, router).await };
        let certificates = stream.get_ref().1.peer_certificates();
        match certificates.and_then(|chain| chain.first()).and_then(tls::service_of) {
            Some(peer) => self.http(stream, router.layer(axum::Extension(Peer(peer)))).await,
            None => tracing::warn!("a client certificate without a service's SPIFFE id was refused"),
        }
    }

    async fn http<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(self, stream: S, router: Router) {
        let streams = self.security.streams();
        let Self { place, limits, stop, .. } = self;
        let mut builder = Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(Duration::from_secs(30))
            .max_buf_size(BUFFER);
        builder
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(Duration::from_secs(30))
            .max_concurrent_streams(streams)
            // What h2 has taken of an answer is nobody's: the rest is held, and counted, until its client reads.
            .max_send_buf_size(LEAST)
            .initial_stream_window_size(STREAM_WINDOW)
            // Of all requests at once: bodies that nobody reads yet must not use up what the others need.
            .initial_connection_window_size(streams * STREAM_WINDOW);
        let recalled = place.recalled();
        let (open, mut under_way) = watch::channel(UnderWay::default());
        let service = tower::service_fn(move |request| {
            answer(router.clone(), request, Open::new(&open, Arc::clone(&place)))
        });
        let connection = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
        tokio::pin!(connection);
        tokio::select! {
            _ = connection.as_mut() => return,
            () = stop.cancelled() => {}
            () = recalled.cancelled() => {}
            () = quiet(&mut under_way, limits) => {}
        }
        connection.as_mut().graceful_shutdown();
        let gives_way = async {
            recalled.cancelled().await;
            tokio::time::sleep(GOODBYE).await;
        };
        tokio::select! {
            _ = connection.as_mut() => {}
            () = gives_way => {}
            // A client that takes no notice of the goodbye.
            () = quiet(&mut under_way, limits) => {}
        }
    }
}

/// A connection on which HTTP is spoken next.
enum Wire {
    Plain(TcpStream),
    Tls(Box<tokio_rustls::server::TlsStream<TcpStream>>),
}

async fn answer(
    router: Router,
    mut request: Request<Incoming>,
    open: Open,
) -> Result<Response<Body>, Infallible> {
    request.extensions_mut().insert(open.sending());
    let (request, unread) = unread::lend(request.map(Body::new));
    let mut response = router.oneshot(request).await?;
    unread.settle(&mut response).await;
    Ok(response.map(|body| match body.is_end_stream() {
        true => body,
        false => Body::new(Answer::new(body, open)),
    }))
}

/// Waits until no request has come for too long: hyper itself waits for a first one, and on HTTP/2 for the next, for ever.
async fn quiet(under_way: &mut watch::Receiver<UnderWay>, limits: Limits) {
    let mut most = Duration::from_secs(limits.first_request_seconds);
    loop {
        let open = under_way.borrow_and_update().open;
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

    use crate::places::Bounds;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_quiet_when_no_request_is_under_way() {
        let limits = Limits { first_request_seconds: 5, idle_seconds: 50, ..Limits::default() };
        let (open, mut under_way) = watch::channel(UnderWay::default());
        let places = Places::new(Bounds { all: 1, each: 1, at_work_too: false });
        let place = Arc::new(places.take(None).unwrap());
        let begun = Instant::now();
        quiet(&mut under_way, limits).await;
        assert_eq!(begun.elapsed().as_secs(), 5, "no first request");

        let begun = Instant::now();
        let answering = async {
            let long = Open::new(&open, Arc::clone(&place));
            tokio::time::sleep(Duration::from_secs(1000)).await;
            drop(long);
            tokio::time::sleep(Duration::from_secs(40)).await;
            // So short that nobody may see it counted.
            drop(Open::new(&open, Arc::clone(&place)));
        };
        tokio::join!(answering, quiet(&mut under_way, limits));
        assert_eq!(begun.elapsed().as_secs(), 1090);
    }
}
