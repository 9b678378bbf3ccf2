//! The endpoint that Restate calls: HTTP/2 on loopback, each request signed by Restate.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use hyper::server::conn::http2;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use restate_sdk::hyper::HyperEndpoint;
use tokio::{net::TcpListener, select, sync::Semaphore, time::timeout};
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// Steps that are under way at shutdown get this long; Restate repeats the others.
const DRAIN: Duration = Duration::from_secs(10);
/// Restate needs one connection, and some more while it starts again; anybody on this host may open one.
const CONNECTIONS: usize = 32;
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
        let slots = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            // A slot first: what is beyond the limit waits in the kernel's queue.
            let slot = select! {
                () = shutdown.cancelled() => break,
                slot = Arc::clone(&slots).acquire_owned() => slot,
            };
            let stream = select! {
                () = shutdown.cancelled() => break,
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => stream,
                    Err(error) => {
                        // Out of file descriptors, most likely: a pause lets others close theirs.
                        warn!(%error, "accepting a connection of Restate failed");
                        tokio::time::sleep(Duration::from_millis(50)).await;
                        continue;
                    }
                },
            };
            let connection = http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .max_concurrent_streams(STREAMS)
                .max_header_list_size(HEADERS)
                .keep_alive_interval(KEEP_ALIVE.0)
                .keep_alive_timeout(KEEP_ALIVE.1)
                .serve_connection(TokioIo::new(stream), self.service.clone());
            let connection = graceful.watch(connection);
            // Restate connects again by itself; a broken connection is its to notice.
            tokio::spawn(async move {
                drop(connection.await);
                drop(slot);
            });
        }
        let _ = timeout(DRAIN, graceful.shutdown()).await;
    }
}
