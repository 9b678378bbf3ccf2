//! Puts the service together: peers, workflows, the endpoint for Restate, the API at the edge.

use std::{sync::Arc, time::Duration};

use axum::body::Body;
use maily_chassis::{Boot, EdgeAuth, Error, Listeners, PeerClient, Readiness};
use restate_sdk::{endpoint::Endpoint as Sdk, hyper::HyperEndpoint};
use tower::{BoxError, ServiceExt as _, util::BoxCloneSyncService};
use tracing::{info, warn};

use crate::{
    Config,
    api::{self, Api},
    peers::{Compliance, Guardrails, HttpService, Inference, Objects, S3},
    restate::{Address, Admin, Endpoint, Ingress, public_key},
    workflow::{
        Deps, SERVICES,
        campaign::Campaign,
        cohort::Cohort,
        retention::{self, Retention, Sweep},
        turns,
    },
};

const BETWEEN_TRIES: Duration = Duration::from_millis(200);
/// After the first failure of a step that counts; the same five times take a quarter of a minute.
const PAUSE: Duration = Duration::from_secs(1);

/// Runs the service until it is told to stop.
///
/// # Errors
/// A configuration that can't be used.
pub async fn run(boot: Boot<Config>) -> Result<(), Error> {
    let config = boot.config.service.clone();
    config.check().map_err(Error::new)?;
    let deps = Arc::new(deps(&boot)?);
    let address = |text: &str| text.parse::<Address>().map_err(Error::new);
    let (ingress, admin) = (address(&config.restate_ingress)?, Admin(address(&config.restate_admin)?));
    let endpoint = Endpoint::bind(config.endpoint, sdk(&deps, &config.identity_key)?)
        .await
        .map_err(|error| Error::unavailable(format!("cannot listen on {}: {error}", config.endpoint)))?;
    let uri = endpoint.uri().map_err(Error::new)?;
    boot.readiness.fail("not registered with Restate yet");
    let shutdown = boot.shutdown.clone();
    let endpoint = tokio::spawn(endpoint.serve(shutdown.clone()));
    tokio::spawn(boot.shutdown.clone().run_until_cancelled_owned(register(
        admin.clone(),
        uri,
        boot.readiness.clone(),
    )));
    let ingress = Ingress(ingress);
    if let Some(kept) = retention::after(config.messages_days) {
        let sweep = Sweep { deps: deps.clone(), ingress: ingress.clone(), kept };
        tokio::spawn(boot.shutdown.clone().run_until_cancelled_owned(sweep.run()));
    }
    let api = Api { deps, ingress, admin };
    let listeners = Listeners::new().edge(api::router(api), EdgeAuth::Bearer).streams(api::held);
    let served = boot.serve(listeners).await;
    shutdown.cancel();
    // Steps under way end before the process does, so that Restate need not repeat them.
    let _ = endpoint.await;
    served
}

fn deps(boot: &Boot<Config>) -> Result<Deps, Error> {
    let config = &boot.config.service;
    let objects: Arc<dyn Objects> =
        Arc::new(S3::open(&boot.http_client("storage")?, &config.credentials, &config.home_region)?);
    Ok(Deps {
        compliance: Compliance::new(boot.grpc_client("compliance")?),
        guardrails: Guardrails::new(boot.grpc_client("guardrails")?),
        inference: Inference::new(http_service(boot.http_client("inference")?)),
        objects,
        drafts: turns(config.drafts_in_flight),
        pages: turns(config.pages_in_flight),
        pages_in_flight: config.pages_in_flight,
        pause: PAUSE,
    })
}

fn http_service(client: PeerClient) -> HttpService {
    BoxCloneSyncService::new(client.map_response(|response| response.map(Body::new)).map_err(BoxError::from))
}

pub(crate) fn sdk(deps: &Arc<Deps>, identity_key: &str) -> Result<HyperEndpoint, Error> {
    let key = public_key(identity_key).map_err(Error::new)?;
    let sdk = Sdk::builder()
        .bind(Campaign(deps.clone()))
        .bind(Cohort(deps.clone()))
        .bind(Retention)
        .identity_key(&key)
        .map_err(|error| Error::new(format!("configuration: service.identity_key: {error}")))?;
    Ok(HyperEndpoint::new(sdk.build()))
}

/// Registers us with Restate, however long that takes to come up, and then lets us be ready.
async fn register(admin: Admin, uri: String, readiness: Readiness) {
    let mut said = false;
    while let Err(error) = admin.register(&uri, &SERVICES).await {
        // Once: Restate starting after us is normal.
        if !std::mem::replace(&mut said, true) || error.is_permanent() {
            warn!(%error, "not registered with Restate yet");
        }
        tokio::time::sleep(BETWEEN_TRIES).await;
    }
    info!(endpoint = %uri, "registered with Restate");
    readiness.set(true);
}
