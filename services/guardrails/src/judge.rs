//! Asks a model: the judge of the self checks, and the main model of `/v1/chat/completions`.

use std::{error::Error, time::Duration};

use axum::body::Body;
use http::{Method, Request, Response, header};
use http_body_util::{BodyExt, Collected, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use maily_chassis::{PeerClient, broke_off};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tower::{BoxError, ServiceExt as _, util::BoxCloneSyncService};

use crate::{
    config::{Config, Engine, Flow, Model, Prompt, RenderError},
    failure::{JudgeError, refused},
    guard::Judged,
    rails::self_check::{Judgement, judgement},
    turns::{NoTurn, Rendering, Turns},
};

/// Bytes of one answer.
const MAX_ANSWER: usize = 1 << 20;
/// Tokens of one answer where the configuration says nothing, as in NeMo.
const MAX_TOKENS: u32 = 1024;
/// The temperature of a self check where the configuration has no `lowest_temperature`, as in NeMo.
const LOWEST_TEMPERATURE: f64 = 0.001;
/// Why an answer ends, as OpenAI's API says it; that tools are called is not asked for.
const FINISHES: [&str; 3] = [STOP, "length", "content_filter"];
/// It is whole. Servers that give no reason mean this one.
pub(crate) const STOP: &str = "stop";
/// How long the inference service may take to name its models: it has them at hand, and a load waits for that.
const LISTING: Duration = Duration::from_secs(5);

/// The inference service: a peer's client, or a script in tests.
pub(crate) type Inference = BoxCloneSyncService<Request<Body>, Response<Body>, BoxError>;

/// The inference service at this peer.
pub(crate) fn peer(client: PeerClient) -> Inference {
    BoxCloneSyncService::new(client.map_response(|response| response.map(Body::new)).map_err(BoxError::from))
}

/// One turn of a conversation, its parts joined: what the model reads, and what is judged.
pub(crate) struct Turn {
    pub(crate) role: String,
    pub(crate) text: String,
}

/// What a chat request may set beside its messages.
#[derive(Default)]
pub(crate) struct Sampling {
    pub(crate) temperature: Option<f64>,
    pub(crate) top_p: Option<f64>,
    pub(crate) max_tokens: Option<u32>,
    pub(crate) stop: Vec<String>,
}

impl Sampling {
    /// Whether a parameter, or what is in it, is the request's own. How many tokens there may be is always said.
    fn sets(&self, param: &str) -> bool {
        match param {
            "messages" => true,
            "stop" => !self.stop.is_empty(),
            "temperature" => self.temperature.is_some(),
            "top_p" => self.top_p.is_some(),
            _ => false,
        }
    }
}

/// What a model said, and why it says no more.
pub(crate) struct Answer {
    pub(crate) text: String,
    /// One of [`FINISHES`].
    pub(crate) finish: &'static str,
}

/// Clients of the models.
#[derive(Clone)]
pub(crate) struct Judge {
    outside: Client<HttpsConnector<HttpConnector>, Body>,
    inference: Option<Inference>,
    timeout: Duration,
}

impl Judge {
    /// Clients whose answers may take `timeout` each. Without a peer the engine `maily` can't be used.
    ///
    /// # Errors
    /// The machine's root certificates can't be read.
    pub(crate) fn new(inference: Option<Inference>, timeout: Duration) -> Result<Self, String> {
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(maily_chassis::tls::edge_provider())
            .map_err(|error| format!("the root certificates can't be read: {error}"))?
            .https_or_http()
            .enable_http1()
            .build();
        Ok(Self { outside: Client::builder(TokioExecutor::new()).build(connector), inference, timeout })
    }

    /// Whether every model of the configuration can be asked.
    pub(crate) fn reaches(&self, config: &Config) -> bool {
        self.inference.is_some() || !config.models.iter().any(|m| matches!(m.engine, Engine::Maily))
    }

    /// The names of the models that the inference service serves.
    ///
    /// # Errors
    /// It does not say so now.
    pub(crate) async fn served(&self) -> Result<Vec<String>, JudgeError> {
        tokio::time::timeout(LISTING, self.list()).await.map_err(|_| JudgeError::TimedOut)?
    }

    async fn list(&self) -> Result<Vec<String>, JudgeError> {
        let request = Request::get("/v1/models").body(Body::empty()).map_err(|_| JudgeError::Malformed)?;
        let list = received(&Engine::Maily, self.to_peer(request).await?).await?;
        let models = list.get("data").and_then(Value::as_array).ok_or(JudgeError::Malformed)?;
        let name = |model: &Value| Some(model.get("id")?.as_str()?.to_owned());
        models.iter().map(name).collect::<Option<_>>().ok_or(JudgeError::Malformed)
    }

    /// Puts a self check's question about `text` to its model, once it is the caller's turn to have it rendered.
    ///
    /// # Errors
    /// There is no answer; the text is not allowed then.
    pub(crate) async fn ask(
        &self,
        turns: &Turns,
        config: &Config,
        flow: Flow,
        text: &str,
    ) -> Result<Judgement, JudgeError> {
        let task = crate::config::task(flow);
        let prompt = config.prompts.iter().find(|p| p.flow == flow).ok_or(JudgeError::Missing)?;
        let model = model(config, task).or_else(|| model(config, "main")).ok_or(JudgeError::Missing)?;
        let messages = rendered(turns, prompt.clone(), text.to_owned()).await?;
        // Each goes as it is copied: it may be a whole conversation.
        let messages = messages.into_iter();
        let messages = messages.map(|(role, text)| json!({ "role": role, "content": text })).collect();
        let sampling = Sampling {
            temperature: config.temperature.or((!model.newer).then_some(LOWEST_TEMPERATURE)),
            max_tokens: prompt.max_tokens,
            stop: prompt.stop.clone(),
            ..Sampling::default()
        };
        let answer = self.complete(model, messages, &sampling).await.map_err(|error| error.of(flow))?;
        Ok(judgement(&answer.text))
    }

    /// Has the configuration's main model answer, behind the operator's own instructions.
    ///
    /// # Errors
    /// There is no answer.
    pub(crate) async fn chat(
        &self,
        config: &Config,
        judged: &Judged,
        sampling: &Sampling,
    ) -> Result<Answer, JudgeError> {
        let model = model(config, "main").ok_or(JudgeError::Missing)?;
        let own = config.system.iter().map(|system| json!({ "role": "system", "content": system }));
        let turns = judged.turns().iter().map(|turn| json!({ "role": turn.role, "content": turn.text }));
        let answer = self.complete(model, own.chain(turns).collect(), sampling).await;
        answer.map_err(|error| match error {
            JudgeError::Unsupported(status, said) if said.param.is_some_and(|param| sampling.sets(param)) => {
                JudgeError::Refused(status, said)
            }
            other => other,
        })
    }

    async fn complete(
        &self,
        model: &Model,
        messages: Vec<Value>,
        sampling: &Sampling,
    ) -> Result<Answer, JudgeError> {
        let limit = if model.newer { "max_completion_tokens" } else { "max_tokens" };
        let mut body = json!({
            "model": model.name,
            "messages": null,
            limit: sampling.max_tokens.or(model.max_tokens).unwrap_or(MAX_TOKENS),
        });
        // As in NeMo, what a call asks for goes before what the model has by default.
        let temperature = sampling.temperature.or(model.temperature);
        let more =
            [("temperature", temperature.map(Value::from)), ("top_p", sampling.top_p.map(Value::from))];
        let stop = (!sampling.stop.is_empty()).then(|| json!(sampling.stop));
        if let Some(body) = body.as_object_mut() {
            // `json!` would copy the whole conversation.
            body.insert("messages".to_owned(), Value::Array(messages));
            let more = more.into_iter().chain([("stop", stop)]);
            body.extend(more.filter_map(|(key, value)| Some((key.to_owned(), value?))));
        }
        tokio::time::timeout(self.timeout, self.exchange(&model.engine, &body))
            .await
            .map_err(|_| JudgeError::TimedOut)?
    }

    async fn exchange(&self, engine: &Engine, body: &Value) -> Result<Answer, JudgeError> {
        let answer = received(engine, self.send(engine, body.to_string()).await?).await?;
        let text = answer
            .pointer("/choices/0/message/content")
            .and_then(Value::as_str)
            .ok_or(JudgeError::Malformed)?;
        let reason = answer.pointer("/choices/0/finish_reason").and_then(Value::as_str);
        let finish = FINISHES.into_iter().find(|known| Some(*known) == reason).unwrap_or(STOP);
        Ok(Answer { text: text.to_owned(), finish })
    }

    async fn send(&self, engine: &Engine, body: String) -> Result<Response<Body>, JudgeError> {
        let request =
            Request::builder().method(Method::POST).header(header::CONTENT_TYPE, "application/json");
        match engine {
            Engine::Maily => {
                let request = request.uri("/v1/chat/completions").body(Body::from(body));
                self.to_peer(request.map_err(|_| JudgeError::Malformed)?).await
            }
            Engine::OpenAi { url, key } => {
                let mut request = request.uri(url.as_str());
                if let Some(key) = key {
                    let bearer = format!("Bearer {}", key.expose_secret());
                    let mut value =
                        header::HeaderValue::from_str(&bearer).map_err(|_| JudgeError::Missing)?;
                    value.set_sensitive(true);
                    request = request.header(header::AUTHORIZATION, value);
                }
                let request = request.body(Body::from(body)).map_err(|_| JudgeError::Malformed)?;
                let response = self.outside.request(request).await.map_err(|error| unanswered(&error))?;
                Ok(response.map(Body::new))
            }
        }
    }

    async fn to_peer(&self, request: Request<Body>) -> Result<Response<Body>, JudgeError> {
        let peer = self.inference.clone().ok_or(JudgeError::NoPeer)?;
        peer.oneshot(request).await.map_err(|error| unanswered(&*error))
    }
}

/// The JSON of an answer that is one.
async fn received(engine: &Engine, response: Response<Body>) -> Result<Value, JudgeError> {
    let status = response.status();
    let body = Limited::new(response.into_body(), MAX_ANSWER).collect().await;
    let body = body.map_err(|e| {
        if e.is::<http_body_util::LengthLimitError>() { JudgeError::Malformed } else { unanswered(&*e) }
    });
    if !status.is_success() {
        return Err(refused(engine, status, &body.map(Collected::to_bytes).unwrap_or_default()));
    }
    serde_json::from_slice(&body?.to_bytes()).map_err(|_| JudgeError::Malformed)
}

/// Rendered off the threads that serve requests, as it waits for another process.
async fn rendered(
    turns: &Turns,
    prompt: Prompt,
    text: String,
) -> Result<Vec<(&'static str, String)>, JudgeError> {
    let flow = prompt.flow;
    match turns.render(Rendering::Prompt, move || prompt.render(&text)).await {
        Ok(Ok(messages)) => Ok(messages),
        Ok(Err(RenderError::TooLong)) => Err(JudgeError::TooLong(flow)),
        // At load it was rendered with other texts: what fails now, fails by this one.
        Ok(Err(RenderError::Failed(why))) => Err(JudgeError::Unrenderable { flow, why }),
        Ok(Err(RenderError::Unavailable(why))) => Err(JudgeError::NotRendered(why)),
        Err(NoTurn::Work(error)) => Err(error.into()),
        Err(why) => Err(JudgeError::NotRendered(why.to_string())),
    }
}

/// Whether a model that gave no answer was there.
fn unanswered(error: &(dyn Error + 'static)) -> JudgeError {
    if broke_off(error) { JudgeError::Broke } else { JudgeError::Unreachable }
}

fn model<'a>(config: &'a Config, kind: &str) -> Option<&'a Model> {
    config.models.iter().find(|model| model.kind == kind)
}
