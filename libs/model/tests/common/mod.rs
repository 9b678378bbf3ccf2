//! What the tests share: the local model, which `cargo xtask test` fetches.

#![allow(dead_code, unreachable_pub, reason = "each test program uses its part")]

use std::path::PathBuf;
use std::sync::OnceLock;

use maily_model::{Engine, LoadOptions};

maily_template::worker_of_tests!();

/// The path of SmolLM2-135M-Instruct.
pub fn model_path() -> PathBuf {
    if let Some(path) = std::env::var_os("MAILY_MODEL") {
        return path.into();
    }
    let cache = std::env::var_os("MAILY_CACHE").map(PathBuf::from);
    let home = || std::env::home_dir().map(|home| home.join(".cache/maily"));
    let path = cache.or_else(home).unwrap_or_default().join("models/SmolLM2-135M-Instruct.gguf");
    assert!(path.exists(), "{} is missing: run `cargo xtask test`, which fetches it", path.display());
    path
}

/// The local model, loaded once per test program.
pub fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| {
        Engine::load(&model_path(), &LoadOptions::default()).unwrap_or_else(|e| panic!("{e}"))
    })
}

/// A file of the committed test data: tests run in their package's folder.
pub fn data(name: &str) -> PathBuf {
    PathBuf::from("tests/data").join(name)
}
