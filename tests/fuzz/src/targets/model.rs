//! Headers of checkpoints: GGUF, and safetensors.

use std::{fs, path::Path};

use maily_model::{ChatMessage, Engine, LoadOptions};
use tempfile::TempDir;

use super::{Kind, Target, hugging_face};
use crate::corpus::sample;

const SHARD: &str = "model-00003-of-00003.safetensors";

/// What the engine says of a checkpoint, its tokenizer and its template included.
pub(super) fn opened(path: &Path) -> String {
    match Engine::load_without_weights(path, &LoadOptions::default()) {
        Err(error) => error.to_string().replace(&*path.to_string_lossy(), ""),
        Ok(engine) => {
            let tokens = engine.tokenizer().encode("Hello, wörld!\n<s>", true);
            let text = engine.tokenizer().decode(&tokens);
            let chat = engine.render_chat(&[ChatMessage { role: "user".into(), content: "Hi".into() }]);
            let chat = chat.map_or_else(|error| error.to_string(), |text| text.is_empty().to_string());
            format!("{} {} {chat}", engine.info().quantisation, text.is_empty())
        }
    }
}

/// A GGUF file.
pub(super) const GGUF: Kind = Kind {
    name: "gguf",
    what: "a GGUF file: header, tensors, tokenizer (maily_model)",
    dictionary: &[
        "general.architecture",
        "general.alignment",
        "llama.block_count",
        "llama.rope.freq_base",
        "llama.attention.head_count_kv",
        "tokenizer.ggml.tokens",
        "tokenizer.ggml.merges",
        "tokenizer.ggml.token_type",
        "tokenizer.ggml.bos_token_id",
        "tokenizer.chat_template",
        "split.count",
        "blk.0.",
        "output.weight",
        "gpt2",
        "GGUF",
    ],
    longest: 64 << 10,
    runs: 1_500,
    seeds: || Ok(Vec::new()),
    make: || Ok(Box::new(Gguf { folder: tempfile::tempdir().map_err(|error| error.to_string())? })),
};

struct Gguf {
    folder: TempDir,
}

impl Target for Gguf {
    fn run(&mut self, input: &[u8]) -> String {
        let path = self.folder.path().join("model.gguf");
        match fs::write(&path, input) {
            Ok(()) => opened(&path),
            Err(error) => error.to_string(),
        }
    }
}

/// The header of a shard; its weights stay.
pub(super) const SAFETENSORS: Kind = Kind {
    name: "safetensors",
    what: "the header of a safetensors file (maily_model)",
    dictionary: &[
        "\"dtype\":\"F32\"",
        "\"BF16\"",
        "\"F16\"",
        "\"I64\"",
        "\"shape\":[0]",
        "\"data_offsets\":[0,0]",
        "__metadata__",
        "lm_head.weight",
        "{",
        "}",
        ":",
        ",",
    ],
    longest: 16 << 10,
    runs: 500,
    seeds: || Ok(vec![split()?.0]),
    make: || Ok(Box::new(Safetensors { folder: hugging_face::copy()?, weights: split()?.1 })),
};

struct Safetensors {
    folder: TempDir,
    weights: Vec<u8>,
}

impl Target for Safetensors {
    fn run(&mut self, input: &[u8]) -> String {
        match fs::write(self.folder.path().join(SHARD), [input, &self.weights].concat()) {
            Ok(()) => opened(self.folder.path()),
            Err(error) => error.to_string(),
        }
    }
}

/// A shard's header, its length before it, and what follows.
fn split() -> Result<(Vec<u8>, Vec<u8>), String> {
    let mut header = sample(&format!("{}/{SHARD}", hugging_face::TINY))?;
    let mut length = [0; 8];
    length.copy_from_slice(header.get(..8).ok_or("the shard is too short")?);
    let end = usize::try_from(u64::from_le_bytes(length)).unwrap_or(usize::MAX).saturating_add(8);
    if end > header.len() {
        return Err("the shard is too short".into());
    }
    let weights = header.split_off(end);
    Ok((header, weights))
}
