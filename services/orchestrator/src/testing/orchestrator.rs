//! Our service in a runtime of its own, so that it can end as abruptly as a killed process.

use std::{sync::Arc, time::Duration};

use axum::Extension;
use maily_chassis::{Scope, Scopes};
use tokio::{
    net::TcpListener,
    runtime::{Builder, Runtime},
};
use tonic::transport::Endpoint as Peer;

use super::{Platform, edge};
use crate::{
    api::{self, Api},
    peers::{Compliance, Guardrails, Inference},
    restate::{Admin, Endpoint, Ingress},
    service,
    workflow::{Deps, SERVICES, turns},
};

/// The running service.
pub(crate) struct Orchestrator {
    runtime: Option<Runtime>,
    /// `host:port` of its edge listener.
    pub(crate) edge: std::net::SocketAddr,
}

impl Orchestrator {
    /// Starts it; `edge` is the address of an earlier one, or port 0.
    pub(crate) async fn start(platform: &Platform, edge: std::net::SocketAddr) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let deps = {
            // Channels belong to the runtime that they are made in.
            let _guard = runtime.enter();
            Arc::new(deps(platform))
        };
        let admin = Admin(platform.restate.admin().parse().unwrap());
        let ingress = Ingress(platform.restate.ingress().parse().unwrap());
        let api = Api { deps: deps.clone(), ingress, admin: admin.clone() };
        let identity = platform.restate.identity().to_str().unwrap().to_owned();
        let (router, dir) = (api::router(api).layer(everything()), platform.path().to_owned());
        let started = runtime.spawn(async move {
            let any = ([127, 0, 0, 1], 0).into();
            let endpoint = Endpoint::bind(any, service::sdk(&deps, &identity).unwrap()).await.unwrap();
            let uri = endpoint.uri().unwrap();
            tokio::spawn(endpoint.serve(tokio_util::sync::CancellationToken::new()));
            // The earlier one's socket closes when its runtime gets round to it.
            let bind = || TcpListener::bind(edge);
            let soon = Duration::from_secs(10);
            let listener = maily_chassis::retry::retry(soon, |_| false, bind).await.unwrap();
            let edge = listener.local_addr().unwrap();
            tokio::spawn(async move { edge::serve(listener, router, &dir).await });
            let register = || admin.register(&uri, &SERVICES);
            let deadline = Duration::from_secs(60);
            maily_chassis::retry::retry(deadline, |_| false, register).await.unwrap();
            edge
        });
        Self { edge: started.await.unwrap(), runtime: Some(runtime) }
    }

    /// Ends it without a word to anybody.
    pub(crate) fn kill(mut self) {
        self.stop();
    }

    fn stop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Orchestrator {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What the chassis says of a key that may do everything.
pub(crate) fn everything() -> Extension<Scopes> {
    Extension(Scopes::of(&[Scope::Admin]))
}

/// What the workflows work with, on the caller's runtime.
pub(crate) fn deps(platform: &Platform) -> Deps {
    let channel = |address: &str| Peer::from_shared(address.to_owned()).unwrap().connect_lazy();
    Deps {
        compliance: Compliance::new(channel(&platform.compliance)),
        guardrails: Guardrails::new(channel(&platform.guardrails)),
        inference: Inference::new(platform.model.service()),
        objects: platform.objects.clone(),
        drafts: turns(2),
        pages: turns(2),
        pages_in_flight: 2,
        // A peer that is started again has the tenfold of it to come back.
        pause: Duration::from_millis(20),
    }
}
