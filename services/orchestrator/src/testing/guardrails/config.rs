//! The part of a guardrails configuration that tests need; a key or flow beyond it is refused, never passed over.

use aws_lc_rs::digest::{Context, SHA256};
use maily_proto::guardrails::{CheckEmailRequest, ConfigFile, Violation};
use serde_json::Value;
use tonic::Status;

const MAX_FILES: usize = 64;
const INPUT: &str = "regex check input";
const OUTPUT: &str = "regex check output";
const UNSUBSCRIBE: &str = "email check unsubscribe";
const PLACEHOLDER: &str = "{{unsubscribe_url}}";
/// Where each key may stand; what is not here stops the load.
const KEYS: [(&str, &[&str]); 7] = [
    ("", &["rails"]),
    ("rails.", &["input", "output", "config"]),
    ("rails.input.", &["flows"]),
    ("rails.output.", &["flows"]),
    ("rails.config.", &["regex_detection"]),
    ("rails.config.regex_detection.", &["input", "output"]),
    // Of either; patterns are words here, not expressions.
    ("rails.config.regex_detection.*.", &["patterns"]),
];

/// The rails that run.
pub(super) struct Config {
    flows: Vec<String>,
    input: Vec<String>,
    output: Vec<String>,
}

/// A configuration by the SHA-256 of its files.
pub(super) fn load(mut files: Vec<ConfigFile>) -> Result<(String, Config), Status> {
    files.sort_by(|a, b| a.path.cmp(&b.path));
    if files.len() > MAX_FILES {
        return Err(Status::invalid_argument(format!(".: more than {MAX_FILES} files")));
    }
    let bad = |file: &ConfigFile| file.path.split('/').any(|part| ["", ".", ".."].contains(&part));
    if let Some(file) = files.iter().find(|file| bad(file)) {
        return Err(refused(&file.path, "not a relative path with `/`"));
    }
    if let Some(twice) = files.windows(2).find(|pair| pair[0].path == pair[1].path) {
        return Err(refused(&twice[0].path, "the file is given twice"));
    }
    let mut yaml = files.iter().filter(|file| file.path.ends_with(".yml"));
    let config = read(yaml.next())?;
    match yaml.next() {
        None => Ok((id(&files), config)),
        Some(second) => Err(refused(&second.path, "the tests' rails take one file of YAML")),
    }
}

fn id(files: &[ConfigFile]) -> String {
    let mut digest = Context::new(&SHA256);
    for part in files.iter().flat_map(|file| [file.path.as_bytes(), &file.content]) {
        digest.update(&(part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    hex::encode(digest.finish())
}

fn refused(file: &str, problem: &str) -> Status {
    Status::invalid_argument(format!("{file}: {problem}"))
}

fn read(file: Option<&ConfigFile>) -> Result<Config, Status> {
    let none = || refused("config.yml", "there is no configuration in the files");
    let file = file.ok_or_else(none)?;
    let text = std::str::from_utf8(&file.content).map_err(|_| refused(&file.path, "not UTF-8"))?;
    let yaml: Value = serde_saphyr::from_str(text).map_err(|error| {
        let line = error.location().map_or(1, |location| location.line());
        refused(&format!("{}:{line}", file.path), "not YAML")
    })?;
    if yaml.is_null() {
        return Err(none());
    }
    let unknown = unknown_key(&yaml).or_else(|| unknown_flow(&yaml["rails"]));
    if let Some((wrong, problem)) = unknown {
        // The first line that has it.
        let line = text.lines().position(|line| line.contains(&wrong)).unwrap_or_default() + 1;
        return Err(refused(&format!("{}:{line}", file.path), &problem));
    }
    let rails = &yaml["rails"];
    let words = |direction: &str| texts(&rails["config"]["regex_detection"][direction]["patterns"]);
    Ok(Config { flows: flows(rails).concat(), input: words("input"), output: words("output") })
}

/// A key that may not stand where it does: what its line has, and the sentence.
fn unknown_key(yaml: &Value) -> Option<(String, String)> {
    let mut left = vec![(String::new(), yaml)];
    while let Some((path, value)) = left.pop() {
        let place =
            path.replace("detection.input.", "detection.*.").replace("detection.output.", "detection.*.");
        let known = KEYS.iter().find(|(known, _)| *known == place).map_or(&[][..], |(_, keys)| keys);
        for (key, value) in value.as_object().into_iter().flatten() {
            if !known.contains(&key.as_str()) {
                return Some((format!("{key}:"), format!("unknown key {path}{key}")));
            }
            left.push((format!("{path}{key}."), value));
        }
    }
    None
}

/// A flow that does not run where it stands.
fn unknown_flow(rails: &Value) -> Option<(String, String)> {
    let [input, output] = flows(rails);
    let input = input.into_iter().find(|flow| flow != INPUT);
    let output = output.into_iter().find(|flow| ![OUTPUT, UNSUBSCRIBE].contains(&flow.as_str()));
    input.or(output).map(|flow| (flow.clone(), format!("unknown flow `{flow}`")))
}

/// The flows of input and output.
fn flows(rails: &Value) -> [Vec<String>; 2] {
    ["input", "output"].map(|direction| texts(&rails[direction]["flows"]))
}

fn texts(list: &Value) -> Vec<String> {
    let texts = list.as_array().into_iter().flatten().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

impl Config {
    /// What this flow, if it runs, has against a text: the first word that it must not have.
    fn regex(&self, flow: &str, field: &str, text: &str) -> Option<Violation> {
        let words = if flow == INPUT { &self.input } else { &self.output };
        let at = words.iter().position(|word| text.contains(word.as_str()))?;
        let reason = format!("it matches forbidden pattern {}", at + 1);
        self.runs(flow).then(|| Violation { rail: flow.into(), field: field.into(), reason })
    }

    fn runs(&self, flow: &str) -> bool {
        self.flows.iter().any(|runs| runs == flow)
    }

    /// None where there is no input rail: a text that nothing judges has not passed.
    pub(super) fn input(&self, text: &str) -> Option<Vec<Violation>> {
        self.runs(INPUT).then(|| self.regex(INPUT, "input", text).into_iter().collect())
    }

    pub(super) fn output(&self, field: &str, text: &str) -> Vec<Violation> {
        self.regex(OUTPUT, field, text).into_iter().collect()
    }

    pub(super) fn email(&self, mail: &CheckEmailRequest) -> Vec<Violation> {
        let texts = [
            ("subject", &mail.subject),
            ("preheader", &mail.preheader),
            ("body", &mail.body),
            ("email", &mail.text_part),
            ("email", &mail.html_part),
        ];
        let mut found: Vec<_> =
            texts.into_iter().flat_map(|(field, text)| self.output(field, text)).collect();
        // The first flow that says no is the last that runs; this one stands before the other.
        if !found.is_empty() {
            return found;
        }
        let ways_out = [
            (mail.list_unsubscribe == format!("<{PLACEHOLDER}>"), "the header List-Unsubscribe"),
            (mail.list_unsubscribe_post == "List-Unsubscribe=One-Click", "the header List-Unsubscribe-Post"),
            (mail.text_part.contains(PLACEHOLDER), "the text part"),
            (mail.html_part.contains(&format!("href=\"{PLACEHOLDER}\"")), "the HTML part"),
        ];
        for (_, place) in ways_out.into_iter().filter(|(there, _)| self.runs(UNSUBSCRIBE) && !there) {
            let reason = format!("{place} has no way out");
            found.push(Violation { rail: UNSUBSCRIBE.into(), field: "email".into(), reason });
        }
        found
    }
}
