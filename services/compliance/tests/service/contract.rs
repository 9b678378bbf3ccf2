//! What the orchestrator relies on, which its fake of this service runs too.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use maily_compliance::opt_out::router;
use maily_contracts::compliance::{Compliance, PAGE};
use maily_proto::compliance::compliance_client::ComplianceClient;
use tonic::transport::Channel;
use tower::ServiceExt;

use crate::api::{connect, serve};
use crate::common::Service;

struct Real {
    service: Service,
    client: ComplianceClient<Channel>,
}

impl Compliance for Real {
    fn client(&self) -> ComplianceClient<Channel> {
        self.client.clone()
    }

    fn opt_out(&self, token: String) -> impl Future<Output = ()> + Send + 'static {
        let edge = router(self.service.state.clone());
        let request = Request::post(format!("/u/{token}")).body(Body::from("List-Unsubscribe=One-Click"));
        async move { assert_eq!(edge.oneshot(request.unwrap()).await.unwrap().status(), StatusCode::OK) }
    }

    fn break_disk(&self) {
        std::fs::remove_dir(self.service.folder.path().join("data/staging")).unwrap();
    }
}

async fn start() -> Real {
    let service = Service::start(PAGE).await;
    let client = connect(serve(service.state.clone()).await).await;
    Real { service, client }
}

maily_contracts::compliance_suite!(start);
