//! The judges that the operator lets callers' configurations ask: a campaign decides neither where this service connects to
//! nor which of its keys goes there.

use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

use super::models::{endpoint, variable};

/// `[[service.judges]]`: one OpenAI-compatible server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JudgeSetting {
    /// Its address, as configurations name it in `base_url`: `https://judge.example/v1`.
    pub base_url: String,
    /// The environment variable with its key, if it wants one.
    #[serde(default)]
    pub api_key_env: Option<String>,
}

/// The judges, with their keys. Without any, a caller's configuration can only have models of the engine `maily`.
#[derive(Default)]
pub(crate) struct Judges(Vec<Judge>);

/// One of them.
pub(crate) struct Judge {
    url: Url,
    variable: Option<String>,
    pub(crate) key: Option<SecretString>,
}

impl Judges {
    /// Reads the operator's settings.
    ///
    /// # Errors
    /// An address or a variable that can't be used, in one sentence.
    pub(crate) fn new(settings: &[JudgeSetting]) -> Result<Self, String> {
        let judge = |(at, setting): (usize, &JudgeSetting)| {
            let fault = |what: String| format!("configuration: service.judges[{at}].{what}");
            let url = endpoint(&setting.base_url)
                .ok_or_else(|| fault("base_url is not an https address".into()))?;
            let name = setting.api_key_env.as_deref();
            let key = name.map(variable).transpose().map_err(|why| fault(format!("api_key_env{why}")))?;
            Ok(Judge { url, variable: setting.api_key_env.clone(), key })
        };
        settings.iter().enumerate().map(judge).collect::<Result<_, String>>().map(Self)
    }

    /// The judge whose `chat/completions` this is.
    pub(crate) fn find(&self, url: &Url) -> Option<&Judge> {
        self.0.iter().find(|judge| judge.url == *url)
    }
}

impl Judge {
    /// Whether its key is that of this environment variable.
    pub(crate) fn has_key_of(&self, variable: &str) -> bool {
        self.variable.as_deref() == Some(variable)
    }
}

#[cfg(test)]
impl Judges {
    /// Judges without keys.
    pub(crate) fn at(bases: &[&str]) -> Self {
        let setting = |base: &&str| JudgeSetting { base_url: (*base).into(), api_key_env: None };
        Self::new(&bases.iter().map(setting).collect::<Vec<_>>()).expect("are addresses")
    }
}

#[cfg(test)]
mod tests {
    use super::super::models::OPENAI;
    use super::*;

    #[test]
    fn a_setting_that_can_not_be_used_is_one_sentence() {
        let said = |base: &str, key: Option<&str>| {
            let setting = JudgeSetting { base_url: base.into(), api_key_env: key.map(Into::into) };
            Judges::new(&[setting]).err().unwrap_or_default()
        };
        assert_eq!(said(OPENAI, None), "");
        for (base, key, expected) in [
            ("http://judge.example/v1", None, "base_url is not an https address"),
            (OPENAI, Some("PATH"), "api_key_env must name an environment variable …_API_KEY"),
            (
                OPENAI,
                Some("SURELY_UNSET_API_KEY"),
                "api_key_env: environment variable SURELY_UNSET_API_KEY is not set",
            ),
        ] {
            assert_eq!(said(base, key), format!("configuration: service.judges[0].{expected}"));
        }
    }
}
