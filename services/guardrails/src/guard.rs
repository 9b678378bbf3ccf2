//! The running service: configurations and models together.

use std::sync::Arc;

use tokio::task::spawn_blocking;

use crate::{
    config::{self, Config, File, Flow, Judged, Judges, LoadError},
    judge::{Judge, JudgeError},
    metrics::Metrics,
    rails::{Email, Piece, Sources, Violation},
    store::Store,
};

/// Why there is no verdict. No verdict means no.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GuardError {
    #[error(transparent)]
    Judge(#[from] JudgeError),
    #[error("the check was cut short")]
    Aborted,
}

impl GuardError {
    /// Whether trying again can't help.
    pub(crate) fn is_permanent(&self) -> bool {
        match self {
            Self::Judge(error) => error.is_permanent(),
            Self::Aborted => false,
        }
    }
}

/// Runs checks. Clones share everything.
#[derive(Clone)]
pub(crate) struct Guard {
    pub(crate) store: Arc<Store>,
    pub(crate) judge: Judge,
    judges: Arc<Judges>,
    metrics: Metrics,
}

impl Guard {
    /// `judges` are those that callers' configurations may ask.
    pub(crate) fn new(store: Store, judge: Judge, judges: Judges) -> Self {
        Self { store: Arc::new(store), judge, judges: Arc::new(judges), metrics: Metrics::new() }
    }

    /// Loads a caller's configuration and holds it.
    pub(crate) async fn load(&self, files: Vec<File>) -> Result<String, LoadError> {
        let cut = |_| LoadError::new(".", None, "the load was cut short");
        let judges = Arc::clone(&self.judges);
        let load = move || config::load_of_caller(&files, &judges);
        let config = spawn_blocking(load).await.map_err(cut)??;
        if !self.judge.reaches(&config) {
            let line = config.models.iter().map(|m| m.place.clone()).next();
            let (file, line) = line.map_or((".".to_owned(), None), |(file, line)| (file, Some(line)));
            return Err(LoadError::new(
                &file,
                line,
                "engine maily needs the service's peer `inference`, which is not configured",
            ));
        }
        let id = config.id().to_owned();
        self.store.add(Arc::new(config));
        Ok(id)
    }

    pub(crate) async fn input(
        &self,
        config: Arc<Config>,
        text: String,
    ) -> Result<Vec<Violation>, GuardError> {
        let judged = self.judged(&config, Flow::SelfCheckInput, &text).await?;
        self.run(move || config.judged_input(&text, judged)).await
    }

    /// The output rails on the answer of a chat.
    pub(crate) async fn answer(
        &self,
        config: Arc<Config>,
        text: String,
    ) -> Result<Vec<Violation>, GuardError> {
        let judged = self.judged(&config, Flow::SelfCheckOutput, &text).await?;
        self.run(move || config.judged_answer(&text, judged)).await
    }

    pub(crate) async fn piece(
        &self,
        config: Arc<Config>,
        piece: Piece,
        text: String,
        sources: Sources,
    ) -> Result<Vec<Violation>, GuardError> {
        let judged = self.judged(&config, Flow::SelfCheckOutput, &text).await?;
        self.run(move || config.judged_piece(piece, &text, &sources, judged)).await
    }

    pub(crate) async fn email(
        &self,
        config: Arc<Config>,
        email: Email,
        sources: Sources,
    ) -> Result<Vec<Violation>, GuardError> {
        let text = format!("Subject: {}\n\n{}\n\n{}", email.subject, email.preheader, email.body);
        let judged = self.judged(&config, Flow::SelfCheckOutput, &text).await?;
        self.run(move || config.judged_email(&email, &sources, judged)).await
    }

    /// Asks the judge if the configuration runs this self check.
    async fn judged(&self, config: &Config, flow: Flow, text: &str) -> Result<Judged, GuardError> {
        if !config.runs(flow) {
            return Ok(Judged::default());
        }
        let judgement = self.judge.ask(config, flow, text).await.inspect_err(|error| {
            tracing::warn!(rail = flow.name(), %error, "the judge gave no answer");
        })?;
        Ok(Judged { judgement: Some(judgement) })
    }

    /// Runs the pure rails off the threads that serve requests.
    async fn run(
        &self,
        check: impl FnOnce() -> Vec<Violation> + Send + 'static,
    ) -> Result<Vec<Violation>, GuardError> {
        let violations = spawn_blocking(check).await.map_err(|_| GuardError::Aborted)?;
        self.metrics.checked(&violations);
        Ok(violations)
    }
}
