//! The service's own section of the configuration.

use std::path::PathBuf;
use std::time::Duration;

use maily_model::{Device, MAX_PROMPT};
use serde::Deserialize;

/// A token is seldom longer than 16 bytes; JSON's `\u0000` makes six of one.
const BYTES_PER_TOKEN: usize = 32;
/// Parameters and a schema need room whatever the context.
const LEAST_BODY: usize = 256 << 10;
/// The longest prompt that is rendered, in any language and however it is escaped: `\u0416` makes six bytes of two. The
/// largest contexts there are, of ten million tokens, have room for more.
const MOST_BODY: usize = 3 * MAX_PROMPT;

/// `[service]` of the inference service.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The checkpoint: a `.gguf` file or a Hugging Face folder. There is no default.
    pub model: PathBuf,
    /// Where the model runs: `cpu`, `cuda` (the first NVIDIA GPU) or `cuda:N`. GPUs need a program built with the cargo
    /// feature `cuda`.
    pub device: Device,
    /// What requests call the model; by default after its file or folder (`smollm2-135m-instruct`).
    pub name: Option<String>,
    /// Tokens that a prompt and its answer may have together, within what the checkpoint allows. Whatever it is, a prompt has
    /// [`MAX_PROMPT`] bytes at most.
    pub context: usize,
    /// Requests that may wait for the model; one more is answered 429.
    pub queue: usize,
    /// Seconds from the arrival of a request to its last token, waiting included.
    pub deadline_seconds: u64,
    /// Tokens of an answer whose request doesn't say; never more than the context leaves room for.
    pub max_tokens: usize,
    /// Tokens that the answers of one request may need memory for: (prompt + `max_tokens`) × `n`.
    pub batch_tokens: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            model: PathBuf::new(),
            device: Device::Cpu,
            name: None,
            context: 8192,
            queue: 64,
            deadline_seconds: 120,
            max_tokens: 1024,
            batch_tokens: 32_768,
        }
    }
}

impl Config {
    /// What is wrong with it, in one sentence; `request_seconds` is the listeners' own deadline.
    pub(crate) fn check(&self, request_seconds: u64) -> Result<(), String> {
        if self.model.as_os_str().is_empty() {
            return Err("service.model is missing: the path of a .gguf file or a Hugging Face folder".into());
        }
        if self.name.as_ref().is_some_and(|name| name.is_empty() || name.len() > 128) {
            return Err("service.name must have 1 to 128 bytes".into());
        }
        if !(1..=request_seconds).contains(&self.deadline_seconds) {
            let limit = format!("1 to limits.request_seconds ({request_seconds})");
            return Err(format!(
                "service.deadline_seconds must be {limit}, but is {}",
                self.deadline_seconds
            ));
        }
        let counts = [
            ("context", self.context),
            ("queue", self.queue),
            ("max_tokens", self.max_tokens),
            ("batch_tokens", self.batch_tokens),
        ];
        match counts.iter().find(|(_, count)| *count == 0) {
            Some((key, _)) => Err(format!("service.{key} must be at least 1")),
            None => Ok(()),
        }
    }

    /// Bytes of a request: what a prompt that fills the context may take, in any language and however it is escaped; but no
    /// more than what can be rendered.
    pub(crate) fn largest_body(&self) -> usize {
        self.context.saturating_mul(BYTES_PER_TOKEN).clamp(LEAST_BODY, MOST_BODY)
    }

    pub(crate) fn deadline(&self) -> Duration {
        Duration::from_secs(self.deadline_seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_may_fill_the_context() {
        let largest = |context| Config { context, ..Config::default() }.largest_body();
        assert_eq!([512, 8_192, 131_072, usize::MAX].map(largest), [256 << 10, 256 << 10, 4 << 20, 12 << 20]);
    }

    #[test]
    fn a_useless_value_is_one_sentence() {
        let good = Config { model: "m.gguf".into(), ..Config::default() };
        assert_eq!(good.check(300), Ok(()));
        let mut said = String::new();
        for bad in [
            Config::default(),
            Config { name: Some(String::new()), ..good.clone() },
            Config { deadline_seconds: 301, ..good.clone() },
            Config { queue: 0, ..good.clone() },
        ] {
            said += &format!("{}\n", bad.check(300).unwrap_err());
        }
        expect_test::expect![[r#"
            service.model is missing: the path of a .gguf file or a Hugging Face folder
            service.name must have 1 to 128 bytes
            service.deadline_seconds must be 1 to limits.request_seconds (300), but is 301
            service.queue must be at least 1
        "#]]
        .assert_eq(&said);
    }
}
