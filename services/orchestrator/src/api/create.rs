//! Creating a campaign, giving it its list, starting it.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use axum::{
    Extension, Json,
    body::Body,
    extract::{Path, State, rejection::JsonRejection},
};
use futures::StreamExt as _;
use http::StatusCode;
use maily_chassis::{Caller, EdgeCaller};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::{select, sync::mpsc};
use tokio_stream::wrappers::ReceiverStream;

use super::{Api, problem::Refusal, shares::Loads};
use crate::{
    campaign::{Campaign, CampaignId, GuardrailsFile},
    peers::Upload,
    workflow::{Keys, ending},
};

/// How long a refused upload may go on.
const DRAIN: Duration = Duration::from_secs(60);

/// Body of `POST /v1/campaigns`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCampaign {
    /// The campaign's id; without one it is the digest of the rest.
    #[serde(default)]
    pub(crate) id: Option<CampaignId>,
    /// campaign.yaml, word for word.
    pub(crate) campaign: String,
    /// brand.md
    pub(crate) brand: String,
    pub(crate) guardrails: Vec<GuardrailsFile>,
}

/// `POST /v1/campaigns`
pub(crate) async fn create(
    State(api): State<Api>,
    Extension(loads): Extension<Loads>,
    caller: Caller,
    body: Result<Json<NewCampaign>, JsonRejection>,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let Json(new) = body.map_err(|rejection| Refusal::unusable(rejection.body_text()))?;
    let campaign = Campaign::new(&new.campaign, new.brand, new.guardrails)?;
    let id = match new.id {
        Some(id) => id,
        None => derived(&campaign)?,
    };
    let turn = loads.turn(caller).await?;
    api.deps.guardrails.load(&id, &campaign.guardrails).await?;
    drop(turn);
    let kept: Campaign = api.deps.objects.settle_json(&Keys(&id).campaign(), campaign.clone()).await?;
    match kept == campaign {
        true => Ok((StatusCode::CREATED, Json(json!({ "id": id })))),
        false => Err(Refusal::conflict("another campaign has this id")),
    }
}

fn derived(campaign: &Campaign) -> Result<CampaignId, Refusal> {
    let bytes =
        serde_json::to_vec(campaign).map_err(|_| Refusal::unusable("the campaign has no JSON form"))?;
    Ok(CampaignId::of_digest(digest(&SHA256, &bytes).as_ref()))
}

/// `PUT /v1/campaigns/{id}/subscribers`: the CSV file streams through to compliance; nothing of it is kept here.
pub(crate) async fn subscribers(
    State(api): State<Api>,
    Path(id): Path<CampaignId>,
    caller: Option<Extension<EdgeCaller>>,
    body: Body,
) -> Result<Json<Value>, Refusal> {
    let campaign = api.campaign(&id).await?;
    let (pieces, list) = mpsc::channel(4);
    let pump = tokio::spawn(pump(body, pieces));
    let caller = caller.map(|Extension(EdgeCaller(name))| name).unwrap_or_default();
    match import(&api, (&id, caller.as_str()), &campaign, list).await {
        Ok(rows) => Ok(Json(json!({ "rows": rows }))),
        Err(refusal) => {
            let _ = tokio::time::timeout(DRAIN, pump).await;
            Err(refusal)
        }
    }
}

async fn import(
    api: &Api,
    (id, caller): (&CampaignId, &str),
    campaign: &Campaign,
    list: mpsc::Receiver<Upload>,
) -> Result<u64, Refusal> {
    api.refuse_stopped(id).await?;
    let list = ReceiverStream::new(list);
    // A call that is dropped is cancelled: compliance takes nothing of a list that has not ended.
    select! {
        rows = api.deps.compliance.import(id, &campaign.settings, caller, list) => Ok(rows?),
        () = ending::ended(&api.deps, id) => Err(Refusal::conflict("the campaign was cancelled")),
    }
}

/// Reads the upload to its end even after the list was refused: a client that is still sending when the connection
/// closes may never see the answer.
async fn pump(body: Body, pieces: mpsc::Sender<Upload>) {
    let mut body = body.into_data_stream();
    while let Some(piece) = body.next().await {
        // Without its end, the list is torn.
        let Ok(piece) = piece else { return };
        let _ = pieces.send(Upload::Piece(piece)).await;
    }
    let _ = pieces.send(Upload::End).await;
}

/// `POST /v1/campaigns/{id}/start`
pub(crate) async fn start(State(api): State<Api>, Path(id): Path<CampaignId>) -> Result<StatusCode, Refusal> {
    api.campaign(&id).await?;
    if api.report(&id).await?.is_some() {
        return Ok(StatusCode::OK);
    }
    api.refuse_stopped(&id).await?;
    if api.deps.compliance.summary(&id).await?.is_none() {
        return Err(Refusal::conflict("the campaign has no subscribers yet"));
    }
    api.ingress.start("Campaign", id.as_str()).await?;
    Ok(StatusCode::ACCEPTED)
}
