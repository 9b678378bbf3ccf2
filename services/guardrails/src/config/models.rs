//! The `models` key: who judges, and who answers `/v1/chat/completions`.

use std::env;

use secrecy::SecretString;
use url::{Host, Url};

use super::{LoadError, error::suggestion, flows::shown, judges::Judges, keys, rails::Place, table::Field};

/// Models of one configuration.
const MAX_MODELS: usize = 8;
/// Models that the inference service serves, of which a refusal tells.
const TOLD: usize = 8;
const KINDS: &[&str] = &["main", "self_check_input", "self_check_output"];
pub(super) const OPENAI: &str = "https://api.openai.com/v1";

/// Where a model is.
#[derive(Clone)]
pub(crate) enum Engine {
    /// An OpenAI-compatible server: the address of its `chat/completions`, and its key.
    OpenAi { url: Url, key: Option<SecretString> },
    /// The platform's inference service.
    Maily,
}

/// One entry of `models`.
#[derive(Clone)]
pub(crate) struct Model {
    /// `main`, or the task that it judges.
    pub(crate) kind: String,
    pub(crate) engine: Engine,
    pub(crate) name: String,
    pub(crate) temperature: Option<f64>,
    pub(crate) max_tokens: Option<u32>,
    /// Whether it is asked as OpenAI's newer models want it: they refuse `max_tokens`, which is `max_completion_tokens`
    /// there, and any temperature but their own.
    pub(crate) newer: bool,
    pub(crate) place: Place,
}

/// Refuses a model of the platform's that is none of those `served`.
pub(crate) fn need_served(models: &[Model], served: &[String]) -> Result<(), LoadError> {
    let missing = |model: &&Model| matches!(model.engine, Engine::Maily) && !served.contains(&model.name);
    let Some(Model { name, place: (file, line), .. }) = models.iter().find(missing) else { return Ok(()) };
    let told: Vec<String> = served.iter().take(TOLD).map(|name| format!("`{}`", shown(name))).collect();
    let told = if told.is_empty() { "no model".to_owned() } else { told.join(", ") };
    let near = suggestion(name, served.iter().map(String::as_str), "");
    let name = shown(name);
    let problem = format!("model `{name}` is not served by inference, which serves {told}{near}");
    Err(LoadError::new(file, *line, problem))
}

/// Reads the models. With `judges`, the configuration is a caller's, and may ask only these.
pub(crate) fn read(
    field: &Field<'_>,
    judges: Option<&Judges>,
    models: &mut Vec<Model>,
) -> Result<(), LoadError> {
    for item in field.list(MAX_MODELS)? {
        let model = model(&item, judges)?;
        if models.iter().any(|m| m.kind == model.kind) {
            return Err(item.error(format!("{}: there is already a model of type {}", item.path, model.kind)));
        }
        models.push(model);
    }
    Ok(())
}

fn model(item: &Field<'_>, judges: Option<&Judges>) -> Result<Model, LoadError> {
    let table =
        item.table(&["type", "engine", "model", "api_key_env_var", "parameters", "mode"], keys::MODEL)?;
    let kind = table.need("type")?;
    let type_ = kind.text()?;
    if !KINDS.contains(&type_.as_str()) {
        let near = suggestion(&type_, KINDS.iter().copied(), "");
        return Err(kind.error(format!("unknown model type `{}`{near}", shown(&type_))));
    }
    if let Some(mode) = table.get("mode")
        && mode.text()? != "chat"
    {
        return Err(mode.error(format!("{} can only be chat", mode.path)));
    }
    let known = [
        "base_url",
        "openai_api_base",
        "temperature",
        "max_tokens",
        "max_completion_tokens",
        "model",
        "model_name",
    ];
    let parameters = table.get("parameters").map(|f| f.table(&known, keys::PARAMETERS)).transpose()?;
    let parameter = |name: &str| parameters.as_ref().and_then(|table| table.get(name));
    let names: Vec<Field<'_>> =
        [table.get("model"), parameter("model"), parameter("model_name")].into_iter().flatten().collect();
    let [name] = names.as_slice() else {
        return Err(
            item.error(format!("{}: the model's name must be in exactly one place, `model`", item.path))
        );
    };
    let base = parameter("base_url").or_else(|| parameter("openai_api_base"));
    let key = table.get("api_key_env_var");
    let engine = table.need("engine")?;
    let engine = match engine.text()?.as_str() {
        "openai" => openai(base.as_ref(), key.as_ref(), item, judges)?,
        "maily" => {
            if let Some(field) = base.or(key) {
                return Err(field.error(format!("{} does not go with engine maily", field.path)));
            }
            Engine::Maily
        }
        other => {
            let near = suggestion(other, ["openai", "maily"], "");
            return Err(engine
                .error(format!("unknown engine `{}`{near}; `openai` and `maily` are run", shown(other))));
        }
    };
    let (old, new) = (parameter("max_tokens"), parameter("max_completion_tokens"));
    if let (Some(_), Some(field)) = (&old, &new) {
        return Err(field.error(format!("{} does not go with max_tokens", field.path)));
    }
    Ok(Model {
        kind: type_,
        newer: new.is_some() || of_openai(&engine),
        engine,
        name: name.text()?,
        temperature: parameter("temperature").map(|f| f.number(0.0, 2.0)).transpose()?,
        max_tokens: new.or(old).map(|f| f.number(1, 32_768)).transpose()?,
        place: (item.file.to_owned(), item.line),
    })
}

/// Whether it is OpenAI itself, whose older models take `max_completion_tokens`, too. Other servers may not.
fn of_openai(engine: &Engine) -> bool {
    let Engine::OpenAi { url, .. } = engine else { return false };
    // `eu.api.openai.com` keeps what it is told in Europe.
    url.domain().is_some_and(|name| name == "api.openai.com" || name.ends_with(".api.openai.com"))
}

/// An OpenAI-compatible server: in the operator's own configuration any, in a caller's one of the operator's judges, with
/// the key that the operator gave it.
fn openai(
    base: Option<&Field<'_>>,
    key: Option<&Field<'_>>,
    item: &Field<'_>,
    judges: Option<&Judges>,
) -> Result<Engine, LoadError> {
    let text = base.map_or_else(|| Ok(OPENAI.to_owned()), Field::text)?;
    let field = base.unwrap_or(item);
    let url =
        endpoint(&text).ok_or_else(|| field.error(format!("{} is not an https address", field.path)))?;
    let Some(judges) = judges else {
        let key = secret(key, Some(&url) == endpoint(OPENAI).as_ref())?;
        return Ok(Engine::OpenAi { url, key });
    };
    let Some(judge) = judges.find(&url) else {
        return Err(field.error(format!("{} is none of the service's judges (service.judges)", field.path)));
    };
    match key {
        Some(key) if !judge.has_key_of(&key.text()?) => {
            Err(key.error(format!("{} is not the one that service.judges has for this judge", key.path)))
        }
        _ => Ok(Engine::OpenAi { url, key: judge.key.clone() }),
    }
}

/// The address of `chat/completions` below a base URL. Without TLS only on this machine or inside the cluster.
pub(super) fn endpoint(base: &str) -> Option<Url> {
    let mut url = Url::parse(base.trim_end_matches('/')).ok()?;
    let inside = match url.host()? {
        Host::Domain(name) => {
            !name.contains('.') || name.ends_with(".svc") || name.ends_with(".svc.cluster.local")
        }
        Host::Ipv4(ip) => ip.is_loopback(),
        Host::Ipv6(ip) => ip.is_loopback(),
    };
    let scheme = url.scheme() == "https" || (url.scheme() == "http" && inside);
    let plain = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if !scheme || !plain {
        return None;
    }
    url.path_segments_mut().ok()?.pop_if_empty().extend(["chat", "completions"]);
    Some(url)
}

/// The key that the operator's own configuration names; without a name `OPENAI_API_KEY`, which only OpenAI gets.
fn secret(field: Option<&Field<'_>>, default: bool) -> Result<Option<SecretString>, LoadError> {
    match field {
        Some(field) => {
            let key = variable(&field.text()?).map_err(|why| field.error(format!("{}{why}", field.path)))?;
            Ok(Some(key))
        }
        None if default => Ok(env::var("OPENAI_API_KEY").ok().map(SecretString::from)),
        None => Ok(None),
    }
}

/// The key that an environment variable holds, or the end of a sentence. Only names that are evidently a model's key, so
/// that no other secret of this process is sent somewhere.
pub(super) fn variable(name: &str) -> Result<SecretString, String> {
    let plain = name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    if !plain || !name.ends_with("_API_KEY") || name.starts_with("MAILY_") {
        return Err(" must name an environment variable …_API_KEY".to_owned());
    }
    match env::var(name) {
        Ok(value) if !value.is_empty() => Ok(SecretString::from(value)),
        _ => Err(format!(": environment variable {name} is not set")),
    }
}
