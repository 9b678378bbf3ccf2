//! Templates: of guardrails' prompts, and of checkpoints' chats. A worker may die of one; nothing else may.

use maily_template::{About, Job, Message, render};

use super::{Kind, Target, text};
use crate::corpus::sample;

/// What Jinja knows.
const WORDS: &[&str] = &[
    "{{",
    "}}",
    "{%",
    "%}",
    "{#",
    "#}",
    "for",
    "in",
    "endfor",
    "if",
    "elif",
    "else",
    "endif",
    "set",
    "macro",
    "endmacro",
    "loop.index",
    "not",
    "and",
    "is defined",
    "~",
    "*",
    "+",
    "|",
    "indent",
    "join",
    "range(10)",
    "namespace()",
    "raise_exception('x')",
    "messages",
    "message['content']",
    "user_input",
    "strip()",
    "split()",
    "include",
    "block",
    "-%}",
    "{%-",
    "none",
    "tojson",
];

/// A prompt's template.
pub(super) const PROMPT: Kind = Kind {
    name: "prompt",
    what: "a template of guardrails' prompts (maily_template)",
    dictionary: WORDS,
    longest: 16 << 10,
    runs: 300,
    seeds: || Ok(Vec::new()),
    make: || Ok(Box::new(Prompt)),
};

struct Prompt;

impl Target for Prompt {
    fn run(&mut self, input: &[u8]) -> String {
        let sources = vec![text(input)];
        said(&Job::Prompt { sources, about: About::UserInput, text: "a text".into(), max_bytes: 16 << 10 })
    }
}

/// A chat's template.
pub(super) const CHAT: Kind = Kind {
    name: "chat",
    what: "a checkpoint's chat template (maily_template)",
    dictionary: WORDS,
    longest: 16 << 10,
    runs: 300,
    seeds: || Ok(vec![sample("libs/model/tests/data/tiny/chat_template.jinja")?]),
    make: || Ok(Box::new(Chat)),
};

struct Chat;

impl Target for Chat {
    fn run(&mut self, input: &[u8]) -> String {
        let message = |role: &'static str, content: &'static str| Message {
            role: role.into(),
            content: content.into(),
        };
        let messages = Some(vec![message("system", "Be kind."), message("user", "Hello {{ x }}")]);
        said(&Job::Chat { source: text(input), bos: "<s>".into(), eos: "</s>".into(), messages })
    }
}

fn said(job: &Job<'_>) -> String {
    match render(job) {
        Ok(texts) => if texts.concat().is_empty() { "nothing" } else { "a text" }.to_owned(),
        Err(failure) => failure.to_string(),
    }
}
