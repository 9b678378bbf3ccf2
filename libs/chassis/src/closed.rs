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

/// Whether an answer has to be one of gRPC.
pub(crate) fn is_grpc(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("application/grpc"))
}

#[cfg(test)]
mod tests {
    use axum::{Router, body::Body, middleware, routing::get};
    use tower::ServiceExt as _;

    use super::*;

    async fn ask(readiness: &Readiness, kind: &str) -> Response {
        let router = Router::new()
            .route("/", get(async || "served"))
            .layer(middleware::from_fn_with_state(readiness.clone(), refuse));
        let request = Request::get("/").header(header::CONTENT_TYPE, kind).body(Body::empty()).unwrap();
        router.oneshot(request).await.unwrap()
    }

    #[tokio::test]
    async fn a_closed_service_refuses_everybody_and_tells_only_operators_why() {
        let readiness = Readiness::default();
        readiness.serving(true);
        assert_eq!(ask(&readiness, "text/plain").await.status(), StatusCode::OK);
        readiness.close("Vault is away");
        assert_eq!(readiness.check().unwrap_err(), "Vault is away");
        let refused = ask(&readiness, "text/plain").await;
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        let body = axum::body::to_bytes(refused.into_body(), 4096).await.unwrap();
        assert!(!String::from_utf8_lossy(&body).contains("Vault"));
        let refused = ask(&readiness, "application/grpc").await;
        assert_eq!(
            (refused.status(), &refused.headers()["grpc-status"]),
            (StatusCode::OK, &"14".parse().unwrap())
        );
        readiness.set(true);
        assert!(readiness.check().is_err(), "only reopening opens");
        readiness.reopen();
        assert!(readiness.check().is_ok());
        assert_eq!(ask(&readiness, "application/grpc").await.status(), StatusCode::OK);
    }
}
