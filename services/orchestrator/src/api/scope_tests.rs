//! What a key may do at the edge.

use std::sync::Arc;

use axum::{Extension, Router, body::Body};
use http::{Method, Request};
use maily_chassis::{Scope, Scopes};
use tower::ServiceExt as _;

use super::{Api, router};
use crate::{
    restate::{Admin, Ingress},
    testing::{Platform, deps},
};

async fn status(router: &Router, scopes: &[Scope], method: Method, path: &str) -> u16 {
    let router = router.clone().layer(Extension(Scopes::of(scopes)));
    let request = Request::builder().method(method).uri(format!("/v1/campaigns{path}"));
    router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_needs_the_scope_that_it_is_of() {
    let platform = Platform::start().await;
    let router = router(Api {
        deps: Arc::new(deps(&platform)),
        ingress: Ingress(platform.restate.ingress().parse().unwrap()),
        admin: Admin(platform.restate.admin().parse().unwrap()),
    });
    // There is no such campaign: 404 is the answer of one who may ask.
    let calls = [
        (Scope::Campaigns, Method::GET, "/none", 404),
        (Scope::Campaigns, Method::PUT, "/none/subscribers", 404),
        (Scope::Campaigns, Method::POST, "/none/start", 404),
        (Scope::Campaigns, Method::POST, "/none/cancel", 404),
        (Scope::Mail, Method::GET, "/none/report", 404),
        (Scope::Mail, Method::GET, "/none/mail/eu", 404),
    ];
    for (scope, method, path, found) in calls {
        for held in [Scope::Infer, Scope::Guardrails, Scope::Campaigns, Scope::Mail, Scope::Admin] {
            let wanted = if held == scope || held == Scope::Admin { found } else { 403 };
            let answered = status(&router, &[held], method.clone(), path).await;
            assert_eq!(answered, wanted, "{method} {path} with {held:?}");
        }
        assert_eq!(status(&router, &[], method, path).await, 403, "{path} with no scope");
    }
    assert_eq!(status(&router, &[Scope::Infer, Scope::Mail], Method::POST, "").await, 403);
}
