//! Restate's admin port: our deployment is registered there, at the address where we can be reached now, and workflows are
//! cancelled.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use tracing::info;

use super::{Address, RestateError};
use crate::campaign::CampaignId;

/// Restate's admin port.
#[derive(Clone, Debug)]
pub(crate) struct Admin(pub(crate) Address);

impl Admin {
    /// Makes Restate call `services` at `uri`: also for invocations that began when we lived elsewhere.
    ///
    /// # Errors
    /// Restate can't be reached, or can't reach us.
    pub(crate) async fn register(&self, uri: &str, services: &[&str]) -> Result<(), RestateError> {
        let (_, listed) = self.0.call(Method::GET, "/deployments", None).await?;
        let ours = list(&listed, "deployments").iter().filter(|deployment| serves(deployment, services));
        for deployment in ours.filter(|deployment| !same_uri(deployment, uri)) {
            // Journals are bound to their deployment, so the old one is moved, not replaced.
            let id = deployment["id"].as_str().ok_or(RestateError::Answer)?;
            let update = json!({ "uri": uri, "overwrite": true });
            self.0.call(Method::PATCH, &format!("/deployments/{id}"), Some(&update)).await?;
            info!("Restate reaches us at a new address");
        }
        // `force` makes Restate read our handlers again: the same journal format, perhaps other options.
        let register = json!({ "uri": uri, "force": true });
        self.0.call(Method::POST, "/deployments", Some(&register)).await.map(drop)
    }
}

impl Admin {
    /// Cancels a workflow that has not ended, and with it the calls that it waits for; it ends when it has cleaned up.
    ///
    /// # Errors
    /// Restate can't be reached, or failed.
    pub(crate) async fn cancel(&self, workflow: &str, campaign: &CampaignId) -> Result<(), RestateError> {
        // Neither can end the text: an id is letters, digits and hyphens.
        let query = format!(
            "SELECT id FROM sys_invocation WHERE target_service_name = '{workflow}' AND target_service_key = \
             '{campaign}' AND target_handler_name = 'run' AND status <> 'completed'"
        );
        let (_, found) = self.0.call(Method::POST, "/query", Some(&json!({ "query": query }))).await?;
        for id in list(&found, "rows").iter().filter_map(|row| row["id"].as_str()) {
            match self.0.call(Method::PATCH, &format!("/invocations/{id}/cancel"), None).await {
                // It ended in between.
                Err(RestateError::Status(StatusCode::NOT_FOUND | StatusCode::CONFLICT, _)) => {}
                answer => drop(answer?),
            }
        }
        Ok(())
    }
}

fn list<'a>(answer: &'a Value, field: &str) -> &'a [Value] {
    answer.get(field).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn serves(deployment: &Value, services: &[&str]) -> bool {
    let named = |service: &Value| service["name"].as_str().is_some_and(|name| services.contains(&name));
    deployment["services"].as_array().is_some_and(|all| all.iter().any(named))
}

fn same_uri(deployment: &Value, uri: &str) -> bool {
    deployment["uri"].as_str().is_some_and(|known| known.trim_end_matches('/') == uri.trim_end_matches('/'))
}
