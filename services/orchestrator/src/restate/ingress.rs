//! Restate's ingress port: workflows are started and asked there.

use http::{Method, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Address, RestateError};

/// Restate's ingress port.
#[derive(Clone, Debug)]
pub(crate) struct Ingress(pub(crate) Address);

/// How far a workflow is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// No workflow of this key was started, or it ended long ago.
    Unknown,
    Running,
    Done,
    /// It gave up, with this sentence.
    Failed(String),
}

impl Ingress {
    /// Starts a workflow; one that was started before goes on or stays ended.
    pub(crate) async fn start(&self, workflow: &str, key: &str) -> Result<(), RestateError> {
        let path = format!("/{workflow}/{}/run/send", encode(key));
        match self.0.call(Method::POST, &path, None).await {
            // "already invoked": that is what was asked for.
            Err(RestateError::Status(StatusCode::CONFLICT, _)) => Ok(()),
            answer => answer.map(drop),
        }
    }

    /// Calls a shared handler without input.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        workflow: &str,
        key: &str,
        handler: &str,
    ) -> Result<T, RestateError> {
        let path = format!("/{workflow}/{}/{handler}", encode(key));
        let (_, value) = self.0.call(Method::POST, &path, None).await?;
        serde_json::from_value(value).map_err(|_| RestateError::Answer)
    }

    /// How far a workflow is.
    pub(crate) async fn outcome(&self, workflow: &str, key: &str) -> Result<Outcome, RestateError> {
        let path = format!("/restate/workflow/{workflow}/{}/output", encode(key));
        match self.0.call(Method::GET, &path, None).await {
            Ok(_) => Ok(Outcome::Done),
            Err(RestateError::Status(StatusCode::NOT_FOUND, _)) => Ok(Outcome::Unknown),
            // Restate's own status for "not ready".
            Err(RestateError::Status(status, _)) if status.as_u16() == 470 => Ok(Outcome::Running),
            Err(RestateError::Status(status, body)) => failed(status, &body),
            Err(error) => Err(error),
        }
    }
}

/// A terminal failure carries our own sentence, or Restate's word for a kill (409): whatever its status, it is the
/// invocation's own. Anything else is Restate's trouble.
fn failed(status: StatusCode, body: &Value) -> Result<Outcome, RestateError> {
    let own = body["source"].as_str().map_or(status.is_server_error(), |source| source == "invocation");
    match body["message"].as_str().filter(|_| own) {
        Some(message) => Ok(Outcome::Failed(message.to_owned())),
        None => Err(RestateError::Status(status, Value::Null)),
    }
}

fn encode(key: &str) -> String {
    utf8_percent_encode(key, NON_ALPHANUMERIC).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_an_invocation_ended_with_is_told_from_restates_trouble() {
        let of = |status, body| failed(StatusCode::from_u16(status).unwrap(), &body).ok();
        let said = |message: &str| Some(Outcome::Failed(message.to_owned()));
        let killed = json!({ "code": 409, "message": "killed", "source": "invocation" });
        assert_eq!(of(409, killed), said("killed"));
        assert_eq!(of(500, json!({ "message": "rude", "source": "invocation" })), said("rude"));
        assert_eq!(of(500, json!({ "message": "rude" })), said("rude"));
        assert_eq!(of(503, json!({ "message": "no partition", "source": "ingress" })), None);
        assert_eq!(of(400, json!({ "message": "bad key" })), None);
    }
}
