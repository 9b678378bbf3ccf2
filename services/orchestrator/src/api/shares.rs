//! What callers of the API share fairly, beside what the peers share out themselves.

use axum::Extension;
use maily_chassis::{Caller, Hold, Pool, PoolBounds, PoolPlace};

use super::problem::Refusal;

/// Exports at once, each of which has up to three pages of messages in memory; and those of one caller.
const EXPORTS: PoolBounds = PoolBounds { all: 6, each: 3, waiting: 0 };
/// Configurations that are loaded into guardrails at once, some of which take seconds of a processor; and what waits for that.
const LOADS: PoolBounds = PoolBounds { all: 4, each: 2, waiting: 256 };

/// Exports under way.
#[derive(Clone)]
pub(super) struct Exports(Pool<Caller>);

/// Loads of configurations.
#[derive(Clone)]
pub(super) struct Loads(Pool<Caller>);

pub(super) fn exports() -> Extension<Exports> {
    Extension(Exports(Pool::new(EXPORTS)))
}

pub(super) fn loads() -> Extension<Loads> {
    Extension(Loads(Pool::new(LOADS)))
}

impl Exports {
    /// A place, which goes to another where its answer is taken too slowly.
    pub(super) fn begin(&self, caller: Caller) -> Result<PoolPlace<Caller>, Refusal> {
        self.0.try_take(caller, Hold::Arriving).map_err(|_| Refusal::later("too many exports are under way"))
    }
}

impl Loads {
    /// This caller's turn.
    pub(super) async fn turn(&self, caller: Caller) -> Result<PoolPlace<Caller>, Refusal> {
        let turn = self.0.take(caller, Hold::Long).await;
        turn.map_err(|_| Refusal::later("too many campaigns are being created"))
    }
}

#[cfg(test)]
mod tests {
    use axum::{Router, body::Body, response::Response, routing::get};
    use bytes::Bytes;
    use futures::StreamExt as _;
    use http::{Request, StatusCode};
    use http_body_util::BodyExt as _;
    use maily_chassis::Peer;
    use tower::ServiceExt as _;

    use super::*;
    use crate::api::mail::taken;

    /// An export of endless pages.
    async fn export(Extension(exports): Extension<Exports>, caller: Caller) -> Result<Response, Refusal> {
        let place = exports.begin(caller)?;
        let pages = futures::stream::repeat_with(|| Ok(Bytes::from_static(b"From ")));
        Ok(Response::new(Body::from_stream(taken(pages.boxed(), place))))
    }

    #[tokio::test]
    async fn exports_that_nobody_takes_keep_no_other_out() {
        let router = Router::new().route("/", get(export)).layer(exports());
        let ask = async |name: &str| {
            let mut request = Request::get("/").body(Body::empty()).unwrap();
            request.extensions_mut().insert(Peer(name.to_owned()));
            router.clone().oneshot(request).await.unwrap()
        };
        let mut slow = Vec::new();
        for name in ["ann", "bob"] {
            for _ in 0..EXPORTS.each {
                let response = ask(name).await;
                assert_eq!(response.status(), StatusCode::OK);
                slow.push(response.into_body());
            }
            let refused = ask(name).await;
            assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert!(refused.headers().contains_key(http::header::RETRY_AFTER));
        }
        // All but one are taken, a little.
        for body in slow.iter_mut().skip(1) {
            body.frame().await.unwrap().unwrap();
        }
        let mut quick = ask("cid").await.into_body();
        quick.frame().await.unwrap().unwrap();
        assert!(slow[0].frame().await.unwrap().is_err(), "it is torn");
        for body in slow.iter_mut().skip(1) {
            body.frame().await.unwrap().unwrap();
        }
    }
}
