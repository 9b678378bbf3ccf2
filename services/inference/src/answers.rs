//! The seam at the engine: who answers a request that has been read, checked, rendered and waited for its turn.
//!
//! The service has the checkpoint's engine answer. A test whose subject is not the model has recorded answers instead
//! (`tests/recorded`), and everything around them is still this service.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use maily_model::{Completion, Engine, EngineError, Event, Generate, LoadError, LoadOptions};

/// Who answers.
pub trait Answers: Send + Sync {
    /// Draws `request.n` candidates, tells `sink` of their text as it comes, and returns them in order, as
    /// [`Engine::generate`] does; a `sink` that breaks ends those that are unfinished as cancelled.
    ///
    /// # Errors
    /// The request can't be answered.
    fn generate(
        &self,
        request: &Generate,
        sink: &mut dyn FnMut(Event) -> ControlFlow<()>,
    ) -> Result<Vec<Completion>, EngineError>;
}

impl Answers for Engine {
    fn generate(
        &self,
        request: &Generate,
        sink: &mut dyn FnMut(Event) -> ControlFlow<()>,
    ) -> Result<Vec<Completion>, EngineError> {
        Engine::generate(self, request, sink)
    }
}

/// A loaded checkpoint, and who answers for it.
pub struct Model {
    /// Renders chats, counts tokens, and knows what the checkpoint is.
    pub engine: Arc<Engine>,
    /// Answers what was rendered.
    pub answers: Arc<dyn Answers>,
}

impl From<Arc<Engine>> for Model {
    fn from(engine: Arc<Engine>) -> Self {
        Self { answers: Arc::clone(&engine) as _, engine }
    }
}

/// Makes a [`Model`] of the path of a checkpoint; called once, on the model's thread.
pub(crate) type Loader = dyn Fn(&Path, &LoadOptions) -> Result<Model, LoadError> + Send + Sync;

/// The checkpoint's own engine answers.
pub(crate) fn by_the_engine(path: &Path, options: &LoadOptions) -> Result<Model, LoadError> {
    Engine::load(path, options).map(Arc::new).map(Model::from)
}
