//! A closed service refuses every request, in the caller's own protocol.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::{problem::Problem, readiness::Readiness};

/// Lets a request through unless the service is closed ([`Readiness::close`]). Why is for operators, on `/readyz`.
pub(crate) async fn refuse(State(readiness): State<Readiness>, request: Request, next: Next) -> Response {
    const WHY: &str = "the service is not available now";
    if !readiness.is_closed() {
        return next.run(request).await;
    }
    match is_grpc(request.headers()) {
        true => tonic::Status::unavailable(WHY).into_http(),
        false => Problem::new(StatusCode::SERVICE_UNAVAILABLE, WHY).retry_after(5).into_response(),
    }
}

fn is_grpc(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("application/grpc"))
}
