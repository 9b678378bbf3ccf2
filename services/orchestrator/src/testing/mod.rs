//! A platform for tests: a real Restate, our service, and peers that keep their contracts in memory.

mod caller;
mod compliance;
mod contracts;
mod edge;
mod guardrails;
mod model;
mod orchestrator;
mod restate;

use std::{path::Path, sync::Arc};

use maily_proto::{
    compliance::compliance_server::ComplianceServer, guardrails::guardrails_server::GuardrailsServer,
};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;

use crate::peers::objects::memory::Memory;
pub(crate) use caller::Caller;
pub(crate) use compliance::Ledger;
pub(crate) use guardrails::Judge;
pub(crate) use model::{Model, Mood};
pub(crate) use orchestrator::{Orchestrator, deps, everything};
pub(crate) use restate::Restate;

/// Everything that outlives a kill of the orchestrator.
pub(crate) struct Platform {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) restate: Restate,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) judge: Arc<Judge>,
    pub(crate) model: model::Model,
    pub(crate) objects: Arc<Memory>,
    compliance: String,
    guardrails: String,
}

impl Platform {
    pub(crate) async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let restate = Restate::start(&dir.path().join("restate"));
        let (ledger, judge) = (Arc::new(Ledger::default()), Arc::new(Judge::default()));
        let compliance = serve(ComplianceServer::from_arc(ledger.clone())).await;
        let guardrails = serve(GuardrailsServer::from_arc(judge.clone())).await;
        edge::make_authority(dir.path());
        Self {
            restate,
            ledger,
            judge,
            model: model::Model::default(),
            objects: Arc::default(),
            compliance,
            guardrails,
            dir,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }
}

/// Serves a gRPC service on loopback; its address.
pub(crate) async fn serve<S>(service: S) -> String
where
    S: tower::Service<
            http::Request<tonic::body::Body>,
            Error = std::convert::Infallible,
            Response: axum::response::IntoResponse,
            Future: Send + 'static,
        > + tonic::server::NamedService
        + Clone
        + Send
        + Sync
        + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let server = tonic::transport::Server::builder().add_service(service);
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    address
}
