//! The fakes keep the contracts: what the real services' own tests check of those is checked of these.

use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use maily_contracts::{compliance, guardrails, inference, objects};
use maily_proto::{
    compliance::{compliance_client::ComplianceClient, compliance_server::ComplianceServer},
    guardrails::{guardrails_client::GuardrailsClient, guardrails_server::GuardrailsServer},
};
use tonic::transport::{Channel, Endpoint};
use tower::ServiceExt as _;

use super::{Judge, Ledger, model::Model, serve};
use crate::peers::{Bucket, HttpService, Objects as _, objects::memory::Memory};

fn channel(address: String) -> Channel {
    Endpoint::from_shared(address).unwrap().connect_lazy()
}

struct FakeCompliance(Arc<Ledger>, Channel);

impl compliance::Compliance for FakeCompliance {
    fn client(&self) -> ComplianceClient<Channel> {
        ComplianceClient::new(self.1.clone())
    }

    fn opt_out(&self, token: String) -> impl Future<Output = ()> + Send + 'static {
        let ledger = Arc::clone(&self.0);
        async move { ledger.opt_out(&token) }
    }

    fn break_disk(&self) {
        self.0.state().full = true;
    }
}

async fn ledger() -> FakeCompliance {
    let ledger = Arc::new(Ledger::default());
    let address = serve(ComplianceServer::from_arc(Arc::clone(&ledger))).await;
    FakeCompliance(ledger, channel(address))
}

maily_contracts::compliance_suite!(ledger);

struct FakeGuardrails(Arc<Judge>, Channel);

impl guardrails::Guardrails for FakeGuardrails {
    fn client(&self) -> GuardrailsClient<Channel> {
        GuardrailsClient::new(self.1.clone())
    }

    async fn forget(&self) {
        self.0.forget();
    }
}

async fn judge() -> FakeGuardrails {
    let judge = Arc::new(Judge::default());
    let address = serve(GuardrailsServer::from_arc(Arc::clone(&judge))).await;
    FakeGuardrails(judge, channel(address))
}

maily_contracts::guardrails_suite!(judge);

struct FakeInference(HttpService);

impl inference::Inference for FakeInference {
    async fn call(&self, request: http::Request<Bytes>) -> http::Response<Bytes> {
        let answer = self.0.clone().oneshot(request.map(Body::from)).await.unwrap();
        let (head, body) = answer.into_parts();
        http::Response::from_parts(head, to_bytes(body, usize::MAX).await.unwrap())
    }
}

async fn scripted() -> FakeInference {
    FakeInference(Model::default().service())
}

maily_contracts::inference_suite!(scripted);

struct FakeStorage(Memory);

fn bucket(bucket: objects::Bucket<'_>) -> Bucket {
    match bucket {
        objects::Bucket::Campaigns => Bucket::Campaigns,
        objects::Bucket::Mail(region) => Bucket::Mail(region.to_owned()),
    }
}

impl objects::Objects for FakeStorage {
    async fn create(&self, at: objects::Bucket<'_>, key: &str, bytes: Bytes) -> Result<bool, String> {
        self.0.create(&bucket(at), key, bytes).await.map_err(|error| error.to_string())
    }

    async fn read(&self, at: objects::Bucket<'_>, key: &str) -> Result<Option<Bytes>, String> {
        self.0.read(&bucket(at), key).await.map_err(|error| error.to_string())
    }
}

async fn memory() -> FakeStorage {
    assert_eq!(objects::LONGEST, crate::peers::objects::LONGEST);
    FakeStorage(Memory::default())
}

maily_contracts::objects_suite!(memory);
