//! Restate's admin port: our deployment is registered there, at the address where we can be reached now.

use http::Method;
use serde_json::{Value, json};
use tracing::info;

use super::{Address, RestateError};

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
        let ours = listed["deployments"].as_array().map(Vec::as_slice).unwrap_or_default();
        let ours = ours.iter().filter(|deployment| serves(deployment, services));
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

fn serves(deployment: &Value, services: &[&str]) -> bool {
    let named = |service: &Value| service["name"].as_str().is_some_and(|name| services.contains(&name));
    deployment["services"].as_array().is_some_and(|all| all.iter().any(named))
}

fn same_uri(deployment: &Value, uri: &str) -> bool {
    deployment["uri"].as_str().is_some_and(|known| known.trim_end_matches('/') == uri.trim_end_matches('/'))
}
