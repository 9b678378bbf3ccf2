//! aws-sdk-s3 over a client of ours: its own HTTPS client can't present a certificate.

use std::fmt;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use axum::body::Body;
use http::{HeaderValue, Request, Response, header::HOST};
use hyper::body::Incoming;
use tower::{Service, ServiceExt};

/// Anything that exchanges HTTP messages and can be shared: chassis's `PeerClient`, or a client of a test.
pub trait Exchange:
    Service<
        Request<Body>,
        Response = Response<Incoming>,
        Error: std::error::Error + Send + Sync,
        Future: Send,
    > + Clone
    + Send
    + Sync
    + 'static
{
}

impl<S> Exchange for S where
    S: Service<
            Request<Body>,
            Response = Response<Incoming>,
            Error: std::error::Error + Send + Sync,
            Future: Send,
        > + Clone
        + Send
        + Sync
        + 'static
{
}

/// The SDK's view of an [`Exchange`].
#[derive(Clone)]
pub struct Over<E>(E);

impl<E> Over<E> {
    /// Sends the SDK's requests over `exchange`.
    pub fn new(exchange: E) -> Self {
        Self(exchange)
    }
}

impl<E> fmt::Debug for Over<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Over")
    }
}

impl<E: Exchange> HttpClient for Over<E> {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl<E: Exchange> HttpConnector for Over<E> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let exchange = self.0.clone();
        HttpConnectorFuture::new(send(exchange, request))
    }
}

async fn send<E: Exchange>(exchange: E, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
    let mut request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
    // The signature covers the host, which the exchange may replace in the URI.
    let host = request.uri().authority().and_then(|host| HeaderValue::from_str(host.as_str()).ok());
    if let Some(host) = host {
        request.headers_mut().entry(HOST).or_insert(host);
    }
    let answer = exchange.oneshot(request.map(Body::new)).await;
    let answer = answer.map_err(|error| ConnectorError::io(Box::new(error)))?;
    let answer = HttpResponse::try_from(answer.map(SdkBody::from_body_1_x));
    answer.map_err(|error| ConnectorError::other(error.into(), None))
}
