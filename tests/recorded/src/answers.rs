//! Who answers: the recordings; or, where they are made, the model.

use std::{
    fs, io,
    io::Write as _,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use maily_inference::Answers;
use maily_model::{Completion, Engine, EngineError, Event, FinishReason, Generate};
use maily_testkit::pause;
use serde::Serialize;

use crate::{
    context::Context,
    recording::{self, Recording},
    settings::Recorded,
};

/// How recordings are made; every sentence about one that is not there ends with it.
pub const HOW: &str = "record with `cargo xtask record`";
/// What the caller is told. Which request it was is in the log: this is a test program.
const REFUSED: &str = "There is no recorded answer to this request: the log of this service says why.";

/// Recorded answers of one checkpoint.
pub struct Player {
    settings: Recorded,
    folder: PathBuf,
    engine: Arc<Engine>,
    context: Context,
}

/// Why there is no recorded answer, in one sentence.
#[derive(Debug, thiserror::Error)]
pub enum Absent {
    /// This was never asked when recordings were made.
    #[error("no answer is recorded to {asked}{}; {HOW}", since(.changed))]
    Missing {
        /// What was asked.
        asked: String,
        /// What has changed since recordings were made.
        changed: Vec<String>,
    },
    /// It was, with other prompts or rails.
    #[error("the recorded answer to {asked} is stale{}; {HOW}", since(.changed))]
    Stale {
        /// What was asked.
        asked: String,
        /// What has changed since recordings were made.
        changed: Vec<String>,
    },
    /// It can't be read.
    #[error("{path}: {reason}; {HOW}")]
    Broken {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
}

fn since(changed: &[String]) -> String {
    match changed {
        [] => String::new(),
        [first] => format!(": {first} has changed since"),
        [first, rest @ ..] => format!(": {first} and {} more have changed since", rest.len()),
    }
}

impl Player {
    /// The recordings of this checkpoint.
    ///
    /// # Errors
    /// Prompts or rails can't be read, or the recordings not be written.
    pub fn new(settings: Recorded, engine: Arc<Engine>) -> io::Result<Self> {
        let context = Context::of(&settings.workspace, &engine.info().fingerprint)?;
        let folder = settings.folder();
        if settings.record {
            write(&Context::file(&folder), &context)?;
        }
        Ok(Self { settings, folder, engine, context })
    }

    /// The recording of a request.
    ///
    /// # Errors
    /// There is none that can be used.
    pub fn find(&self, request: &Generate) -> Result<Recording, Absent> {
        let path = self.path(request);
        let text = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Absent::Missing { asked: self.asked(request), changed: self.changed() });
            }
            text => text.map_err(|error| error.to_string()),
        };
        let found: Result<Recording, _> =
            text.and_then(|text| serde_json::from_slice(&text).map_err(|error| error.to_string()));
        match found {
            Err(reason) => Err(Absent::Broken { path, reason }),
            Ok(found) if found.context == self.context.digest() => Ok(found),
            Ok(_) => Err(Absent::Stale { asked: self.asked(request), changed: self.changed() }),
        }
    }

    fn path(&self, request: &Generate) -> PathBuf {
        self.folder.join(format!("{}.json", recording::key(request)))
    }

    fn asked(&self, request: &Generate) -> String {
        let turns = recording::words(self.engine.tokenizer(), &request.prompt);
        format!("“{}” (seed {}, {} candidates)", turns.join(" | "), request.seed, request.n)
    }

    /// What has changed since recordings were made, if any were.
    fn changed(&self) -> Vec<String> {
        Context::kept(&self.folder).map(|kept| self.context.changed(&kept)).unwrap_or_default()
    }

    /// Has the model answer, and keeps what it says.
    fn record(
        &self,
        request: &Generate,
        sink: &mut dyn FnMut(Event) -> ControlFlow<()>,
    ) -> Result<Vec<Completion>, EngineError> {
        let said = self.engine.generate(request, sink)?;
        let asked = recording::words(self.engine.tokenizer(), &request.prompt);
        if let Some(recording) = Recording::of(request, asked, &said, self.context.digest())
            && let Err(error) = write(&self.path(request), &recording)
        {
            tracing::error!(%error, "the answer can't be recorded");
        }
        Ok(said)
    }

    /// Waits as it is told to; whether the answer is still wanted then.
    fn take_time(&self, request: &Generate, sink: &mut dyn FnMut(Event) -> ControlFlow<()>) -> bool {
        let end = Instant::now() + Duration::from_millis(self.settings.delay_millis);
        let held = || self.settings.hold.as_ref().is_some_and(|file| file.exists());
        while Instant::now() < end || held() {
            let late = request.deadline.is_some_and(|deadline| deadline <= Instant::now());
            if late || sink(Event::Read { tokens: 0 }).is_break() {
                return false;
            }
            pause();
        }
        true
    }
}

impl Answers for Player {
    fn generate(
        &self,
        request: &Generate,
        sink: &mut dyn FnMut(Event) -> ControlFlow<()>,
    ) -> Result<Vec<Completion>, EngineError> {
        // As the engine does, before it takes any time: what it refuses has no answer to be recorded.
        request.schema.as_ref().map_or(Ok(()), |schema| self.engine.check_schema(schema))?;
        if !self.take_time(request, sink) {
            let cancelled = Completion { text: String::new(), tokens: 0, reason: FinishReason::Cancelled };
            return Ok(vec![cancelled; request.n]);
        }
        match self.find(request) {
            Ok(recording) => Ok(recording.play(sink)),
            Err(_) if self.settings.record => self.record(request, sink),
            Err(absent) => {
                tracing::error!("{absent}");
                Err(EngineError::Invalid(REFUSED))
            }
        }
    }
}

/// Writes JSON as a whole or not at all, whoever else does.
fn write(path: &Path, value: &impl Serialize) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    serde_json::to_writer_pretty(&mut file, value)?;
    file.write_all(b"\n")?;
    file.persist(path)?;
    Ok(())
}
