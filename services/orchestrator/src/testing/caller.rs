//! Somebody who uses the API at the edge, call by call.

use std::{net::SocketAddr, path::Path, time::Duration};

use maily_client::{Access, Call, Client, Refusals};
use serde_json::Value;

use super::Platform;
use crate::{
    api::NewCampaign,
    campaign::{CampaignId, Folder},
};

/// Every refusal is its sentence.
const REFUSED: Refusals = &[(404, 1), (409, 1), (422, 1)];

/// A caller, and the one campaign that it has.
pub(crate) struct Caller {
    client: Client,
    folder: Folder,
    pub(crate) id: CampaignId,
}

impl Caller {
    pub(crate) fn new(platform: &Platform, edge: SocketAddr, dir: &Path) -> Self {
        let (ca, key_file) = (platform.path().join("ca.pem"), platform.path().join("key"));
        let (url, patience) = (format!("https://{edge}"), Duration::from_secs(120));
        let client = Client::new(&Access { url: &url, ca: &ca, key_file: &key_file, patience }).unwrap();
        let folder = Folder::read(dir).unwrap();
        Self { client, id: folder.id.clone(), folder }
    }

    fn path(&self, rest: &str) -> String {
        format!("/v1/campaigns/{}{rest}", self.id)
    }

    pub(crate) async fn create(&self) {
        let new = NewCampaign {
            id: Some(self.id.clone()),
            campaign: self.folder.yaml.clone(),
            brand: self.folder.campaign.brand.clone(),
            guardrails: self.folder.campaign.guardrails.clone(),
        };
        let body = serde_json::to_vec(&new).unwrap();
        self.client.json(Call::post("/v1/campaigns".into(), Some(body))).await.unwrap();
    }

    /// The sentence of a refusal, if it is one.
    pub(crate) async fn upload(&self) -> Result<(), String> {
        let call = Call::upload(self.path("/subscribers"), self.folder.subscribers.clone());
        self.call(call).await
    }

    /// Everything up to the start.
    pub(crate) async fn begin(&self) {
        self.create().await;
        self.upload().await.unwrap();
        self.post("/start").await.unwrap();
    }

    pub(crate) async fn post(&self, what: &str) -> Result<(), String> {
        self.call(Call::post(self.path(what), None)).await
    }

    /// What `GET /v1/campaigns/ID` answers.
    pub(crate) async fn status(&self) -> Value {
        self.client.json(Call::get(self.path(""))).await.unwrap()
    }

    /// Asks until it is in this state.
    pub(crate) async fn wait_for(&self, state: &str) -> Value {
        loop {
            let status = self.status().await;
            if status["state"] == state {
                return status;
            }
            // Nothing tells of it; the client's patience ends this.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn call(&self, call: Call) -> Result<(), String> {
        self.client.json(call.refused(REFUSED)).await.map(drop).map_err(|failure| failure.to_string())
    }
}
