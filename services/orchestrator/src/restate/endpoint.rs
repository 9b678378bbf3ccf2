//! The endpoint that Restate calls: HTTP/2 on loopback, each request signed by Restate.

use std::{future::ready, io, net::SocketAddr, time::Duration};

use http::{Request, StatusCode};
use hyper::{
    body::Incoming,
    server::conn::http2,
    service::{Service as _, service_fn},
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::graceful::{GracefulConnection, GracefulShutdown},
};
use maily_chassis::{Acceptor, Bounds, Place, Places};
use restate_sdk::hyper::HyperEndpoint;
use tokio::{
    net::{TcpListener, TcpStream},
    select,
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// Steps that are under way at shutdown get this long; Restate repeats the others.
const DRAIN: Duration = Duration::from_secs(10);
/// Restate needs one connection, and some more while it starts again. Anybody on this host may open one, so whoever has sent
/// nothing that Restate signed gives way to the next who comes; whoever has is left alone.
const CONNECTIONS: Bounds = Bounds { all: 32, each: usize::MAX, at_work_too: false };
/// Each invocation is a stream; Restate runs at most 1,000 at once.
const STREAMS: u32 = 1_024;
const HEADERS: u32 = 16 << 10;
/// How often a silent connection is asked whether it still lives, and how long it has to answer.
const KEEP_ALIVE: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(10));

/// The bound endpoint.
pub(crate) struct Endpoint {
    listener: TcpListener,
    service: HyperEndpoint,
}

impl Endpoint {
    /// Binds; `address` has to be on loopback.
    ///
    /// # Errors
    /// The address is taken or not ours.
    pub(crate) async fn bind(address: SocketAddr, service: HyperEndpoint) -> io::Result<Self> {
        Ok(Self { listener: TcpListener::bind(address).await?, service })
    }

    /// Where Restate reaches us.
    ///
    /// # Errors
    /// The socket is gone.
    pub(crate) fn uri(&self) -> io::Result<String> {
        Ok(format!("http://{}", self.listener.local_addr()?))
    }

    /// Serves until `shutdown`, and then lets what is under way finish, for ten seconds.
    pub(crate) async fn serve(self, shutdown: CancellationToken) {
        let graceful = GracefulShutdown::new();
        let (mut acceptor, places) = (Acceptor::new(self.listener), Places::new(CONNECTIONS));
        loop {
            let stream = select! {
                () = shutdown.cancelled() => break,
                (stream, _) = acceptor.accept(&places) => stream,
            };
            let Some(place) = places.take(None) else {
                warn!("a connection was closed: Restate has all that there are");
                continue;
            };
            let recalled = place.recalled();
            let connection = graceful.watch(connection(stream, self.service.clone(), place));
            // Restate connects again by itself; a broken connection is its to notice.
            tokio::spawn(async move {
                select! {
                    ended = connection => drop(ended),
                    () = recalled.cancelled() => {}
                }
            });
        }
        let _ = timeout(DRAIN, graceful.shutdown()).await;
    }
}

/// Serves a connection, whose place is its own once Restate's signature has come over it.
fn connection(
    stream: TcpStream,
    service: HyperEndpoint,
    place: Place,
) -> impl GracefulConnection<Error = hyper::Error> + Send + 'static {
    let proven = move |request: Request<Incoming>| {
        let answer = service.call(request).into_inner();
        if answer.as_ref().is_ok_and(|answer| answer.status() != StatusCode::UNAUTHORIZED) {
            place.working();
        }
        ready(answer)
    };
    http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEADERS)
        .keep_alive_interval(KEEP_ALIVE.0)
        .keep_alive_timeout(KEEP_ALIVE.1)
        .serve_connection(TokioIo::new(stream), service_fn(proven))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http_body_util::Empty;
    use restate_sdk::endpoint::Endpoint as Sdk;

    use super::*;

    #[tokio::test]
    async fn silent_connections_do_not_keep_restate_out() {
        let sdk = Sdk::builder().identity_key(include_str!("test-identity.kid").trim()).unwrap().build();
        let endpoint = Endpoint::bind(([127, 0, 0, 1], 0).into(), HyperEndpoint::new(sdk)).await.unwrap();
        let address = endpoint.listener.local_addr().unwrap();
        tokio::spawn(endpoint.serve(CancellationToken::new()));
        let mut silent = Vec::new();
        for _ in 0..2 * CONNECTIONS.all {
            silent.push(TcpStream::connect(address).await.unwrap());
        }
        let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
        let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream);
        let (mut send, connection) = handshake.await.unwrap();
        tokio::spawn(connection);
        let request = Request::get(format!("http://{address}/discover")).body(Empty::<Bytes>::new()).unwrap();
        let answer = timeout(Duration::from_secs(20), send.send_request(request)).await;
        let status = answer.expect("an answer").unwrap().status();
        assert_eq!(status, StatusCode::UNAUTHORIZED, "it is heard, and is not Restate");
    }
}
