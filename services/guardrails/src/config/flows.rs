//! The flows that run, and those of NeMo that do not.

use super::{
    error::{LoadError, suggestion},
    table::Field,
};

/// Where a flow runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Input,
    Output,
}

/// A rail by the name of its flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Flow {
    /// `regex check input`
    RegexCheckInput,
    /// `regex check output`
    RegexCheckOutput,
    /// `self check input`
    SelfCheckInput,
    /// `self check output`
    SelfCheckOutput,
    /// `email check unsubscribe`
    Unsubscribe,
    /// `email check sender`
    Sender,
    /// `email check subject`
    Subject,
    /// `email check personal data`
    PersonalData,
    /// `email check length`
    Length,
    /// `email check facts`
    Facts,
}

impl Flow {
    const ALL: [Self; 10] = [
        Self::RegexCheckInput,
        Self::RegexCheckOutput,
        Self::SelfCheckInput,
        Self::SelfCheckOutput,
        Self::Unsubscribe,
        Self::Sender,
        Self::Subject,
        Self::PersonalData,
        Self::Length,
        Self::Facts,
    ];

    /// As the configuration has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RegexCheckInput => "regex check input",
            Self::RegexCheckOutput => "regex check output",
            Self::SelfCheckInput => "self check input",
            Self::SelfCheckOutput => "self check output",
            Self::Unsubscribe => "email check unsubscribe",
            Self::Sender => "email check sender",
            Self::Subject => "email check subject",
            Self::PersonalData => "email check personal data",
            Self::Length => "email check length",
            Self::Facts => "email check facts",
        }
    }

    pub(crate) fn direction(self) -> Direction {
        match self {
            Self::RegexCheckInput | Self::SelfCheckInput => Direction::Input,
            _ => Direction::Output,
        }
    }

    /// Whether a model gives the flow's verdict.
    pub(crate) fn asks_a_model(self) -> bool {
        matches!(self, Self::SelfCheckInput | Self::SelfCheckOutput)
    }

    /// Whether the flow is one of ours for e-mail.
    pub(crate) fn email(self) -> bool {
        self.name().starts_with("email ")
    }
}

/// First words of the flows in NeMo's library that need something that is not run here.
const LIBRARY: &[&str] = &[
    "activefence",
    "ai defense",
    "alignscore",
    "autoalign",
    "check blocked terms",
    "check hallucination",
    "clavata",
    "cleanlab",
    "content safety",
    "crowdstrike",
    "detect pii",
    "detect sensitive data",
    "fiddler",
    "gcpnlp",
    "gliner",
    "gotitai",
    "guardrails ai",
    "guardrailsai",
    "hf classifier",
    "injection detection",
    "jailbreak",
    "llama guard",
    "mask pii",
    "mask sensitive data",
    "nemoguard",
    "pangea",
    "patronus",
    "polygraf",
    "presidio",
    "privateai",
    "prompt security",
    "protect prompt",
    "protect response",
    "regex check retrieval",
    "self check facts",
    "self check hallucination",
    "topic safety",
    "trend ai",
    "user",
    "bot",
];

/// Reads the name of one flow where `direction` is configured.
pub(crate) fn read(field: &Field<'_>, direction: Direction) -> Result<Flow, LoadError> {
    named(&field.text()?, direction).map_err(|problem| field.error(problem))
}

/// The flow of this name, or what is wrong with it.
pub(crate) fn named(name: &str, direction: Direction) -> Result<Flow, String> {
    let name = name.trim();
    let Some(flow) = Flow::ALL.into_iter().find(|flow| flow.name() == name) else {
        let (bare, parameters) = name.split_once('$').map_or((name, false), |(bare, _)| (bare.trim(), true));
        if parameters && Flow::ALL.iter().any(|flow| flow.name() == bare) {
            return Err(format!("flow `{bare}` takes no parameters here"));
        }
        if LIBRARY.iter().any(|known| bare.starts_with(known)) {
            return Err(format!("flow `{bare}` is one of NeMo's that is not run"));
        }
        let near =
            suggestion(bare, Flow::ALL.iter().filter(|f| f.direction() == direction).map(|f| f.name()), "");
        return Err(format!("unknown flow `{}`{near}", shown(bare)));
    };
    if flow.direction() != direction {
        let (place, other) =
            if direction == Direction::Input { ("input", "output") } else { ("output", "input") };
        return Err(format!("flow `{}` is for rails.{other}, not rails.{place}", flow.name()));
    }
    Ok(flow)
}

/// A word of the configuration as messages show it.
pub(crate) fn shown(word: &str) -> String {
    word.chars().filter(|c| !c.is_control()).take(80).collect()
}
