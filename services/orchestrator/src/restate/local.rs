//! HTTP to a port on this host: a Unix socket or loopback, nothing else.

use std::{net::SocketAddr, path::PathBuf, str::FromStr, time::Duration};

use axum::body::Body;
use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
    time::timeout,
};

/// Deployments and status are small.
const REPLY: usize = 4 << 20;
const DEADLINE: Duration = Duration::from_secs(20);

/// `unix:/path/to.sock`, or `http://` with a loopback address and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    Unix(PathBuf),
    Loopback(SocketAddr),
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("unix:") {
            return Ok(Self::Unix(path.strip_prefix("//").unwrap_or(path).into()));
        }
        let address =
            text.strip_prefix("http://").map(|rest| rest.trim_end_matches('/').parse::<SocketAddr>());
        match address {
            Some(Ok(address)) if address.ip().is_loopback() => Ok(Self::Loopback(address)),
            _ => Err(format!("{text} is neither unix:/PATH nor http://LOOPBACK-ADDRESS:PORT")),
        }
    }
}

/// Restate did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RestateError {
    #[error("Restate can't be reached")]
    Unreachable,
    #[error("Restate answered HTTP status {0}")]
    Status(StatusCode, Value),
    #[error("Restate answered something that is no answer")]
    Answer,
}

impl RestateError {
    /// Whether a retry can't help.
    pub(crate) fn is_permanent(&self) -> bool {
        // 404 at the ingress: our deployment is not registered yet, or again.
        matches!(self, Self::Status(status, _) if status.is_client_error() && *status != StatusCode::NOT_FOUND)
    }
}

impl Address {
    /// Sends JSON, reads JSON; an error status is an error.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(StatusCode, Value), RestateError> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "localhost")
            .header(header::ACCEPT, "application/json");
        let request = match body {
            Some(body) => {
                request.header(header::CONTENT_TYPE, "application/json").body(body.to_string().into())
            }
            None => request.body(Body::empty()),
        };
        let request = request.map_err(|_| RestateError::Answer)?;
        let (status, bytes) =
            timeout(DEADLINE, self.exchange(request)).await.map_err(|_| RestateError::Unreachable)??;
        let value = match bytes.is_empty() {
            true => Value::Null,
            false => serde_json::from_slice(&bytes)
                .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned())),
        };
        match status.is_success() {
            true => Ok((status, value)),
            false => Err(RestateError::Status(status, value)),
        }
    }

    async fn exchange(&self, request: Request<Body>) -> Result<(StatusCode, Bytes), RestateError> {
        match self {
            Self::Unix(path) => {
                let stream = UnixStream::connect(path).await.map_err(|_| RestateError::Unreachable)?;
                exchange(stream, request).await
            }
            Self::Loopback(address) => {
                let stream = TcpStream::connect(address).await.map_err(|_| RestateError::Unreachable)?;
                exchange(stream, request).await
            }
        }
    }
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Body>,
) -> Result<(StatusCode, Bytes), RestateError> {
    let unreachable = |_| RestateError::Unreachable;
    let (mut send, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(unreachable)?;
    // Ends with the answer: `send` is dropped below.
    tokio::spawn(connection);
    let response = send.send_request(request).await.map_err(unreachable)?;
    let status = response.status();
    let body = Limited::new(response.into_body(), REPLY).collect().await.map_err(|_| RestateError::Answer)?;
    Ok((status, body.to_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_host_is_an_address() {
        assert_eq!("unix:/run/a.sock".parse(), Ok(Address::Unix("/run/a.sock".into())));
        assert_eq!("unix:///run/a.sock".parse(), Ok(Address::Unix("/run/a.sock".into())));
        assert_eq!("http://127.0.0.1:9".parse(), Ok(Address::Loopback(([127, 0, 0, 1], 9).into())));
        for other in ["http://10.0.0.1:9", "http://localhost", "https://127.0.0.1:9", "", "/run/a.sock"] {
            assert!(other.parse::<Address>().is_err(), "{other}");
        }
    }
}
