//! The `models` key: who judges, and who answers `/v1/chat/completions`.

use std::env;

use secrecy::SecretString;
use url::{Host, Url};

use super::{LoadError, error::suggestion, flows::shown, keys, rails::Place, table::Field};

/// Models of one configuration.
const MAX_MODELS: usize = 8;
const KINDS: &[&str] = &["main", "self_check_input", "self_check_output"];
const OPENAI: &str = "https://api.openai.com/v1";

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
    pub(crate) place: Place,
}

pub(crate) fn read(field: &Field<'_>, models: &mut Vec<Model>) -> Result<(), LoadError> {
    for item in field.list(MAX_MODELS)? {
        let model = model(&item)?;
        if models.iter().any(|m| m.kind == model.kind) {
            return Err(item.error(format!("{}: there is already a model of type {}", item.path, model.kind)));
        }
        models.push(model);
    }
    Ok(())
}

fn model(item: &Field<'_>) -> Result<Model, LoadError> {
    let table =
        item.table(&["type", "engine", "model", "api_key_env_var", "parameters", "mode"], keys::MODEL)?;
    let kind = table.need("type")?;
    let type_ = kind.text()?;
    if !KINDS.contains(&type_.as_str()) {
        let near = suggestion(&type_, KINDS.iter().copied(), "");
        return Err(kind.error(format!("unknown model type `{}`{near}", shown(&type_))));
    }
    if let Some(mode) = table.get("mode").filter(|mode| mode.text().is_ok_and(|text| text != "chat")) {
        return Err(mode.error(format!("{} can only be chat", mode.path)));
    }
    let known = ["base_url", "openai_api_base", "temperature", "max_tokens", "model", "model_name"];
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
        "openai" => Engine::OpenAi { url: url(base.as_ref(), item)?, key: secret(key.as_ref())? },
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
    Ok(Model {
        kind: type_,
        engine,
        name: name.text()?,
        temperature: parameter("temperature").map(|f| f.number(0.0, 2.0)).transpose()?,
        max_tokens: parameter("max_tokens").map(|f| f.number(1, 32_768)).transpose()?,
        place: (item.file.to_owned(), item.line),
    })
}

/// The address of `chat/completions`. Without TLS only on this machine or inside the cluster.
fn url(base: Option<&Field<'_>>, item: &Field<'_>) -> Result<Url, LoadError> {
    let text = base.map_or_else(|| Ok(OPENAI.to_owned()), Field::text)?;
    let field = base.unwrap_or(item);
    let bad = || field.error(format!("{} is not an https address", field.path));
    let mut url = Url::parse(text.trim_end_matches('/')).map_err(|_| bad())?;
    let inside = match url.host() {
        Some(Host::Domain(name)) => {
            !name.contains('.') || name.ends_with(".svc") || name.ends_with(".svc.cluster.local")
        }
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    let scheme = url.scheme() == "https" || (url.scheme() == "http" && inside);
    if !scheme
        || !url.username().is_empty()
        || url.password().is_some()
        || url.query().is_some()
        || url.fragment().is_some()
    {
        return Err(bad());
    }
    url.path_segments_mut().map_err(|()| bad())?.pop_if_empty().extend(["chat", "completions"]);
    Ok(url)
}

/// The key that an environment variable holds. Only names that are evidently a model's key, so that a
/// configuration can't have another secret of this process sent somewhere.
fn secret(field: Option<&Field<'_>>) -> Result<Option<SecretString>, LoadError> {
    let Some(field) = field else { return Ok(env::var("OPENAI_API_KEY").ok().map(SecretString::from)) };
    let name = field.text()?;
    let plain = name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    if !plain || !name.ends_with("_API_KEY") || name.starts_with("MAILY_") {
        return Err(field.error(format!("{} must name an environment variable …_API_KEY", field.path)));
    }
    match env::var(&name) {
        Ok(value) if !value.is_empty() => Ok(Some(SecretString::from(value))),
        _ => Err(field.error(format!("{}: environment variable {name} is not set", field.path))),
    }
}
