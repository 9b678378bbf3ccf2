//! The service's own configuration section.

use std::path::PathBuf;

use serde::Deserialize;

use crate::config::JudgeSetting;

/// `[service]` of the guardrails service.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// A folder of configuration folders, served over HTTP under their names; none by default.
    pub configs: Option<PathBuf>,
    /// The judges that configurations loaded by gRPC may ask beside the platform's own model; none by default.
    pub judges: Vec<JudgeSetting>,
    /// How many configurations loaded by gRPC are held; the least recently used one goes first. Default 64.
    pub max_configs: usize,
    /// How long one answer of a model may take, in seconds; then the text is blocked. Default 20.
    pub judge_timeout_seconds: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { configs: None, judges: Vec::new(), max_configs: 64, judge_timeout_seconds: 20 }
    }
}

impl Settings {
    /// What can't be meant, in one sentence.
    pub(crate) fn problem(&self) -> Option<String> {
        if !(1..=10_000).contains(&self.max_configs) {
            return Some("configuration: service.max_configs must be from 1 to 10000".to_owned());
        }
        (!(1..=600).contains(&self.judge_timeout_seconds))
            .then(|| "configuration: service.judge_timeout_seconds must be from 1 to 600".to_owned())
    }
}
