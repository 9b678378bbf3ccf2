//! The endpoint that Restate calls: HTTP/2 on loopback, each request signed by Restate.

use std::{io, net::SocketAddr, time::Duration};

use hyper::server::conn::http2;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use restate_sdk::hyper::HyperEndpoint;
use tokio::{net::TcpListener, select, time::timeout};
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// Steps that are under way at shutdown get this long; Restate repeats the others.
const DRAIN: Duration = Duration::from_secs(10);

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

    /// Serves until `shutdown`.
    pub(crate) async fn serve(self, shutdown: CancellationToken) {
        let graceful = GracefulShutdown::new();
        loop {
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
                .serve_connection(TokioIo::new(stream), self.service.clone());
            let connection = graceful.watch(connection);
            // Restate connects again by itself; a broken connection is its to notice.
            tokio::spawn(async move { drop(connection.await) });
        }
        let _ = timeout(DRAIN, graceful.shutdown()).await;
    }
}
