//! Keys that NeMo Guardrails has and that are refused here, each with the reason.

/// At the top of a file.
pub(crate) const TOP: &[(&str, &str)] = &[
    ("user_messages", "dialog rails are not run"),
    ("bot_messages", "write `define bot refuse to respond` in a Colang file instead"),
    ("flows", "list flows under rails.input.flows and rails.output.flows"),
    ("docs", "knowledge bases are not run"),
    ("actions_server_url", "actions servers are not called"),
    ("prompting_mode", "there is one mode"),
    ("config_path", "NeMo sets it itself"),
    ("import_paths", "put the files into the folder instead"),
    ("imported_paths", "NeMo sets it itself"),
    ("custom_data", "only custom code would read it, and none is run"),
    ("knowledge_base", "knowledge bases are not run"),
    ("core", "there are no embeddings to search"),
    ("embedding_search_provider", "there are no embeddings to search"),
    ("sensitive_data_detection", "Presidio is not run; use `email check personal data`"),
    ("event_source_uid", "the Colang runtime is not run"),
    ("raw_llm_call_action", "actions are not run"),
    ("tracing", "the platform traces by OpenTelemetry"),
    ("metrics", "the platform measures by OpenTelemetry"),
];

/// Under `rails.config`.
pub(crate) const RAILS_CONFIG: &[(&str, &str)] = &[
    ("activefence", NO_SERVICE),
    ("ai_defense", NO_SERVICE),
    ("autoalign", NO_SERVICE),
    ("clavata", NO_SERVICE),
    ("content_safety", NO_SERVICE),
    ("crowdstrike_aidr", NO_SERVICE),
    ("fact_checking", NO_SERVICE),
    ("fiddler", NO_SERVICE),
    ("gliner", NO_SERVICE),
    ("guardrails_ai", NO_SERVICE),
    ("hf_classifier", NO_SERVICE),
    ("injection_detection", NO_SERVICE),
    ("jailbreak_detection", NO_SERVICE),
    ("llama_guard", NO_SERVICE),
    ("pangea", NO_SERVICE),
    ("patronus", NO_SERVICE),
    ("polygraf", NO_SERVICE),
    ("privateai", NO_SERVICE),
    ("prompt_security", NO_SERVICE),
    ("sensitive_data_detection", NO_SERVICE),
    ("topic_safety", NO_SERVICE),
    ("trend_micro", NO_SERVICE),
];

const NO_SERVICE: &str = "its rail is not run";

/// Under `rails.config.regex_detection`.
pub(crate) const REGEX: &[(&str, &str)] = &[
    ("retrieval", "retrieval rails are not run"),
    ("tool_output", "tool rails are not run"),
    ("tool_input", "tool rails are not run"),
];

/// In an item of `models`.
pub(crate) const MODEL: &[(&str, &str)] = &[("cache", "verdicts are not cached")];

/// Under `parameters` of a model.
pub(crate) const PARAMETERS: &[(&str, &str)] = &[
    ("api_key", "a configuration holds no secret; name an environment variable in api_key_env_var"),
    ("openai_api_key", "a configuration holds no secret; name an environment variable in api_key_env_var"),
    ("headers", "a configuration holds no secret"),
    ("default_headers", "a configuration holds no secret"),
    ("streaming", "a rail judges a whole text"),
    ("timeout", "judge_timeout_seconds of the service decides"),
    ("request_timeout", "judge_timeout_seconds of the service decides"),
];

/// In an item of `prompts`.
pub(crate) const PROMPT: &[(&str, &str)] = &[("models", "the prompt serves the one model that judges")];
