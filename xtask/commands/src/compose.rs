//! What the tests of docker/compose and scripts/ need: Docker, both of its composes (Debian's docker-compose and `docker
//! compose`), shellcheck, and the programs for stand-ins of the images that can't be pulled everywhere.

use std::{fs, process::Command};

use crate::{
    fetch::{digests, find, folder, once},
    images::docker,
    packages, patience, servers,
    shell::{Result, root, say},
};

const PACKAGES: [(&str, &str); 3] = [
    ("docker-compose", "/usr/bin/docker-compose"),
    ("shellcheck", "/usr/bin/shellcheck"),
    ("curl", "/usr/bin/curl"),
];
/// What the collector is built from.
const COLLECTOR: [&str; 3] = ["go.mod", "go.sum", "main.go"];

/// Makes sure that all of it is there.
pub(crate) fn for_tests() -> Result<()> {
    packages::missing(&PACKAGES)?;
    docker::ready_to_build()?;
    servers::versitygw()?;
    collector()?;
    compose_v2()?;
    registry()
}

/// Where the tests push images to.
fn registry() -> Result<()> {
    let program = folder("bin")?.join("docker-registry");
    if program.exists() {
        return Ok(());
    }
    let home = packages::unpacked("registry", "a registry", &["docker-registry"], 5)?;
    let unpacked = find(&home, "bin/docker-registry")?;
    fs::rename(unpacked, &program).map_err(|error| format!("{}: {error}", program.display()))
}

/// The OpenTelemetry collector of the profile `otlp`.
fn collector() -> Result<()> {
    let sources = root().join("tests/compose/collector");
    once("otelcol", &digests(&sources, &COLLECTOR)?, |program| {
        say("Building the OpenTelemetry collector for the tests (Go modules, 2 minutes, once)");
        let mut go = Command::new("go");
        go.args(["build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o"]);
        // Static: nothing else is in the image.
        patience::run(go.arg(program).arg(".").env("CGO_ENABLED", "0").current_dir(sources))
    })
}

/// `docker compose`, as a plugin in a folder that only the tests know: what a developer has in `~/.docker` stays.
fn compose_v2() -> Result<()> {
    let sources = root().join("tests/compose/program");
    once("docker-config/cli-plugins/docker-compose", &digests(&sources, &["go.sum"])?, |program| {
        say("Building docker compose v2 for the tests (Go modules, 2 minutes, once)");
        let mut go = Command::new("go");
        go.args(["build", "-trimpath", "-buildvcs=false"]);
        go.args(["-ldflags=-s -w -X github.com/docker/compose/v2/internal.Version=v2.40.3", "-o"]);
        patience::run(
            go.arg(program)
                .arg("github.com/docker/compose/v2/cmd")
                .env("CGO_ENABLED", "0")
                .current_dir(sources),
        )
    })
}
