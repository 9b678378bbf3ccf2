//! A campaign's own texts, and the message that becomes of them.

use mail_parser::MessageParser;
use maily_orchestrator::{check_campaign, message};

use super::{Kind, Target, text};
use crate::corpus::sample;

const YAML: &str = "services/orchestrator/samples/spring-sale/campaign.yaml";

/// campaign.yaml
pub(super) const SETTINGS: Kind = Kind {
    name: "campaign",
    what: "campaign.yaml (maily_orchestrator)",
    dictionary: &[
        "name:",
        "brand:",
        "brief:",
        "offer:",
        "sender:",
        "email:",
        "postal_address:",
        "country:",
        "unsubscribe_base_url:",
        "as_of:",
        "seed:",
        "max_rewrites:",
        "https://",
        "|",
        ">-",
        "&a",
        "*a",
        "<<:",
        "!!str",
        "? ",
        "---",
        "...",
        "{{",
        "}}",
        "\"\\u0000\"",
        "[",
        "{",
        "- ",
        "2026-05-01T09:00:00Z",
    ],
    longest: 65 << 10,
    runs: 5_000,
    seeds: || Ok(vec![sample(YAML)?]),
    make: || Ok(Box::new(Settings)),
};

struct Settings;

impl Target for Settings {
    fn run(&mut self, input: &[u8]) -> String {
        let text = text(input);
        let guardrails = [("config.yml".to_owned(), "rails: {}".to_owned())];
        match check_campaign(&text, text.chars().take(2_000).collect(), guardrails) {
            Ok(()) => "a campaign".to_owned(),
            Err(sentence) => sentence,
        }
    }
}

/// Subject, preheader, address and first name, each on a line, and the body.
pub(super) const MIME: Kind = Kind {
    name: "mime",
    what: "a message made of hostile copy, address and name, as another parser reads it (maily_orchestrator)",
    dictionary: &[
        "\r\n",
        "\r",
        "Bcc: x@y.example",
        "{{first_name}}",
        "{{unsubscribe_url}}",
        "=?utf-8?q?",
        "?=",
        "=0D=0A",
        "--=_",
        "From ",
        ".",
        "<b>",
        "&lt;",
        "@",
        "\\",
        "\"",
    ],
    longest: 16 << 10,
    runs: 1_500,
    seeds: || Ok(Vec::new()),
    make: || Ok(Box::new(Mime { yaml: text(&sample(YAML)?).into_owned() })),
};

struct Mime {
    yaml: String,
}

impl Target for Mime {
    fn run(&mut self, input: &[u8]) -> String {
        let text = text(input);
        let mut lines = text.splitn(5, '\n');
        let mut next = || lines.next().unwrap_or_default();
        let (subject, preheader, email, first_name, body) = (next(), next(), next(), next(), next());
        let made = match message(&self.yaml, [subject, preheader, body], email, first_name) {
            Ok(made) => made,
            Err(sentence) => return sentence,
        };
        let Some(read) = MessageParser::default().parse(&made) else { return "unreadable".to_owned() };
        format!(
            "{} headers, {} parts, {:?}",
            names(read.headers().len()),
            names(read.parts.len()),
            read.subject().is_some()
        )
    }
}

/// Numbers as words: in digits they would be no news.
fn names(number: usize) -> String {
    "i".repeat(number.min(40))
}
