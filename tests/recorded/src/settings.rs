//! The configuration: that of the inference service, and a section of ours.

use std::path::PathBuf;

use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::{Map, Value, from_value};

/// `[service]`: the inference service's own keys, and `recorded`.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// What is ours.
    pub recorded: Recorded,
    /// What is the service's.
    pub inference: maily_inference::Config,
}

/// `[service.recorded]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Recorded {
    /// The workspace: prompts and rails are below it.
    pub workspace: PathBuf,
    /// Where the recordings are, if not in its `tests/recorded/answers`.
    pub answers: Option<PathBuf>,
    /// Has the model answer what is not recorded or stale, and records it.
    pub record: bool,
    /// How long an answer takes, as if a model wrote it.
    pub delay_millis: u64,
    /// No answer comes while there is this file.
    pub hold: Option<PathBuf>,
}

impl Recorded {
    /// Where the recordings are.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.answers.clone().unwrap_or_else(|| self.workspace.join("tests/recorded/answers"))
    }
}

impl<'de> Deserialize<'de> for Settings {
    /// By hand, because serde's `flatten` would let unknown keys pass.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut all = Map::<String, Value>::deserialize(deserializer)?;
        let recorded = all.remove("recorded").map(from_value).transpose().map_err(D::Error::custom)?;
        let inference = from_value(Value::Object(all)).map_err(D::Error::custom)?;
        Ok(Self { recorded: recorded.unwrap_or_default(), inference })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sections_are_read_strictly() {
        let read = serde_json::from_str::<Settings>;
        let both = read(r#"{"model": "m.gguf", "recorded": {"delay_millis": 5}}"#).unwrap();
        assert_eq!((both.inference.model, both.recorded.delay_millis), ("m.gguf".into(), 5));
        for (text, key) in [(r#"{"modle": "m"}"#, "modle"), (r#"{"recorded": {"delay": 5}}"#, "delay")] {
            assert!(read(text).unwrap_err().to_string().contains(&format!("unknown field `{key}`")));
        }
    }
}
