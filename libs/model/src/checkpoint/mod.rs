//! Reads checkpoints: what the model is like, its tokenizer and template, and where its weights lie.
//!
//! [`gguf`] and [`hugging_face`] find the tensors; [`store`] reads their rows as `f32`, undoing what the format did to
//! them, so that the model sees one layout whatever it was loaded from.

mod config;
mod gguf;
mod gguf_file;
mod hugging_face;
mod quant;
mod store;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

pub(crate) use config::{Config, Fault};
pub(crate) use gguf::Head;
pub(crate) use store::{RowOrder, Stored};

use crate::error::LoadError;
use crate::template::ChatTemplate;
use crate::tokenizer::Tokenizer;

/// What is supported, for messages.
const ARCHITECTURES: &str = "llama";

/// One weight of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Part {
    /// A vector for each token.
    Embedding,
    /// The gains of the last norm.
    FinalNorm,
    /// The scores of each token; absent where it is the embedding.
    Head,
    /// The gains of a layer's first norm.
    AttentionNorm(usize),
    /// Queries.
    Query(usize),
    /// Keys.
    Key(usize),
    /// Values.
    Value(usize),
    /// What attention gives back.
    Output(usize),
    /// The gains of a layer's second norm.
    FeedForwardNorm(usize),
    /// The gate of the feed-forward part.
    Gate(usize),
    /// What is gated.
    Up(usize),
    /// What the feed-forward part gives back.
    Down(usize),
}

impl Part {
    /// All that a model with `layers` layers may have.
    fn all(layers: usize) -> impl Iterator<Item = Self> {
        [Self::Embedding, Self::FinalNorm, Self::Head].into_iter().chain((0..layers).flat_map(|l| {
            [
                Self::AttentionNorm(l),
                Self::Query(l),
                Self::Key(l),
                Self::Value(l),
                Self::Output(l),
                Self::FeedForwardNorm(l),
                Self::Gate(l),
                Self::Up(l),
                Self::Down(l),
            ]
        }))
    }

    /// How many rows and columns it must have.
    fn shape(self, config: &Config) -> (usize, usize) {
        let (hidden, keys) = (config.hidden, config.kv_heads * config.head_dim);
        match self {
            Self::Embedding | Self::Head => (config.vocabulary, hidden),
            Self::FinalNorm | Self::AttentionNorm(_) | Self::FeedForwardNorm(_) => (1, hidden),
            Self::Query(_) => (config.heads * config.head_dim, hidden),
            Self::Key(_) | Self::Value(_) => (keys, hidden),
            Self::Output(_) => (hidden, config.heads * config.head_dim),
            Self::Gate(_) | Self::Up(_) => (config.feed_forward, hidden),
            Self::Down(_) => (hidden, config.feed_forward),
        }
    }
}

/// A tensor that no weight is read from, though `is_known` does not say that nothing is lost by it: a norm of queries, a
/// bias or an adapter, without which the model would write something else than it was made to.
fn unread<'a>(
    tensors: impl Iterator<Item = &'a String>,
    layers: usize,
    name: impl Fn(Part) -> String,
    is_known: impl Fn(&str) -> bool,
) -> Option<String> {
    let read: HashSet<String> = Part::all(layers).map(name).collect();
    let unread = tensors.filter(|tensor| !read.contains(*tensor) && !is_known(tensor)).min();
    unread.map(|tensor| format!("the tensor {tensor:?}"))
}

/// A checkpoint whose head has been read and whose weights can be.
pub(crate) struct Checkpoint {
    /// The file or folder, for messages.
    pub(crate) path: PathBuf,
    /// `general.name`, or the name of the file or folder.
    pub(crate) name: String,
    /// The model's measures.
    pub(crate) config: Config,
    /// Its tokenizer.
    pub(crate) tokenizer: Tokenizer,
    /// Its chat template, if it brings one.
    pub(crate) template: Option<ChatTemplate>,
    parts: HashMap<Part, Stored>,
}

impl Checkpoint {
    /// Opens a `.gguf` file or a Hugging Face folder.
    pub(crate) fn open(path: &Path) -> Result<Self, LoadError> {
        let meta = std::fs::metadata(path).map_err(|source| LoadError::Io { path: path.into(), source })?;
        let checkpoint = if meta.is_dir() { hugging_face::open(path)? } else { gguf_file::open(path)? };
        checkpoint.check()?;
        Ok(checkpoint)
    }

    /// The weight, if the checkpoint has it.
    pub(crate) fn get(&self, part: Part) -> Option<&Stored> {
        self.parts.get(&part)
    }

    /// The weight, which [`Self::open`] has found to be there.
    pub(crate) fn need(&self, part: Part) -> Result<&Stored, LoadError> {
        self.get(part).ok_or_else(|| self.invalid(format!("the weight {part:?} is missing")))
    }

    /// How many weights there are.
    pub(crate) fn parameters(&self) -> u64 {
        self.parts.values().map(|s| s.info.rows as u64 * s.info.columns as u64).sum()
    }

    /// How most weights are stored.
    pub(crate) fn quantisation(&self) -> String {
        let mut sizes: HashMap<quant::Kind, u64> = HashMap::new();
        for stored in self.parts.values() {
            *sizes.entry(stored.info.kind).or_default() +=
                stored.info.rows as u64 * stored.info.columns as u64;
        }
        sizes.into_iter().max_by_key(|&(kind, size)| (size, kind)).map_or("", |(kind, _)| kind.name()).into()
    }

    /// FNV-1a over each weight's shape and first and last rows, and over the vocabulary: tells checkpoints apart,
    /// and withstands no attack.
    pub(crate) fn fingerprint(&self) -> Result<String, LoadError> {
        let mut parts: Vec<_> = self.parts.iter().collect();
        parts.sort_by_key(|(part, _)| **part);
        let mut hash = Fnv(0xcbf2_9ce4_8422_2325);
        hash.write(self.name.as_bytes());
        for id in 0..self.tokenizer.len() as u32 {
            hash.write(self.tokenizer.bytes(id));
        }
        for (part, stored) in parts {
            hash.write(format!("{part:?} {:?}", stored.shape()).as_bytes());
            for row in [0, stored.info.rows - 1] {
                hash.write(&stored.raw_row(row).map_err(|source| self.io(source))?);
            }
        }
        Ok(format!("{:016x}", hash.0))
    }

    /// An error about this checkpoint.
    pub(crate) fn invalid(&self, reason: impl Into<String>) -> LoadError {
        LoadError::Invalid { path: self.path.clone(), reason: reason.into() }
    }

    /// An error of reading this checkpoint.
    pub(crate) fn io(&self, source: std::io::Error) -> LoadError {
        LoadError::Io { path: self.path.clone(), source }
    }

    fn check(&self) -> Result<(), LoadError> {
        for part in Part::all(self.config.layers) {
            let Some(stored) = self.get(part) else {
                if part == Part::Head {
                    continue;
                }
                return Err(self.invalid(format!("the weight {part:?} is missing")));
            };
            if stored.shape() != part.shape(&self.config) {
                return Err(self.invalid(format!(
                    "the weight {part:?} is {:?}, the configuration says {:?}",
                    stored.shape(),
                    part.shape(&self.config)
                )));
            }
        }
        if self.tokenizer.len() > self.config.vocabulary {
            return Err(self.invalid("the tokenizer has more tokens than the model"));
        }
        Ok(())
    }
}

struct Fnv(u64);

impl Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}
