//! The real servers that tests start: Vault and versitygw, built from their Go modules, Redis and Prometheus, from Debian's
//! packages, Azurite, from npm's. Once.

use std::{
    env,
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use maily_testkit::cache;

use crate::{
    fetch::{digests, find, folder, link, once},
    packages, patience,
    shell::{Result, root, say},
};

/// Redis, and of what it is linked to that which a small machine lacks.
const REDIS_PACKAGES: [&str; 5] = ["redis-server", "redis-tools", "libatomic1", "libjemalloc2", "liblzf1"];

/// What the program is built from; when none of it changed, it is not built again.
const VAULT_SOURCES: [&str; 5] = ["agent.go", "engines.go", "go.mod", "go.sum", "main.go"];

const VERSITYGW: &str = "github.com/versity/versitygw/cmd/versitygw@v1.8.0";
/// What Azurite is installed from: its version, and the digest of each package that it brings.
const AZURITE_SOURCES: [&str; 2] = ["package.json", "package-lock.json"];

/// A Vault core with what Maily uses of it. Vault's licence (BUSL) is why it is only ever built here, for tests.
pub(crate) fn vault() -> Result<()> {
    let sources = root().join("tests/peers/vault");
    once("vault", &digests(&sources, &VAULT_SOURCES)?, |program| {
        say("Building Vault for the tests (Go modules; about 5 minutes of both cores, once)");
        let mut go = Command::new("go");
        go.args(["build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o"]);
        patience::run(go.arg(program).arg(".").current_dir(sources))
    })
}

/// An S3-compatible store over a folder: of the tests of stores, and of the profile `s3` of compose.
pub(crate) fn versitygw() -> Result<()> {
    once("versitygw", VERSITYGW, |program| {
        say("Building versitygw for the tests (Go module, 2 minutes, once)");
        let mut go = Command::new("go");
        go.args(["install", "-trimpath", "-ldflags=-s -w", VERSITYGW]);
        patience::run(
            go.env("GOBIN", program.parent().unwrap_or(program)).current_dir(root().join("tests/compose")),
        )
    })
}

/// A stand-in for Azure Blob Storage. npm refuses a package with another digest than the lock has; no script of any is run.
pub(crate) fn azurite() -> Result<()> {
    let sources = root().join("tests/peers/azurite");
    let origin = digests(&sources, &AZURITE_SOURCES)?;
    let home = folder("azurite")?;
    let stamp = home.join("installed");
    if cache::azurite().exists() && fs::read_to_string(&stamp).is_ok_and(|installed| installed == origin) {
        return Ok(());
    }
    say("Installing Azurite for the tests (npm, 3.37.0 with 450 packages, once)");
    for name in AZURITE_SOURCES {
        fs::copy(sources.join(name), home.join(name)).map_err(|error| format!("{name}: {error}"))?;
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--silent", "--ignore-scripts", "--no-audit", "--no-fund"]);
    patience::run(npm.current_dir(&home)).map_err(|error| format!("{error}; it needs Node.js with npm"))?;
    fs::write(&stamp, origin).map_err(|error| format!("{}: {error}", stamp.display()))
}

/// The machine's Redis, or Debian's package.
pub(crate) fn redis() -> Result<()> {
    let program = cache::redis();
    if have(&program, "redis-server")? {
        return Ok(());
    }
    let home = packages::unpacked("redis", "Redis", &REDIS_PACKAGES, 1)?;
    let libraries = find(&home, "libjemalloc.so.2")?;
    let server = find(&home, "bin/redis-server")?;
    launcher(&program, libraries.parent().unwrap_or(&home), &server)
}

/// The same for Prometheus, which is linked to nothing.
pub(crate) fn prometheus() -> Result<()> {
    let program = cache::prometheus();
    if have(&program, "prometheus")? {
        return Ok(());
    }
    let home = packages::unpacked("prometheus", "Prometheus", &["prometheus"], 25)?;
    link(&find(&home, "bin/prometheus")?, &program)
}

/// Whether `program` is in the cache, or on this machine: then the cache names it.
fn have(program: &Path, name: &str) -> Result<bool> {
    if program.exists() {
        return Ok(true);
    }
    folder("bin")?;
    let found = on_path(name);
    found.map(|found| link(&found, program)).transpose().map(|linked| linked.is_some())
}

/// A program that starts `server` with the libraries that were unpacked beside it.
fn launcher(program: &Path, libraries: &Path, server: &Path) -> Result<()> {
    let text =
        format!("#!/bin/sh\nLD_LIBRARY_PATH='{}' exec '{}' \"$@\"\n", libraries.display(), server.display());
    let part = program.with_extension("part");
    let write = || {
        fs::write(&part, text)?;
        fs::set_permissions(&part, Permissions::from_mode(0o755))?;
        fs::rename(&part, program)
    };
    write().map_err(|error| format!("{}: {error}", program.display()))
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|dir| dir.join(name)).find(|program| program.is_file())
}
