//! Clients of other services' internal listeners: mutual TLS 1.3 with X25519MLKEM768, trace context along.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::body::Body;
use http::{Request, Response, Uri};
use hyper::{body::Incoming, rt};
use hyper_util::{
    client::legacy::{
        Client,
        connect::{Connected, Connection},
    },
    rt::{TokioExecutor, TokioIo, TokioTimer},
};
use rustls_pki_types::ServerName;
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tonic::{service::Interceptor, transport::Endpoint};
use tower::Service;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::{config::Internal, error::Error, tls};

const CONNECT: Duration = Duration::from_secs(5);

/// Connects to one service, whatever URI is asked for.
#[derive(Clone)]
pub(crate) struct Connector {
    address: Arc<str>,
    name: ServerName<'static>,
    tls: TlsConnector,
}

impl Connector {
    pub(crate) fn new(
        service: &str,
        address: &str,
        config: &Internal,
        alpn: &[&[u8]],
    ) -> Result<Self, Error> {
        let name = ServerName::try_from(tls::server_name(service))
            .map_err(|_| Error::new(format!("{service} is no service name")))?;
        let tls = TlsConnector::from(tls::internal_client(config, alpn)?);
        Ok(Self { address: address.into(), name, tls })
    }

    async fn connect(self) -> std::io::Result<PeerStream> {
        let connecting = async {
            let stream = TcpStream::connect(&*self.address).await?;
            stream.set_nodelay(true)?;
            self.tls.connect(self.name, stream).await
        };
        Ok(PeerStream(TokioIo::new(timeout(CONNECT, connecting).await??)))
    }
}

impl Service<Uri> for Connector {
    type Response = PeerStream;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<PeerStream, std::io::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        Box::pin(self.clone().connect())
    }
}

/// An open connection to a service.
pub(crate) struct PeerStream(TokioIo<TlsStream<TcpStream>>);

impl Connection for PeerStream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl rt::Read for PeerStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: rt::ReadBufCursor<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl rt::Write for PeerStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// A lazy gRPC channel, which connects again by itself.
pub(crate) fn grpc(connector: Connector) -> tonic::transport::Channel {
    // The URI only fills `:authority`; the connector knows the address and does the TLS.
    Endpoint::from_static("http://maily.internal")
        .http2_keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(10))
        .connect_with_connector_lazy(connector)
}

/// An HTTP client of one service. Clones share their connections.
#[derive(Clone)]
pub struct PeerClient {
    client: Client<Connector, Body>,
    authority: Arc<str>,
}

/// A request that got no answer; `Display` names no path, query or body.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Connecting, sending or receiving failed.
    #[error("the service could not be reached: {0}")]
    Unreachable(#[from] hyper_util::client::legacy::Error),
    /// The request's URI can't be sent.
    #[error("the request's path is not valid")]
    Path,
}

impl ClientError {
    /// Whether the same request will fail again.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        matches!(self, Self::Path)
    }
}

impl PeerClient {
    pub(crate) fn new(service: &str, connector: Connector) -> Self {
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(30))
            .build(connector);
        Self { client, authority: tls::server_name(service).into() }
    }

    /// Sends a request; its URI's scheme and host are set to the service's.
    ///
    /// # Errors
    /// No answer came; a status that tells of an error is an answer.
    pub async fn request(&self, mut request: Request<Body>) -> Result<Response<Incoming>, ClientError> {
        let mut parts = std::mem::take(request.uri_mut()).into_parts();
        parts.scheme = Some(http::uri::Scheme::HTTP);
        parts.authority = Some(self.authority.parse().map_err(|_| ClientError::Path)?);
        parts.path_and_query.get_or_insert_with(|| http::uri::PathAndQuery::from_static("/"));
        *request.uri_mut() = Uri::from_parts(parts).map_err(|_| ClientError::Path)?;
        inject(request.headers_mut());
        Ok(self.client.request(request).await?)
    }
}

impl Service<Request<Body>> for PeerClient {
    type Response = Response<Incoming>;
    type Error = ClientError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ClientError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ClientError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let this = self.clone();
        Box::pin(async move { this.request(request).await })
    }
}

/// Whether a call broke off in the midst of an open connection: the peer was there, and reset it or died. Where no
/// connection came to be, none was free to send on, or no answer came in time, the peer may just be away.
#[must_use]
pub fn broke_off(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut broke = false;
    let mut cause = Some(error);
    while let Some(error) = cause {
        if is_absence(error) {
            return false;
        }
        broke |= is_break(error);
        cause = error.source();
    }
    broke
}

fn is_absence(error: &(dyn std::error::Error + 'static)) -> bool {
    error.is::<tonic::ConnectError>()
        || error.is::<tonic::TimeoutExpired>()
        || error.downcast_ref::<hyper_util::client::legacy::Error>().is_some_and(|error| error.is_connect())
        || error.downcast_ref::<hyper::Error>().is_some_and(|error| error.is_timeout() || error.is_canceled())
        || error
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == std::io::ErrorKind::TimedOut)
}

fn is_break(error: &(dyn std::error::Error + 'static)) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    error.is::<hyper::Error>()
        || error.downcast_ref::<std::io::Error>().is_some_and(|error| {
            matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
        })
}

/// Puts the current span's W3C trace context into a gRPC request: `Client::with_interceptor(channel, propagate)`.
///
/// # Errors
/// Never; the type is tonic's.
pub fn propagate(mut request: tonic::Request<()>) -> Result<tonic::Request<()>, tonic::Status> {
    let mut headers = http::HeaderMap::new();
    inject(&mut headers);
    for (name, value) in &headers {
        let key = tonic::metadata::AsciiMetadataKey::from_bytes(name.as_str().as_bytes());
        let value = tonic::metadata::AsciiMetadataValue::try_from(value.as_bytes());
        if let (Ok(key), Ok(value)) = (key, value) {
            request.metadata_mut().insert(key, value);
        }
    }
    Ok(request)
}

/// [`propagate`] as a nameable type, for fields that hold a client.
#[derive(Clone, Copy, Debug, Default)]
pub struct TraceContext;

impl Interceptor for TraceContext {
    fn call(&mut self, request: tonic::Request<()>) -> Result<tonic::Request<()>, tonic::Status> {
        propagate(request)
    }
}

fn inject(headers: &mut http::HeaderMap) {
    let context = tracing::Span::current().context();
    opentelemetry::global::get_text_map_propagator(|propagator| {
        propagator.inject_context(&context, &mut Headers(headers));
    });
}

struct Headers<'a>(&'a mut http::HeaderMap);

impl opentelemetry::propagation::Injector for Headers<'_> {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(name), Ok(value)) =
            (http::HeaderName::from_bytes(key.as_bytes()), http::HeaderValue::from_str(&value))
        {
            self.0.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};

    use super::*;

    #[test]
    fn only_an_open_connection_breaks_off() {
        for kind in [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe, ErrorKind::UnexpectedEof] {
            assert!(broke_off(&Error::from(kind)), "{kind}");
            // The same while connecting, as a peer does that starts or ends.
            assert!(!broke_off(&tonic::ConnectError(Box::new(Error::from(kind)))), "{kind}");
        }
        assert!(!broke_off(&Error::from(ErrorKind::ConnectionRefused)));
        assert!(!broke_off(&Error::from(ErrorKind::TimedOut)));
        assert!(!broke_off(&tonic::TimeoutExpired(())));
    }
}
