//! What a service hands to [`Boot::serve`](crate::Boot::serve): its routers, by listener.

use axum::Router;

use crate::{body::Streams, edge::EdgeAuth, problem::Words};

/// The routers of a service, by listener.
#[derive(Default)]
pub struct Listeners {
    pub(crate) internal: Router,
    pub(crate) edge: Option<(Router, EdgeAuth)>,
    pub(crate) officer: Option<Router>,
    pub(crate) own_deadlines: bool,
    pub(crate) words: Option<Words>,
    pub(crate) streams: Option<Streams>,
}

impl Listeners {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// gRPC services of the internal listener.
    #[must_use]
    pub fn grpc(mut self, routes: tonic::service::Routes) -> Self {
        // The fallback of tonic's router would clash with that of an HTTP router beside it.
        self.internal = self.internal.merge(routes.prepare().into_axum_router().reset_fallback());
        self
    }

    /// HTTP routes of the internal listener.
    #[must_use]
    pub fn internal(mut self, router: Router) -> Self {
        self.internal = self.internal.merge(router);
        self
    }

    /// HTTP routes of the edge listener, and who checks the caller.
    #[must_use]
    pub fn edge(mut self, router: Router, auth: EdgeAuth) -> Self {
        self.edge = Some((router, auth));
        self
    }

    /// HTTP routes of the officer listener; its callers are always checked by the chassis ([`EdgeAuth::Bearer`]).
    #[must_use]
    pub fn officer(mut self, router: Router) -> Self {
        self.officer = Some(router);
        self
    }

    /// Problems of the internal and the edge listener are said in these words.
    #[must_use]
    pub fn problems(mut self, words: Words) -> Self {
        self.words = Some(words);
        self
    }

    /// These requests' bodies are passed on as they come; others are gathered, and count as a whole among the bodies under
    /// way (`limits.body_bytes`).
    #[must_use]
    pub fn streams(mut self, streams: Streams) -> Self {
        self.streams = Some(streams);
        self
    }

    /// The service bounds the time of its requests itself; `limits.request_seconds` is not applied.
    #[must_use]
    pub fn own_deadlines(mut self) -> Self {
        self.own_deadlines = true;
        self
    }
}
