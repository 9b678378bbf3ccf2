//! Who calls an internal listener, and whether they may: the certificate names the caller, the table decides.

use axum::{
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::problem::Problem;

/// The calling service, by its certificate; an extension of every internal request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer(pub String);

const HEALTH: &str = "/grpc.health.v1.Health/";

/// Lets a request through that [`maily_proto::access`] allows; gRPC health is for every service.
pub(crate) async fn authorise(State(service): State<&'static str>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let allowed = request.extensions().get::<Peer>().is_some_and(|Peer(peer)| {
        path.starts_with(HEALTH) || maily_proto::access::allowed(peer, service, path)
    });
    match allowed {
        true => next.run(request).await,
        false if is_grpc(&request) => tonic::Status::permission_denied("this service may not make this call")
            .into_http::<axum::body::Body>(),
        false => Problem::new(StatusCode::FORBIDDEN, "this service may not make this call").into_response(),
    }
}

fn is_grpc(request: &Request) -> bool {
    request
        .headers()
        .get(header::CONTENT_TYPE)
        .map(HeaderValue::as_bytes)
        .is_some_and(|value| value.starts_with(b"application/grpc"))
}
