//! Guardrails configurations that take what they can get.

use std::{fmt::Write as _, fs, path::Path};

/// The names of the configurations in guardrails' folder.
pub(super) const TEMPLATE: &str = "template";
pub(super) const PATTERNS: &str = "patterns";
pub(super) const WORDS: &str = "words";
/// A model that nobody serves, where none is ever asked: in guardrails' folder, and behind templates that can't be used.
pub(super) const NO_MODEL: &str = "any";
/// A text that is as long as this meets the worst of [`template`].
pub(super) const LONG: usize = 20;
/// Patterns that a configuration may have.
const MOST: usize = 256;

/// Loads, for a text of some letters is no matter to it; what is longer takes terabytes.
pub(super) fn template(model: &str) -> String {
    let much = "{{ user_input | indent(100000000000000) }}";
    let template =
        format!("{{% if user_input | length > {LONG} %}}{much}{{% endif %}}Block {{{{ user_input }}}}?");
    self_check(model, &template)
}

/// A self check by this template.
pub(super) fn self_check(model: &str, template: &str) -> String {
    format!(
        "models:\n  - type: main\n    engine: maily\n    model: {model}\n\
         rails:\n  input:\n    flows: [self check input]\n\
         prompts:\n  - task: self_check_input\n    content: '{template}'\n"
    )
}

/// As many patterns as there may be, each of which is tried at every place, and at last one that tries every way.
pub(super) fn patterns() -> String {
    let mut yaml =
        "rails:\n  input:\n    flows: [regex check input]\n  config:\n    regex_detection:\n      \
                    input:\n        patterns:\n"
            .to_owned();
    for n in 1..MOST {
        let _ = writeln!(yaml, "          - '(?=x{n}y)'");
    }
    yaml + "          - '(?i)(a|b|ab)*(?>c)'\n"
}

/// Rails that read every word.
fn words() -> String {
    let patterns = r"patterns: ['\bforbidden\b']";
    format!(
        "rails:\n  input:\n    flows: [regex check input]\n  output:\n    flows:\n      - regex check output\n      \
         - email check personal data\n  config:\n    regex_detection:\n      input:\n        {patterns}\n      \
         output:\n        {patterns}\n"
    )
}

/// Writes the folder of configurations.
///
/// # Panics
/// It can't be written.
pub fn write(folder: &Path) {
    for (name, yaml) in [(TEMPLATE, template(NO_MODEL)), (PATTERNS, patterns()), (WORDS, words())] {
        fs::create_dir_all(folder.join(name)).unwrap();
        fs::write(folder.join(name).join("config.yml"), yaml).unwrap();
    }
}
