//! The running service: configurations and models together.

use std::{collections::HashSet, sync::Arc};

use maily_chassis::WorkError;

use crate::{
    config::{self, Check, Config, Engine, File, Flow, Judges, LoadError, Progress},
    failure::{Failure, JudgeError},
    judge::{Judge, Turn},
    metrics::Metrics,
    rails::{Email, Piece, Sources, Violation},
    store::Store,
    turns::{NoTurn, Rendering, Turns, Who},
};

/// Why there is no verdict. No verdict means no.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GuardError {
    #[error(transparent)]
    Judge(#[from] JudgeError),
    #[error("the configuration has no input rails, and what no rail has judged is not put before a model")]
    NoInputRails,
    #[error(transparent)]
    NoTurn(#[from] NoTurn),
}

impl GuardError {
    pub(crate) fn failure(&self) -> Failure {
        match self {
            Self::Judge(error) => error.failure(),
            Self::NoInputRails => Failure::Caller,
            Self::NoTurn(NoTurn::Work(WorkError::Panicked)) => Failure::Fault,
            Self::NoTurn(NoTurn::Busy | NoTurn::Work(WorkError::Interrupted)) => Failure::Outage,
        }
    }

    /// Whether a text is longer than what a model can be asked about.
    pub(crate) fn is_too_long(&self) -> bool {
        matches!(self, Self::Judge(error) if error.is_too_long())
    }
}

/// The turns of a conversation, each of which the input rails have passed. Only [`Guard::conversation`] makes one, and a
/// chat's model is asked nothing else.
pub(crate) struct Judged(Vec<Turn>);

impl Judged {
    pub(crate) fn turns(&self) -> &[Turn] {
        &self.0
    }
}

/// Runs checks, each at its caller's turn. Clones share everything.
#[derive(Clone)]
pub(crate) struct Guard {
    pub(crate) store: Arc<Store>,
    pub(crate) judge: Judge,
    judges: Arc<Judges>,
    turns: Turns,
    metrics: Metrics,
}

impl Guard {
    /// `judges` are those that callers' configurations may ask.
    pub(crate) fn new(store: Store, judge: Judge, judges: Judges) -> Self {
        let (store, judges) = (Arc::new(store), Arc::new(judges));
        Self { store, judge, judges, turns: Turns::new(), metrics: Metrics::new() }
    }

    /// The same, for this caller's requests.
    pub(crate) fn called_by(&self, who: impl Into<Who>) -> Self {
        Self { turns: self.turns.of(who), ..self.clone() }
    }

    /// Loads a caller's configuration and holds it. One that is held takes no turn: its id is all that its files say, and
    /// each draft of a campaign asks for it again. Which models are served may be something else by then.
    pub(crate) async fn load(&self, files: Vec<File>) -> Result<String, LoadError> {
        let cut = |why: NoTurn| match why {
            NoTurn::Busy => LoadError::unavailable(".", None, why.to_string()),
            NoTurn::Work(error) => LoadError::cut(error),
        };
        let id = config::id(&files)?;
        let config = match self.store.get(&id) {
            Some(held) => held,
            None => {
                let (guard, wanted) = (self.clone(), id.clone());
                let read = move || guard.read(&wanted, &files);
                self.turns.render(Rendering::Load, read).await.map_err(cut)??
            }
        };
        self.check_served(&config).await?;
        self.store.add(config);
        Ok(id)
    }

    /// Reads a configuration, unless somebody else has done so while this one waited for the turn.
    fn read(&self, id: &str, files: &[File]) -> Result<Arc<Config>, LoadError> {
        if let Some(held) = self.store.get(id) {
            return Ok(held);
        }
        let config = Arc::new(config::load_of_caller(files, &self.judges)?);
        if !self.judge.reaches(&config) {
            let line = config.models.iter().map(|m| m.place.clone()).next();
            let (file, line) = line.map_or((".".to_owned(), None), |(file, line)| (file, Some(line)));
            return Err(LoadError::new(
                &file,
                line,
                "engine maily needs the service's peer `inference`, which is not configured",
            ));
        }
        Ok(config)
    }

    /// Refuses a configuration that names a model which the inference service does not serve. Where that can't be told now,
    /// it is held: services start in any order, a checkpoint takes minutes to load, and a check whose model is not there
    /// has no verdict anyway.
    async fn check_served(&self, config: &Config) -> Result<(), LoadError> {
        if !config.models.iter().any(|model| matches!(model.engine, Engine::Maily)) {
            return Ok(());
        }
        match self.judge.served().await {
            Ok(served) => config::need_served(&config.models, &served),
            Err(error) => {
                let config = config.id();
                tracing::warn!(config, %error, "held, though inference does not say whether it serves its model");
                Ok(())
            }
        }
    }

    /// The input rails on texts that a model would be shown.
    pub(crate) async fn input(
        &self,
        config: Arc<Config>,
        texts: Vec<String>,
    ) -> Result<Vec<Violation>, GuardError> {
        self.judged(config, texts, Vec::new()).await
    }

    /// The input rails on every turn of a conversation, whoever said it, and on the turns as one text, too: the model reads
    /// them one behind the other.
    pub(crate) async fn turns(
        &self,
        config: Arc<Config>,
        turns: &[Turn],
    ) -> Result<Vec<Violation>, GuardError> {
        let texts = turns.iter().map(|turn| turn.text.clone()).collect();
        self.judged(config, texts, together(turns)).await
    }

    async fn judged(
        &self,
        config: Arc<Config>,
        texts: Vec<String>,
        together: Vec<String>,
    ) -> Result<Vec<Violation>, GuardError> {
        // "Passed" must never mean that no rail has looked.
        if config.input.is_empty() {
            return Err(GuardError::NoInputRails);
        }
        self.check(config, Check::Input { texts, together }).await
    }

    /// The conversation, or none where the input rails refuse it.
    pub(crate) async fn conversation(
        &self,
        config: Arc<Config>,
        turns: Vec<Turn>,
    ) -> Result<Option<Judged>, GuardError> {
        let violations = self.turns(config, &turns).await?;
        Ok(violations.is_empty().then_some(Judged(turns)))
    }

    /// The output rails on the answer of a chat.
    pub(crate) async fn answer(
        &self,
        config: Arc<Config>,
        text: String,
    ) -> Result<Vec<Violation>, GuardError> {
        self.check(config, Check::Answer(text)).await
    }

    pub(crate) async fn piece(
        &self,
        config: Arc<Config>,
        piece: Piece,
        text: String,
        sources: Sources,
    ) -> Result<Vec<Violation>, GuardError> {
        self.check(config, Check::Piece { piece, text, sources }).await
    }

    pub(crate) async fn email(
        &self,
        config: Arc<Config>,
        email: Email,
        sources: Sources,
    ) -> Result<Vec<Violation>, GuardError> {
        self.check(config, Check::Email { email: Box::new(email), sources }).await
    }

    async fn check(&self, config: Arc<Config>, check: Check) -> Result<Vec<Violation>, GuardError> {
        let violations = self.first_no(config, Arc::new(check)).await?;
        self.metrics.checked(&violations);
        Ok(violations)
    }

    /// Runs the rails in their order: what the first that says no has against it. A rail behind that one is not run, so
    /// that no failure of its model can take the verdict's place.
    async fn first_no(&self, config: Arc<Config>, check: Arc<Check>) -> Result<Vec<Violation>, GuardError> {
        let mut from = 0;
        loop {
            let (rails, judged) = (Arc::clone(&config), Arc::clone(&check));
            let (at, flow) = match self.turns.check(move || rails.run(&judged, from)).await? {
                Progress::Passed => return Ok(Vec::new()),
                Progress::Refused(violations) => return Ok(violations),
                Progress::Asks { at, flow } => (at, flow),
            };
            if let Some(reason) = self.asked(&config, flow, &check).await? {
                return Ok(check.refused(flow, reason));
            }
            from = at + 1;
        }
    }

    /// Asks the model of a self check about each text: why the first that it blocks is blocked.
    async fn asked(&self, config: &Config, flow: Flow, check: &Check) -> Result<Option<String>, GuardError> {
        let mut texts = check.texts();
        // Turns that are repeated, often empty ones, have one verdict.
        let mut seen = HashSet::new();
        texts.retain(|text| seen.insert(text.clone()));
        for text in texts {
            let judgement = self.judge.ask(&self.turns, config, flow, &text).await.inspect_err(|error| {
                tracing::warn!(rail = flow.name(), %error, "the judge gave no answer");
            })?;
            if let Some(reason) = judgement.reason() {
                return Ok(Some(reason));
            }
        }
        Ok(None)
    }
}

/// First all turns as one text, then those of each role where there are several: an answer in between, which says nothing or
/// next to it, keeps no sentence apart.
fn together(turns: &[Turn]) -> Vec<String> {
    let joined = |of: &dyn Fn(&Turn) -> bool| {
        let texts: Vec<&str> = turns.iter().filter(|turn| of(turn)).map(|turn| turn.text.as_str()).collect();
        (texts.len() > 1).then(|| texts.join("\n"))
    };
    let all = joined(&|_| true);
    let several = turns.windows(2).any(|pair| matches!(pair, [a, b] if a.role != b.role));
    let roles: &[&str] = if several { &["system", "developer", "user", "assistant"] } else { &[] };
    all.into_iter().chain(roles.iter().filter_map(|role| joined(&|turn| turn.role == *role))).collect()
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::mpsc::channel, time::Duration};

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn what_is_held_is_not_loaded_again() {
        let judge = Judge::new(None, Duration::from_secs(1)).expect("has roots");
        let guard = Guard::new(Store::new(BTreeMap::new(), 2), judge, Judges::at(&[]));
        let content = b"rails:\n  output:\n    flows: [email check facts]\n".to_vec();
        let files = vec![File { path: "config.yml".into(), content }];
        let id = guard.load(files.clone()).await.expect("loads");
        // The caller's one place of loads is taken for as long as this goes on.
        let (go_on, until) = channel::<()>();
        let turns = guard.turns.clone();
        let endless = move || {
            let _ = until.recv(); // nothing is ever sent
        };
        let busy = tokio::spawn(async move { turns.render(Rendering::Load, endless).await });
        tokio::task::yield_now().await;
        let again = timeout(Duration::from_secs(10), guard.load(files)).await.expect("waits for nobody");
        assert_eq!(again.expect("is held"), id);
        drop(go_on);
        assert_eq!(busy.await.expect("ends"), Ok(()));
    }
}
