//! The one folder where everything fetched or built for Maily is kept: `~/.cache/maily`, or `MAILY_CACHE`.

use std::{env, path::PathBuf};

/// The cache folder.
#[must_use]
pub fn dir() -> PathBuf {
    let home = || PathBuf::from(env::var_os("HOME").unwrap_or_else(|| "/root".into())).join(".cache/maily");
    env::var_os("MAILY_CACHE").map_or_else(home, PathBuf::from)
}

/// The local model: SmolLM2-135M-Instruct, unless `MAILY_MODEL` names another checkpoint.
#[must_use]
pub fn model() -> PathBuf {
    let fetched = || dir().join("models/SmolLM2-135M-Instruct.gguf");
    env::var_os("MAILY_MODEL").map_or_else(fetched, PathBuf::from)
}

/// The Restate server, as its npm package lays it out.
#[must_use]
pub fn restate() -> PathBuf {
    let platform = match env::consts::ARCH {
        "aarch64" => "linux-arm64",
        _ => "linux-x64",
    };
    dir().join(format!("npm/node_modules/@restatedev/restate-server-{platform}/bin/restate-server"))
}

/// The Vault core of the tests, built from `tests/peers/vault`.
#[must_use]
pub fn vault() -> PathBuf {
    dir().join("bin/vault")
}

/// The Redis server of the tests: the machine's, or that of Debian's package.
#[must_use]
pub fn redis() -> PathBuf {
    dir().join("bin/redis-server")
}

/// The Prometheus of the tests: the machine's, or that of Debian's package.
#[must_use]
pub fn prometheus() -> PathBuf {
    dir().join("bin/prometheus")
}

/// prometheus-adapter, which the cluster's programs are built with.
#[must_use]
pub fn adapter() -> PathBuf {
    dir().join("cluster/bin/adapter")
}
