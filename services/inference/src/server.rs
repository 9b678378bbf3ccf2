//! The service as one value: its configuration, the model once loaded, its routes, and the model's thread.

use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{Method, Uri};
use axum::routing::{any, get, post};
use axum::{Json, Router};
use maily_model::{Device, Engine, LoadError, LoadOptions};

use crate::answers::{self, Answers, Loader, by_the_engine};
use crate::config::Config;
use crate::desk::Desk;
use crate::metrics::Metrics;
use crate::openai::{Model, ModelList, Refusal};
use crate::queue::Queue;
use crate::{chat, worker};

/// How long the model's thread may take to give up: one step of the model, at most.
const LAST: Duration = Duration::from_secs(10);

/// The loaded model and who waits for it.
pub(crate) struct Loaded {
    pub(crate) engine: Arc<Engine>,
    pub(crate) answers: Arc<dyn Answers>,
    pub(crate) queue: Queue,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) model: Model,
    /// Changes with the checkpoint, the kind of device and this program: what a seed draws may then differ.
    pub(crate) fingerprint: String,
}

/// The service.
pub struct Server {
    pub(crate) config: Config,
    pub(crate) desk: Desk,
    loader: Box<Loader>,
    loaded: OnceLock<Loaded>,
}

impl Server {
    /// A service without a model yet.
    #[must_use]
    pub fn new(config: Config) -> Arc<Self> {
        Self::with_loader(config, by_the_engine)
    }

    /// The same, to be loaded in another way.
    #[must_use]
    pub fn with_loader(
        config: Config,
        loader: impl Fn(&std::path::Path, &LoadOptions) -> Result<answers::Model, LoadError>
        + Send
        + Sync
        + 'static,
    ) -> Arc<Self> {
        let desk = Desk::new(config.queue);
        Arc::new(Self { config, desk, loader: Box::new(loader), loaded: OnceLock::new() })
    }

    /// A service of an engine that is loaded already.
    #[must_use]
    pub fn with_engine(config: Config, engine: Arc<Engine>) -> Arc<Self> {
        let server = Self::new(config);
        server.adopt(engine.into());
        server
    }

    fn adopt(&self, model: answers::Model) -> &Loaded {
        self.loaded.get_or_init(|| Loaded::new(&self.config, model))
    }

    /// Reads the checkpoint, unless that is done.
    fn load(&self) -> Result<&Loaded, LoadError> {
        if let Some(loaded) = self.loaded.get() {
            return Ok(loaded);
        }
        let started = std::time::Instant::now();
        let Config { context, device, .. } = self.config;
        let options = LoadOptions { max_context: context, device, ..LoadOptions::default() };
        let model = (self.loader)(&self.config.model, &options)?;
        if !model.engine.has_chat_template() {
            let reason = "it has no chat template (`chat_template.jinja`, or `tokenizer.chat_template` in a GGUF file), \
                          without which no request can be put to the model";
            return Err(LoadError::Invalid { path: self.config.model.clone(), reason: reason.into() });
        }
        let loaded = self.adopt(model);
        let (info, seconds) = (loaded.engine.info(), started.elapsed().as_secs_f64());
        let (model, parameters) = (&loaded.model.id, info.parameters);
        tracing::info!(model, parameters, %device, seconds, "model loaded");
        Ok(loaded)
    }

    pub(crate) fn loaded(&self) -> Result<&Loaded, Refusal> {
        self.loaded.get().ok_or_else(Refusal::loading)
    }

    /// OpenAI's paths. The listeners before it authenticate.
    pub fn router(self: &Arc<Self>) -> Router {
        Router::new()
            .route("/v1/models", get(models).fallback(not_allowed))
            .route("/v1/models/{*id}", get(model).fallback(not_allowed))
            .route("/v1/chat/completions", post(chat::completions).fallback(not_allowed))
            .route("/v1/{*path}", any(not_found))
            .layer(DefaultBodyLimit::max(self.config.largest_body()))
            .with_state(Arc::clone(self))
    }
}

impl Loaded {
    fn new(config: &Config, model: answers::Model) -> Self {
        let answers::Model { engine, answers } = model;
        let info = engine.info();
        let id = config.name.clone().unwrap_or_else(|| default_name(&config.model, &info.name));
        let metrics = Arc::new(Metrics::new(&id));
        let kind = if config.device == Device::Cpu { "" } else { "_cuda" };
        let created = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        Self {
            queue: Queue::new(config.queue, Arc::clone(&metrics)),
            metrics,
            model: Model { id, object: "model", created, owned_by: "maily" },
            fingerprint: format!("fp_{}_{}{kind}", info.fingerprint, env!("CARGO_PKG_VERSION")),
            engine,
            answers,
        }
    }

    /// Refuses every model but the served one.
    pub(crate) fn serves(&self, id: &str) -> Result<(), Refusal> {
        if id == self.model.id { Ok(()) } else { Err(Refusal::model_not_found(id)) }
    }
}

/// The name of the file or folder, in the manner of model identifiers: the names inside of checkpoints are often
/// those of a training run.
fn default_name(path: &std::path::Path, inside: &str) -> String {
    let name = path.file_name().map_or_else(|| inside.into(), |name| name.to_string_lossy());
    slug(name.strip_suffix(".gguf").unwrap_or(&name))
}

/// `SmolLM2 135M Instruct` as `smollm2-135m-instruct`.
fn slug(name: &str) -> String {
    let kept = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_');
    let words = name.split(|c: char| !kept(c)).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join("-")
}

/// The model's thread.
pub struct Worker {
    server: Arc<Server>,
    thread: JoinHandle<()>,
}

impl Worker {
    /// Starts the thread: it loads the checkpoint, tells `ready` of it, and works until [`Worker::stop`].
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn spawn(
        server: Arc<Server>,
        ready: impl FnOnce(Result<(), LoadError>) + Send + 'static,
    ) -> std::io::Result<Self> {
        let own = Arc::clone(&server);
        let run = move || match own.load() {
            Ok(loaded) => {
                ready(Ok(()));
                worker::work(loaded);
            }
            Err(error) => ready(Err(error)),
        };
        let thread = std::thread::Builder::new().name("model".into()).spawn(run)?;
        Ok(Self { server, thread })
    }

    /// Gives up what waits and what runs, and waits a moment for the thread. A checkpoint that is still being read is
    /// not waited for: the process ends without it.
    pub async fn stop(self) {
        let Some(loaded) = self.server.loaded.get() else { return };
        loaded.queue.close();
        let ended = maily_chassis::blocking(|| self.thread.join().is_ok());
        match tokio::time::timeout(LAST, ended).await {
            Ok(Ok(true)) => {}
            Ok(_) => tracing::error!("the model's thread panicked"),
            Err(_) => tracing::warn!("the model's thread is still at work; the process ends without it"),
        }
    }
}

async fn models(State(server): State<Arc<Server>>) -> Result<Json<ModelList>, Refusal> {
    Ok(Json(ModelList { object: "list", data: vec![server.loaded()?.model.clone()] }))
}

async fn model(State(server): State<Arc<Server>>, Path(id): Path<String>) -> Result<Json<Model>, Refusal> {
    let loaded = server.loaded()?;
    loaded.serves(&id)?;
    Ok(Json(loaded.model.clone()))
}

async fn not_found(method: Method, uri: Uri) -> Refusal {
    Refusal::not_found(method.as_str(), uri.path())
}

async fn not_allowed(method: Method) -> Refusal {
    Refusal::method(method.as_str())
}

#[cfg(test)]
mod tests {
    use super::default_name;

    #[test]
    fn names_become_identifiers() {
        let name = |path: &str| default_name(path.as_ref(), "Mix1 Ep2");
        assert_eq!(name("/models/SmolLM2-135M-Instruct.gguf"), "smollm2-135m-instruct");
        assert_eq!(name("models/DeepSeek-R1-Distill-Llama-8B/"), "deepseek-r1-distill-llama-8b");
        assert_eq!(name("Llama 3.1 (8B).gguf"), "llama-3.1-8b");
        assert_eq!(name("/"), "mix1-ep2");
    }
}
