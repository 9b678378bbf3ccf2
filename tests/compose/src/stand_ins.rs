//! The images of others that docker/compose names: pulled where that can be done, else made from packages.

use std::{fs, path::Path, process::Command};

use maily_testkit::cache;
use maily_tests::{peers::run, say};

use crate::{docker, root};

/// Repositories, the target in `stand-ins/Dockerfile`, and the program that it copies.
const ALL: [(&str, &str, Option<&str>); 6] = [
    ("restatedev/restate", "restate", Some("restate-server")),
    ("redis", "redis", None),
    ("hashicorp/vault", "vault", Some("vault")),
    ("otel/opentelemetry-collector", "collector", Some("otelcol")),
    ("prom/prometheus", "prometheus", None),
    ("versity/versitygw", "versitygw", Some("versitygw")),
];

/// Stand-ins that were made, gone afterwards.
pub struct StandIns(Vec<String>);

impl StandIns {
    /// Makes sure that Docker has each of these references that is not ours.
    ///
    /// # Panics
    /// One can neither be pulled nor made.
    #[must_use]
    pub fn ensure(references: &[String]) -> Self {
        let mut made = Self(Vec::new());
        for reference in references.iter().filter(|reference| !reference.starts_with("maily/")) {
            let there = docker::attempt(&["image", "inspect", "--format", "{{.Id}}", reference]).ok();
            if there || docker::attempt(&["pull", "--quiet", reference]).ok() {
                continue;
            }
            made.0.push(reference.clone());
            make(reference);
        }
        say(format_args!("made from packages: {}", made.0.join(", ")));
        made
    }
}

impl Drop for StandIns {
    fn drop(&mut self) {
        for reference in &self.0 {
            let _ = docker::attempt(&["image", "rm", "--force", reference]);
        }
    }
}

fn make(reference: &str) {
    let repository = reference.split(':').next().unwrap_or_default();
    let (_, target, program) = *ALL
        .iter()
        .find(|(name, ..)| *name == repository)
        .unwrap_or_else(|| panic!("{reference}: no stand-in is known"));
    // A link of each program, below the cache: some have a hundred megabytes.
    let context = cache::dir().join("images/stand-ins").join(target);
    fs::create_dir_all(context.join("programs")).unwrap();
    if let Some(program) = program {
        let from =
            if target == "restate" { cache::restate() } else { cache::dir().join("bin").join(program) };
        link(&from, &context.join("programs").join(program));
    }
    let file = root().join("tests/compose/stand-ins/Dockerfile");
    let mut build = Command::new(docker::client());
    build
        .env("DOCKER_BUILDKIT", "1")
        .args(["build", "--quiet", "--target", target, "--tag", reference, "--file"]);
    let _alone = maily_testkit::docker::build_alone().unwrap();
    let said = run(build.arg(file).arg(&context), b"");
    assert!(said.ok(), "{}", said.all());
}

fn link(from: &Path, to: &Path) {
    let _ = fs::remove_file(to);
    fs::hard_link(from, to)
        .or_else(|_| fs::copy(from, to).map(drop))
        .unwrap_or_else(|error| panic!("{}: {error}; `cargo xtask test` makes it", from.display()));
}
