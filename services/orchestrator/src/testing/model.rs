//! The inference service's contract: a model that always writes the same, and keeps what it was asked.

use std::sync::{Arc, Mutex};

use axum::body::{Body, to_bytes};
use http::{Request, Response};
use maily_contracts::inference::{Script, scripted};
use tower::{BoxError, util::BoxCloneSyncService};

use crate::peers::HttpService;

const SAID: &str = "Spring is here, and your garden is waiting for you.";

/// The model. Clones share what was asked.
#[derive(Clone, Default)]
pub(crate) struct Model(Arc<Mutex<Vec<String>>>);

impl Model {
    pub(crate) fn service(&self) -> HttpService {
        let model = self.clone();
        BoxCloneSyncService::new(tower::service_fn(move |request| model.clone().answer(request)))
    }

    /// The bodies of all requests that it was to answer.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    async fn answer(self, request: Request<Body>) -> Result<Response<Body>, BoxError> {
        let (head, body) = request.into_parts();
        let body = to_bytes(body, 1 << 20).await?;
        if !body.is_empty() {
            self.0.lock().unwrap().push(String::from_utf8_lossy(&body).into_owned());
        }
        let script = Script { models: &["scripted"], say: |_: &_| SAID.to_owned() };
        Ok(scripted(script, &Request::from_parts(head, body)).map(Body::from))
    }
}
