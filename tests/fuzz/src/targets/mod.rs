//! What is fuzzed: each target reads what others wrote, through what its crate has for everybody.

mod campaign;
mod faulty;
mod guardrails;
mod hugging_face;
mod law;
mod list;
mod model;
mod storage;
mod template;
mod unsubscribe;

/// Something that reads inputs.
pub trait Target {
    /// Reads one, and answers what it says of it; a new answer is a reason to keep the input.
    fn run(&mut self, input: &[u8]) -> String;

    /// Whether it catches panics of a library and refuses what they were about: then a panic that ends no run is no finding.
    fn catches(&self) -> bool {
        false
    }
}

/// A target that can be made.
pub struct Kind {
    /// Its name, and that of its corpus.
    pub name: &'static str,
    /// What it reads.
    pub what: &'static str,
    /// Words that it knows.
    pub dictionary: &'static [&'static str],
    /// The most bytes of an input.
    pub longest: usize,
    /// How many runs CI does: some two seconds.
    pub runs: u64,
    /// Inputs that are elsewhere in the repository.
    pub seeds: fn() -> Result<Vec<Vec<u8>>, String>,
    /// Makes it, once for a process.
    pub make: fn() -> Result<Box<dyn Target>, String>,
}

/// Every target.
pub fn all() -> impl Iterator<Item = &'static Kind> {
    let single = [&law::ROW, &law::ADDRESS, &list::LIST, &unsubscribe::UNSUBSCRIBE, &storage::S3];
    let mail = [&campaign::SETTINGS, &campaign::MIME, &template::PROMPT, &template::CHAT];
    let rails = [&guardrails::FOLDER, &guardrails::RAILS];
    single
        .into_iter()
        .chain(mail)
        .chain(rails)
        .chain([&model::GGUF, &model::SAFETENSORS])
        .chain(&hugging_face::ALL)
}

/// The target of a name.
///
/// # Errors
/// There is none.
pub fn named(name: &str) -> Result<&'static Kind, String> {
    let known = all().chain(&faulty::ALL).find(|kind| kind.name == name);
    known.ok_or_else(|| {
        let names: Vec<_> = all().map(|kind| kind.name).collect();
        format!("no target is called {name}; there are {}", names.join(", "))
    })
}

/// A text of an input, whatever it is.
fn text(input: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(input)
}

/// A runtime as a service has one.
fn runtime() -> Result<tokio::runtime::Runtime, String> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().map_err(|error| error.to_string())
}
