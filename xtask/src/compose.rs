//! What the tests of docker/compose and scripts/ need: Docker, both of its composes (Debian's docker-compose and `docker
//! compose`), shellcheck, and the programs for stand-ins of the images that can't be pulled everywhere.

use std::{fs, path::Path, process::Command};

use crate::{
    fetch::{find, folder, sha256},
    images::docker,
    packages,
    shell::{Result, root, run, say},
};

const PACKAGES: [(&str, &str); 3] = [
    ("docker-compose", "/usr/bin/docker-compose"),
    ("shellcheck", "/usr/bin/shellcheck"),
    ("curl", "/usr/bin/curl"),
];
const VERSITYGW: &str = "github.com/versity/versitygw/cmd/versitygw@v1.8.0";
/// What the collector is built from.
const COLLECTOR: [&str; 3] = ["go.mod", "go.sum", "main.go"];

/// Makes sure that all of it is there.
pub(crate) fn for_tests() -> Result<()> {
    packages::missing(&PACKAGES)?;
    docker::ready_to_build()?;
    versitygw()?;
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
    say(
        "Fetching a registry for the tests (Debian package docker-registry, 5 MB, once; nothing is installed)",
    );
    let home = folder("registry")?;
    packages::unpack(&["docker-registry"], &home)?;
    let unpacked = find(&home, "bin/docker-registry")?;
    fs::rename(unpacked, &program).map_err(|error| format!("{}: {error}", program.display()))
}

/// The S3-compatible store of the profile `s3`.
fn versitygw() -> Result<()> {
    once("versitygw", VERSITYGW, |program| {
        say("Building versitygw for the tests (Go module, 2 minutes, once)");
        let mut go = Command::new("go");
        go.args(["install", "-trimpath", "-ldflags=-s -w", VERSITYGW]);
        run(go.env("GOBIN", program.parent().unwrap_or(program)).current_dir(root().join("tests/compose")))
    })
}

/// The OpenTelemetry collector of the profile `otlp`.
fn collector() -> Result<()> {
    let sources = root().join("tests/compose/collector");
    let digests: Result<Vec<String>> = COLLECTOR.iter().map(|name| sha256(&sources.join(name))).collect();
    once("otelcol", &digests?.join("\n"), |program| {
        say("Building the OpenTelemetry collector for the tests (Go modules, 2 minutes, once)");
        let mut go = Command::new("go");
        go.args(["build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o"]);
        // Static: nothing else is in the image.
        run(go.arg(program).arg(".").env("CGO_ENABLED", "0").current_dir(sources))
    })
}

/// `docker compose`, as a plugin in a folder that only the tests know: what a developer has in `~/.docker` stays.
fn compose_v2() -> Result<()> {
    let sources = root().join("tests/compose/program");
    let origin = sha256(&sources.join("go.sum"))?;
    once("docker-config/cli-plugins/docker-compose", &origin, |program| {
        say("Building docker compose v2 for the tests (Go modules, 2 minutes, once)");
        let mut go = Command::new("go");
        go.args(["build", "-trimpath", "-buildvcs=false"]);
        go.args(["-ldflags=-s -w -X github.com/docker/compose/v2/internal.Version=v2.40.3", "-o"]);
        run(go
            .arg(program)
            .arg("github.com/docker/compose/v2/cmd")
            .env("CGO_ENABLED", "0")
            .current_dir(sources))
    })
}

/// Builds a program into the cache, unless it is there and of the same origin.
fn once(name: &str, origin: &str, build: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let bin = folder("bin")?;
    let (program, stamp) = (bin.join(name), bin.join(format!("{}.sources", name.replace('/', "-"))));
    if program.exists() && fs::read_to_string(&stamp).is_ok_and(|built| built == origin) {
        return Ok(());
    }
    if let Some(place) = program.parent() {
        fs::create_dir_all(place).map_err(|error| format!("{}: {error}", place.display()))?;
    }
    build(&program).map_err(|error| format!("{error}; the tests need Go 1.26"))?;
    fs::write(&stamp, origin).map_err(|error| format!("{}: {error}", stamp.display()))
}
