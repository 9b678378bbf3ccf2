//! The JSON files of a Hugging Face folder, one at a time in the tiny model's folder.

use std::fs;

use tempfile::TempDir;

use super::{Kind, Target, model::opened};
use crate::corpus::sample;

/// The tiny model of maily-model's tests.
pub(super) const TINY: &str = "libs/model/tests/data/tiny";

/// What such files say.
const WORDS: &[&str] = &[
    "null",
    "true",
    "[]",
    "{}",
    "\"\"",
    "\"type\":",
    "\"ByteLevel\"",
    "\"BPE\"",
    "\"Sequence\"",
    "\"Split\"",
    "\"Regex\"",
    "\"pattern\":",
    "\"vocab\":",
    "\"merges\":",
    "\"added_tokens\":",
    "\"special\":",
    "\"eos_token\":",
    "\"normalizer\":",
    "\"Prepend\"",
    "\"TemplateProcessing\"",
    "\"id\":",
    "\"content\":",
    "-1",
    "1e400",
    "\"(a+)+$\"",
    "\"(?=a)*\"",
    "\\ud800",
];

/// Each of them.
pub(super) const ALL: [Kind; 4] = [
    Kind {
        seeds: || Ok(vec![sample(&format!("{TINY}/tokenizer.json"))?]),
        make: || made("tokenizer.json"),
        ..kind("tokenizer", "tokenizer.json (maily_model)")
    },
    Kind {
        seeds: || Ok(vec![sample(&format!("{TINY}/config.json"))?]),
        make: || made("config.json"),
        ..kind("config", "config.json of a checkpoint (maily_model)")
    },
    Kind {
        seeds: || Ok(vec![sample(&format!("{TINY}/tokenizer_config.json"))?]),
        make: || made("tokenizer_config.json"),
        ..kind("special", "tokenizer_config.json (maily_model)")
    },
    Kind {
        seeds: || Ok(vec![sample(&format!("{TINY}/model.safetensors.index.json"))?]),
        make: || made("model.safetensors.index.json"),
        ..kind("index", "model.safetensors.index.json (maily_model)")
    },
];

const fn kind(name: &'static str, what: &'static str) -> Kind {
    Kind {
        name,
        what,
        dictionary: WORDS,
        longest: 32 << 10,
        runs: 300,
        seeds: || Ok(Vec::new()),
        make: || made(""),
    }
}

fn made(file: &'static str) -> Result<Box<dyn Target>, String> {
    Ok(Box::new(Folder { folder: copy()?, file }))
}

/// A copy of the tiny folder, for one who writes into it.
pub(super) fn copy() -> Result<TempDir, String> {
    let said = |error: std::io::Error| format!("{TINY}: {error}");
    let folder = tempfile::tempdir().map_err(said)?;
    for entry in fs::read_dir(maily_testkit::workspace().join(TINY)).map_err(said)?.flatten() {
        fs::copy(entry.path(), folder.path().join(entry.file_name())).map_err(said)?;
    }
    Ok(folder)
}

struct Folder {
    folder: TempDir,
    file: &'static str,
}

impl Target for Folder {
    fn run(&mut self, input: &[u8]) -> String {
        match fs::write(self.folder.path().join(self.file), input) {
            Ok(()) => opened(self.folder.path()),
            Err(error) => error.to_string(),
        }
    }

    /// The library panics on some tokenizers, which maily_model refuses.
    fn catches(&self) -> bool {
        self.file == "tokenizer.json"
    }
}
