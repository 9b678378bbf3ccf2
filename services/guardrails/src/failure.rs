//! Why there is no verdict, and whether the same text will meet the same again.

use http::StatusCode;
use maily_chassis::WorkError;
use serde_json::Value;

use crate::config::{Engine, Flow};

/// Bytes of a code that a model's service gives for a refusal.
const CODE: usize = 64;

/// What a failure is to whoever asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The text or the request is at fault.
    Caller,
    /// Something else is, and asking again meets the same: a bug, or a configuration that can't work.
    Fault,
    /// The model did not answer in time, which a text may do to it each time.
    Late,
    /// The model's connection broke off, which a text may do to it each time.
    Broken,
    /// It passes.
    Outage,
}

/// What the service of a model says is wrong with a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) param: Option<&'static str>,
    pub(crate) code: Option<String>,
}

impl Said {
    fn parameter(&self) -> String {
        self.param.map_or_else(|| "a parameter that it is sent".to_owned(), |param| format!("`{param}`"))
    }
}

/// Why there is no answer. Nothing of the prompt or the answer is in it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JudgeError {
    #[error("the configuration's model did not answer in time")]
    TimedOut,
    #[error("the configuration's model could not be reached")]
    Unreachable,
    #[error("the configuration's model broke the connection off")]
    Broke,
    #[error("the configuration's model answered with status {0}")]
    Status(StatusCode),
    /// The request, or what of the text is in it, is at fault.
    #[error("the configuration's model refuses the request with status {0}")]
    Refused(StatusCode, Said),
    /// What the configuration has it asked with is at fault, whatever the text is.
    #[error("the configuration's model does not support {}", .1.parameter())]
    Unsupported(StatusCode, Said),
    #[error("the configuration's model did not answer as OpenAI's API does")]
    Malformed,
    #[error("the service has no peer `inference`")]
    NoPeer,
    #[error("the configuration has no such model or prompt")]
    Missing,
    #[error("the text is too long for the prompt of `{}`", .0.name())]
    TooLong(Flow),
    /// The prompt's template fails by what the text is.
    #[error("the prompt of `{}` can't be rendered for this text: {why}", .flow.name())]
    Unrenderable { flow: Flow, why: String },
    #[error("the messages are too long for the configuration's model")]
    TooLongForModel,
    #[error("{0}")]
    NotRendered(String),
    #[error(transparent)]
    Work(#[from] WorkError),
}

impl JudgeError {
    pub(crate) fn failure(&self) -> Failure {
        match self {
            Self::Refused(..) | Self::TooLong(_) | Self::Unrenderable { .. } | Self::TooLongForModel => {
                Failure::Caller
            }
            Self::Unsupported(..)
            | Self::Malformed
            | Self::NoPeer
            | Self::Missing
            | Self::Work(WorkError::Panicked) => Failure::Fault,
            Self::TimedOut => Failure::Late,
            Self::Broke => Failure::Broken,
            Self::Unreachable | Self::NotRendered(_) | Self::Work(WorkError::Interrupted) => Failure::Outage,
            Self::Status(status) => match status.as_u16() {
                // Not set up yet (the operator's key, never the text), overloaded, or away behind a proxy.
                401 | 403 | 408 | 425 | 429 | 502.. => Failure::Outage,
                _ => Failure::Fault,
            },
        }
    }

    /// Whether it is what was to be put before the model that is too long.
    pub(crate) fn is_too_long(&self) -> bool {
        matches!(self, Self::TooLong(_) | Self::TooLongForModel)
    }

    /// The same of a self check by `flow`: what its model is asked is not what the caller wrote.
    pub(crate) fn of(self, flow: Flow) -> Self {
        match self {
            Self::TooLongForModel => Self::TooLong(flow),
            Self::Refused(status, _) => Self::Refused(status, Said { param: Some("messages"), code: None }),
            other => other,
        }
    }
}

/// Why a model that was reached does not answer. OpenAI's API says by a code that the prompt is too long, or that the model
/// does not take a parameter; the other codes are read where the service is ours.
pub(crate) fn refused(engine: &Engine, status: StatusCode, body: &[u8]) -> JudgeError {
    let said: Value = serde_json::from_slice(body).unwrap_or_default();
    let error = said.get("error").unwrap_or(&Value::Null);
    let long = text(error, "code") == Some("context_length_exceeded");
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => JudgeError::TooLongForModel,
        StatusCode::BAD_REQUEST if long => JudgeError::TooLongForModel,
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => {
            let said = what(error);
            match said.code.as_deref() {
                Some("unsupported_parameter" | "unsupported_value") => JudgeError::Unsupported(status, said),
                _ if matches!(engine, Engine::Maily) => JudgeError::Refused(status, said),
                _ => JudgeError::Refused(status, Said::default()),
            }
        }
        status => JudgeError::Status(status),
    }
}

fn text<'a>(error: &'a Value, field: &str) -> Option<&'a str> {
    error.get(field)?.as_str()
}

fn what(error: &Value) -> Said {
    let param = text(error, "param").unwrap_or_default();
    // `messages[3].content`: behind the operator's instructions the numbers are others.
    let name = param.split(['[', '.']).next().unwrap_or_default();
    let known = ["messages", "stop", "max_tokens", "max_completion_tokens", "temperature", "top_p"];
    let code = text(error, "code").filter(|code| {
        code.len() <= CODE && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    });
    Said { param: known.into_iter().find(|known| *known == name), code: code.map(str::to_owned) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_model_answers_each_time_is_told_from_what_passes() {
        let failure = |code: u16| {
            refused(&Engine::Maily, StatusCode::from_u16(code).expect("is a status"), b"").failure()
        };
        for (code, expected) in [
            (400, Failure::Caller),
            (413, Failure::Caller),
            (422, Failure::Caller),
            (301, Failure::Fault),
            (404, Failure::Fault),
            (500, Failure::Fault),
            (401, Failure::Outage),
            (403, Failure::Outage),
            (429, Failure::Outage),
            (502, Failure::Outage),
            (503, Failure::Outage),
            (504, Failure::Outage),
            (529, Failure::Outage),
        ] {
            assert_eq!(failure(code), expected, "{code}");
        }
        assert_eq!(JudgeError::from(WorkError::Panicked).failure(), Failure::Fault);
        assert_eq!(JudgeError::from(WorkError::Interrupted).failure(), Failure::Outage);
    }

    #[test]
    fn of_our_own_service_it_is_told_what_is_wrong() {
        let body = br#"{"error":{"param":"messages[3].content","code":"invalid_value","message":"x"}}"#;
        let told = |engine: &Engine, body: &[u8]| match refused(engine, StatusCode::BAD_REQUEST, body) {
            JudgeError::Refused(_, said) => said,
            other => panic!("{other}"),
        };
        let said = Said { param: Some("messages"), code: Some("invalid_value".into()) };
        assert_eq!(told(&Engine::Maily, body), said);
        let strange = br#"{"error":{"param":"tools","code":"Not a code"}}"#;
        assert_eq!(told(&Engine::Maily, strange), Said::default());
        let outside =
            Engine::OpenAi { url: "https://judge.example/v1".parse().expect("is a URL"), key: None };
        assert_eq!(told(&outside, body), Said::default());
        // Whoever says it: no text is at fault.
        for (body, sentence) in [
            (
                r#"{"error":{"param":"max_tokens","code":"unsupported_parameter"}}"#,
                "the configuration's model does not support `max_tokens`",
            ),
            (
                r#"{"error":{"param":"a secret","code":"unsupported_value"}}"#,
                "the configuration's model does not support a parameter that it is sent",
            ),
        ] {
            let error = refused(&outside, StatusCode::BAD_REQUEST, body.as_bytes());
            assert_eq!((error.failure(), error.to_string().as_str()), (Failure::Fault, sentence));
        }
    }
}
