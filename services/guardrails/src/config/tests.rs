//! What configurations are refused with, and how they are read.

pub(crate) mod email;

use expect_test::{Expect, expect};

use super::*;

fn file(path: &str, content: &str) -> File {
    File { path: path.to_owned(), content: content.as_bytes().to_vec() }
}

fn refused(files: &[(&str, &str)], expected: &Expect) {
    let files: Vec<File> = files.iter().map(|(path, content)| file(path, content)).collect();
    let problem = load(&files).err().map_or("loaded".to_owned(), |e| e.to_string());
    expected.assert_eq(&problem);
}

fn one(yaml: &str, expected: &Expect) {
    refused(&[("config.yml", yaml)], expected);
}

const SELF_CHECK: &str = "prompts:\n  - task: self_check_input\n    content: 'Block {{ user_input }}?'\n";
const MAIN: &str = "models:\n  - type: main\n    engine: openai\n    model: m\n    parameters:\n      base_url: http://localhost:1/v1\n";

#[test]
fn unknown_keys_are_refused() {
    one(
        "models: []\n\nrails:\n  inputs:\n    flows: []\n",
        &expect!["config.yml:4: unknown key rails.inputs (did you mean rails.input?)"],
    );
    one("model: []\n", &expect!["config.yml:1: unknown key model (did you mean models?)"]);
    one(
        "rails:\n  input:\n    flow:\n      - regex check input\n",
        &expect!["config.yml:3: unknown key rails.input.flow (did you mean rails.input.flows?)"],
    );
    one(
        "rails:\n  config:\n    regex_detections: {}\n",
        &expect![
            "config.yml:3: unknown key rails.config.regex_detections (did you mean rails.config.regex_detection?)"
        ],
    );
    one(
        "rails:\n  config:\n    regex_detection:\n      output:\n        pattern: ['x']\n",
        &expect![
            "config.yml:5: unknown key rails.config.regex_detection.output.pattern (did you mean rails.config.regex_detection.output.patterns?)"
        ],
    );
    one(
        "rails:\n  config:\n    email:\n      subject_maximum: 9\n",
        &expect!["config.yml:4: unknown key rails.config.email.subject_maximum"],
    );
    one(
        "models:\n  - type: main\n    engine: openai\n    modle: m\n",
        &expect!["config.yml:4: unknown key models[0].modle (did you mean models[0].mode?)"],
    );
    one("something_else: 1\n", &expect!["config.yml:1: unknown key something_else"]);
}

#[test]
fn what_is_not_run_is_refused() {
    one(
        "knowledge_base:\n  folder: kb\n",
        &expect!["config.yml:1: key knowledge_base is refused: knowledge bases are not run"],
    );
    one(
        "rails:\n  config:\n    jailbreak_detection: {}\n",
        &expect!["config.yml:3: key rails.config.jailbreak_detection is refused: its rail is not run"],
    );
    one(
        "rails:\n  retrieval:\n    flows:\n      - check retrieval sensitive data\n",
        &expect!["config.yml:3: rails.retrieval.flows can only be empty: these rails are not run"],
    );
    one(
        "rails:\n  dialog:\n    single_call:\n      enabled: True\n",
        &expect![
            "config.yml:4: rails.dialog.single_call.enabled can only be false: dialog rails are not run"
        ],
    );
    one(
        "rails:\n  output:\n    streaming:\n      enabled: true\n",
        &expect![
            "config.yml:4: rails.output.streaming.enabled can only be false: a rail judges a whole text"
        ],
    );
    one(
        "enable_rails_exceptions: true\n",
        &expect![
            "config.yml:1: enable_rails_exceptions can only be false: a blocked message is answered with the refusal"
        ],
    );
    one("colang_version: '3.0'\n", &expect![[r#"config.yml:1: colang_version can only be "1.0" or "2.x""#]]);
    refused(
        &[("config.yml", "models: []\n"), ("actions.py", "")],
        &expect!["actions.py: Python actions are not run"],
    );
    refused(
        &[("config.yml", "models: []\n"), ("kb/faq.md", "")],
        &expect!["kb/faq.md: knowledge bases are not run"],
    );
    refused(
        &[("config.yml", "models: []\n"), ("../config.yml", "")],
        &expect!["../config.yml: not a relative path with `/`"],
    );
}

#[test]
fn unknown_flows_are_refused() {
    one(
        "rails:\n  input:\n    flows:\n      - self check inputs\n",
        &expect!["config.yml:4: unknown flow `self check inputs` (did you mean self check input?)"],
    );
    one(
        "rails:\n  output:\n    flows:\n      - regex check output\n      - llama guard check output\n",
        &expect!["config.yml:5: flow `llama guard check output` is one of NeMo's that is not run"],
    );
    one(
        "rails:\n  input:\n    flows: [email check facts]\n",
        &expect!["config.yml:3: flow `email check facts` is for rails.output, not rails.input"],
    );
    one(
        "rails:\n  output:\n    flows: [no politics]\n",
        &expect!["config.yml:3: unknown flow `no politics`"],
    );
    one(
        "rails:\n  input:\n    flows:\n      - self check input $variant=strict\n",
        &expect!["config.yml:4: flow `self check input` takes no parameters here"],
    );
    one(
        "rails:\n  output:\n    flows: [email check length, email check length]\n",
        &expect!["config.yml:3: flow `email check length` is already listed in line 3"],
    );
    one(
        "rails:\n  output:\n    flows: email check length\n",
        &expect!["config.yml:3: rails.output.flows must be a list"],
    );
}

#[test]
fn a_rail_without_what_it_needs_is_refused() {
    one(
        "rails:\n  input:\n    flows:\n      - regex check input\n",
        &expect!["config.yml:4: flow `regex check input` needs rails.config.regex_detection.input.patterns"],
    );
    one(
        &format!("{MAIN}rails:\n  input:\n    flows:\n      - self check input\n"),
        &expect!["config.yml:10: flow `self check input` needs a prompt with task self_check_input"],
    );
    one(
        &format!("{SELF_CHECK}rails:\n  input:\n    flows:\n      - self check input\n"),
        &expect!["config.yml:7: flow `self check input` needs a model of type self_check_input or main"],
    );
}

#[test]
fn a_rail_that_would_be_off_is_refused() {
    one(
        "rails:\n  config:\n    regex_detection:\n      input:\n        patterns: ['x']\n",
        &expect![
            "config.yml:4: rails.config.regex_detection.input is set, but `regex check input` is not among the flows: the rail would be off"
        ],
    );
    one(
        SELF_CHECK,
        &expect![
            "config.yml:2: a prompt with task self_check_input is set, but `self check input` is not among the flows: the rail would be off"
        ],
    );
    one(
        "rails:\n  config:\n    email: {}\n",
        &expect![
            "config.yml:3: rails.config.email is set, but `email check …` is not among the flows: the rail would be off"
        ],
    );
    refused(
        &[
            ("a.yml", "rails:\n  output:\n    flows: [email check facts]\n"),
            ("b.yml", "rails:\n  output:\n    flows: []\n"),
        ],
        &expect!["b.yml:1: key rails is already in a.yml:1, and NeMo would use only one of them"],
    );
}

#[test]
fn bad_values_are_refused() {
    one(
        "rails:\n  config:\n    regex_detection:\n      input:\n        patterns:\n          - 'fine'\n          - '(unclosed'\n",
        &expect![
            "config.yml:7: rails.config.regex_detection.input.patterns[1]: the pattern is not one of Python's `re`: missing ), unterminated subpattern at position 0"
        ],
    );
    one(
        "models:\n  - type: main\n    engine: nim\n    model: m\n",
        &expect!["config.yml:3: unknown engine `nim`; `openai` and `maily` are run"],
    );
    one(
        "models:\n  - type: main\n    engine: openai\n    model: m\n    mode: [text]\n",
        &expect!["config.yml:5: models[0].mode must be a text"],
    );
    one(
        "models:\n  - type: mian\n    engine: openai\n    model: m\n",
        &expect!["config.yml:2: unknown model type `mian` (did you mean main?)"],
    );
    one(
        "models:\n  - type: main\n    engine: openai\n",
        &expect!["config.yml:2: models[0]: the model's name must be in exactly one place, `model`"],
    );
    one(
        "models:\n  - type: main\n    engine: openai\n    model: m\n    parameters:\n      base_url: http://example.com/v1\n",
        &expect!["config.yml:6: models[0].parameters.base_url is not an https address"],
    );
    one(
        "models:\n  - type: main\n    engine: openai\n    model: m\n    parameters:\n      api_key: x\n",
        &expect![
            "config.yml:6: key models[0].parameters.api_key is refused: a configuration holds no secret; name an environment variable in api_key_env_var"
        ],
    );
    one(
        "models:\n  - type: main\n    engine: openai\n    model: m\n    parameters:\n      max_tokens: 1\n      max_completion_tokens: 1\n",
        &expect!["config.yml:7: models[0].parameters.max_completion_tokens does not go with max_tokens"],
    );
    one(
        "models:\n  - type: main\n    engine: openai\n    model: m\n    api_key_env_var: MAILY_SERVICE_API_KEY\n",
        &expect!["config.yml:5: models[0].api_key_env_var must name an environment variable …_API_KEY"],
    );
    one(
        "models:\n  - type: main\n    engine: openai\n    model: m\n    api_key_env_var: SURELY_UNSET_API_KEY\n",
        &expect![
            "config.yml:5: models[0].api_key_env_var: environment variable SURELY_UNSET_API_KEY is not set"
        ],
    );
    one(
        "prompts:\n  - task: self_check_input\n    content: '{{ user_input }'\n",
        &expect!["config.yml:3: prompts[0].content must be a Jinja template over {{ user_input }} alone"],
    );
    one(
        "prompts:\n  - task: self_check_input\n    content: '{{ bot_response }}'\n",
        &expect!["config.yml:3: prompts[0].content must be a Jinja template over {{ user_input }} alone"],
    );
    one(
        "prompts:\n  - task: self_check_input\n    content: 'Block it?'\n",
        &expect!["config.yml:2: prompts[0] does not show the judge {{ user_input }}"],
    );
    one(
        "prompts:\n  - task: self_check_input\n    content: '{% for i in range(9999) %}{% for j in range(9999) %}{{ user_input }}{% endfor %}{% endfor %}'\n",
        &expect!["config.yml:3: prompts[0].content takes too much memory or time"],
    );
    // Memory, and the depth of the stack: neither is the service's.
    for hostile in
        ["{{ user_input | indent(100000000000000) }}", &format!("{{{{ {}1 }}}}", "not ".repeat(200_000))]
    {
        one(
            &format!("prompts:\n  - task: self_check_input\n    content: '{hostile}'\n"),
            &expect!["config.yml:3: prompts[0].content takes too much memory or time"],
        );
    }
    // Of several messages that one is named which fails; room and time are those of all of them.
    let messages = |second: &str| {
        let first = "- type: system\n        content: '{{ user_input * 2500000 }}'";
        let second = format!("- type: user\n        content: '{second}'");
        format!("prompts:\n  - task: self_check_input\n    messages:\n      {first}\n      {second}\n")
    };
    one(
        &messages("{{ other }}"),
        &expect![
            "config.yml:7: prompts[0].messages[1].content must be a Jinja template over {{ user_input }} alone"
        ],
    );
    one(
        &messages("{{ user_input * 2500000 }}"),
        &expect!["config.yml:3: prompts[0].messages takes too much memory or time"],
    );
    one(
        "prompts:\n  - task: self_check_facts\n    content: x\n",
        &expect!["config.yml:2: prompt task `self_check_facts` is not run"],
    );
    one(
        "rails:\n  config:\n    email:\n      subject_max: many\n",
        &expect!["config.yml:4: rails.config.email.subject_max must be a number from 1 to 200"],
    );
}

#[test]
fn bad_files_are_refused() {
    one("rails: [\n", &expect!["config.yml:1: not YAML: unclosed bracket '['"]);
    one("rails: {}\nrails: {}\n", &expect!["config.yml:2: key rails is already in line 1"]);
    one("a: &a [x]\nb: *a\n", &expect!["config.yml:1: anchors and aliases are not allowed"]);
    one("models: !!python/object x\n", &expect!["config.yml:1: tags are not allowed"]);
    one("models: []\n---\nmodels: []\n", &expect!["config.yml:2: more than one document"]);
    one("- models\n", &expect!["config.yml:1: the file must be a mapping of keys"]);
    one("", &expect!["config.yml: there is no configuration in the files"]);
    one(
        &format!("{}{}", "[".repeat(100), "]".repeat(100)),
        &expect!["config.yml:1: more than 20000 values or 32 levels"],
    );
    one(&"- [a, b]\n".repeat(9000), &expect!["config.yml:5000: more than 20000 values or 32 levels"]);
    refused(
        &[("config.yml", "models: []\n"), ("config.yml", "models: []\n")],
        &expect!["config.yml: the file is given twice"],
    );
    let files = [file("config.yml", "models: []\n"), File { path: "b.co".into(), content: vec![0xff] }];
    expect!["b.co: not UTF-8"].assert_eq(&load(&files).err().map(|e| e.to_string()).unwrap_or_default());
    let many: Vec<File> = (0..65).map(|i| file(&format!("{i}.md"), "")).collect();
    expect![".: more than 64 files or 1048576 bytes"]
        .assert_eq(&load(&many).err().map(|e| e.to_string()).unwrap_or_default());
    let big = [file("config.yml", &"#".repeat((1 << 20) + 1))];
    expect![".: more than 64 files or 1048576 bytes"]
        .assert_eq(&load(&big).err().map(|e| e.to_string()).unwrap_or_default());
}

/// What is said goes in a header of a gRPC answer, which has an end.
#[test]
fn no_sentence_is_long() {
    let refusal = |yaml: &str| load(&[file("config.yml", yaml)]).err().map(|e| e.to_string());
    let said = |yaml: String| refusal(&yaml).unwrap_or_default();
    let long = "a".repeat(20_000);
    let twice = said(format!("? {long}\n: 1\n? {long}\n: 2\n"));
    assert_eq!(twice, format!("config.yml:3: key {} is already in line 1", "a".repeat(80)));
    let flow = said(format!("rails:\n  input:\n    flows: ['detect pii {long}']\n"));
    assert!(flow.starts_with("config.yml:3: flow `detect pii aaa"), "{flow}");
    assert_eq!(flow.chars().count(), "config.yml:3: …".chars().count() + 500, "{flow}");
}

#[test]
fn unknown_colang_is_refused() {
    let one = |text: &str, expected: &Expect| {
        refused(&[("config.yml", "models: []\n"), ("rails.co", text)], expected)
    };
    one(
        "define user ask about politics\n  \"Who should I vote for?\"\n",
        &expect!["rails.co:1: Colang `define user ask about politics` is not run: dialog rails are not run"],
    );
    one(
        "# A comment\n\ndefine flow politics\n  user ask about politics\n",
        &expect!["rails.co:3: Colang `define flow politics` is not run: only the flows of the README are"],
    );
    one(
        "define bot answer\n  \"Hello\"\n",
        &expect!["rails.co:1: Colang `define bot answer` is not run: only `define bot refuse to respond` is"],
    );
    one(
        "flow main\n  activate llm continuation\n",
        &expect!["rails.co:1: Colang `flow main` is of version 2.x, but colang_version is 1.0"],
    );
    one("whatever this is\n", &expect!["rails.co:1: unknown Colang `whatever this is`"]);
    one("  indented\n", &expect!["rails.co:1: the first line is indented"]);
    one(
        "define bot refuse to respond\n  \"One\"\n  \"Two\"\n",
        &expect!["rails.co:1: `bot refuse to respond` needs exactly one text"],
    );
    let two = |text: &str, expected: &Expect| {
        refused(&[("config.yml", "colang_version: \"2.x\"\n"), ("rails.co", text)], expected);
    };
    two(
        "import guardrails\n\nflow input rails $input_text\n  self check everything\n",
        &expect!["rails.co:4: unknown flow `self check everything`"],
    );
    two("import my.own\n", &expect!["rails.co:1: Colang `import my.own` is not run"]);
    two("flow main\n  user said \"hi\"\n", &expect![[r#"rails.co:2: Colang `user said "hi"` is not run"#]]);
    two(
        "define bot refuse to respond\n  \"No\"\n",
        &expect![
            "rails.co:1: Colang `define bot refuse to respond` is of version 1.0, but colang_version is 2.x"
        ],
    );
}

/// The ABC bot of NeMo's documentation, by its keys.
const ABC: &str = "
instructions:
  - type: general
    content: |
      Below is a conversation between a user and a bot.
sample_conversation: |
  user \"Hi there.\"
    express greeting
  bot express greeting
    \"Hi there!\"
models:
  - type: main
    engine: openai
    model: gpt-4
rails:
  input:
    flows:
      - self check input
  output:
    flows:
      - self check output
  dialog:
    single_call:
      enabled: False
";
const ABC_PROMPTS: &str = "
prompts:
  - task: self_check_input
    content: |
      User message: \"{{ user_input }}\"

      Question: Should the user message be blocked (Yes or No)?
      Answer:
  - task: self_check_output
    content: |
      Bot message: \"{{ bot_response }}\"

      Question: Should the message be blocked (Yes or No)?
      Answer:
";

#[test]
fn a_configuration_as_nemo_documents_it_loads() {
    let config = load(&[file("config.yml", ABC), file("prompts.yml", ABC_PROMPTS), file("README.md", "")])
        .expect("loads");
    assert_eq!(
        (config.input.as_slice(), config.output.as_slice()),
        (&[Flow::SelfCheckInput][..], &[Flow::SelfCheckOutput][..])
    );
    assert!(
        config.system.as_deref().is_some_and(|s| s.contains("Below is") && s.contains("express greeting"))
    );
    assert_eq!(config.refusal, REFUSAL);
    // Without a model, a self check is no.
    assert_eq!(config.check_input("Hello").len(), 1);
}

#[test]
fn colang_two_lists_flows_in_colang() {
    let yaml = "colang_version: \"2.x\"\nrails:\n  config:\n    regex_detection:\n      output:\n        patterns: ['secret']\n";
    let colang = "import guardrails\nimport nemoguardrails.library.regex\n\nflow main\n  activate llm continuation\n\n\
                  flow output rails $output_text\n  regex check output\n  email check length\n\n\
                  flow bot refuse to respond\n  bot say \"No, thank you.\"\n";
    let config = load(&[file("config.yml", yaml), file("rails.co", colang)]).expect("loads");
    assert_eq!(config.output, [Flow::RegexCheckOutput, Flow::Length]);
    assert_eq!(config.refusal, "No, thank you.");
    assert_eq!(config.check_piece(Piece::Body, "It is secret.", &Sources::default()).len(), 1);
}

#[test]
fn the_id_is_of_the_files_whatever_their_order() {
    let (a, b) = (file("config.yml", "models: []\n"), file("x.md", "1"));
    let id = |files: &[File]| load(files).expect("loads").id;
    assert_eq!(id(&[a.clone(), b.clone()]), id(&[b.clone(), a.clone()]));
    assert_ne!(id(&[a.clone(), b]), id(&[a.clone(), file("x.md", "2")]));
    assert_ne!(id(std::slice::from_ref(&a)), id(&[a, file("x.md", "")]));
}

#[test]
fn whoever_takes_the_newer_name_of_a_limit_is_asked_by_it() {
    for (parameters, newer) in [
        ("max_tokens: 9", true),
        ("base_url: https://eu.api.openai.com/v1", true),
        ("base_url: https://api.openai.com.example/v1", false),
        ("base_url: http://localhost:1/v1", false),
        ("base_url: http://localhost:1/v1\n      max_completion_tokens: 9", true),
    ] {
        let model = "  - type: main\n    engine: openai\n    model: m\n    parameters:\n";
        let yaml = format!("models:\n{model}      {parameters}\n");
        let config = load(&[file("config.yml", &yaml)]).expect("loads");
        assert_eq!(config.models[0].newer, newer, "{parameters}");
    }
}
