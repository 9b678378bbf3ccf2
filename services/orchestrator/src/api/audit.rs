//! Who imported, started, cancelled and exported what.

use axum::{
    extract::{RawPathParams, Request, State},
    middleware::Next,
    response::Response,
};
use maily_chassis::{Audit, BodyShare, EdgeCaller};

use crate::campaign::CampaignId;

/// Leaves a line in the audit record: the owner of the key, the campaign, and the status of the answer. An answer that goes
/// on is told of when it begins.
pub(crate) async fn audited(
    State(action): State<&'static str>,
    path: RawPathParams,
    request: Request,
    next: Next,
) -> Response {
    let caller = request.extensions().get::<EdgeCaller>();
    let owner = caller.map_or_else(|| "nobody".to_owned(), |caller| caller.0.clone());
    // What is no id could be anything, and is not repeated.
    let id = path.iter().find(|(name, _)| *name == "id").map(|(_, id)| id.to_owned());
    let id = id.and_then(|id| CampaignId::try_from(id).ok());
    let audit = Audit::new(action, owner, id.map_or_else(|| "no campaign".to_owned(), |id| id.to_string()));
    let share = request.extensions().get::<BodyShare>().cloned();
    let response = next.run(request).await;
    // What the listener makes of a body that it has refused is said outside of here.
    let refused = share.and_then(|share| share.refused());
    audit.ended(refused.unwrap_or(response.status()).as_u16());
    response
}
