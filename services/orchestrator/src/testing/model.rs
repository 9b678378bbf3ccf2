//! The inference service's contract: a model that always writes the same, and keeps what it was asked.

use std::{
    io::{Error, ErrorKind},
    sync::{Arc, Mutex, MutexGuard},
};

use axum::body::{Body, to_bytes};
use http::{Request, Response};
use maily_contracts::inference::{Script, scripted};
use tower::{BoxError, util::BoxCloneSyncService};

use crate::peers::HttpService;

const SAID: &str = "Spring is here, and your garden is waiting for you.";

/// How the service is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mood {
    #[default]
    Well,
    /// Whatever is to be written is answered with this status and these words.
    Says(u16, &'static str),
    /// Whatever is to be written ends it; it is up again at once.
    Dies,
    /// Nothing can be asked.
    Away,
}

/// The model. Clones share what was asked.
#[derive(Clone, Default)]
pub(crate) struct Model(Arc<Mutex<State>>);

#[derive(Default)]
pub(crate) struct State {
    pub(crate) mood: Mood,
    /// The bodies of all requests that it was to answer.
    asked: Vec<String>,
    /// What became of each request that it did not answer.
    pub(crate) failed: Vec<Mood>,
}

impl Model {
    pub(crate) fn service(&self) -> HttpService {
        let model = self.clone();
        BoxCloneSyncService::new(tower::service_fn(move |request| model.clone().answer(request)))
    }

    /// The bodies of all requests that it was to answer.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.state().asked.clone()
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    async fn answer(self, request: Request<Body>) -> Result<Response<Body>, BoxError> {
        let (head, body) = request.into_parts();
        let body = to_bytes(body, 1 << 20).await?;
        if let Some(failure) = self.state().fail(&body) {
            return failure;
        }
        let script = Script { models: &["scripted"], say: |_: &_| SAID.to_owned() };
        Ok(scripted(script, &Request::from_parts(head, body)).map(Body::from))
    }
}

impl State {
    /// Keeps what is asked; how it fails, if it does.
    fn fail(&mut self, body: &[u8]) -> Option<Result<Response<Body>, BoxError>> {
        let writes = !body.is_empty();
        let mood = if writes || self.mood == Mood::Away { self.mood } else { Mood::Well };
        if writes && mood != Mood::Away {
            self.asked.push(String::from_utf8_lossy(body).into_owned());
        }
        let broken = |kind: ErrorKind| Some(Err(BoxError::from(Error::from(kind))));
        let failure = match mood {
            Mood::Well => return None,
            Mood::Says(status, words) => {
                Some(Ok(Response::builder().status(status).body(Body::from(words)).unwrap()))
            }
            Mood::Dies => broken(ErrorKind::ConnectionReset),
            Mood::Away => broken(ErrorKind::ConnectionRefused),
        };
        self.failed.push(mood);
        failure
    }
}
