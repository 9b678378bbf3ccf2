//! What other people's tools say to every rendered overlay: Kubernetes' own schemas, and checkov.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::{fs, path::PathBuf, process::Command};

use maily_cluster_tests::{
    manifests::{ENVIRONMENTS, objects, tagged, text},
    root, run,
};
use maily_testkit::cache;
use maily_tests::say;

/// As old as the cluster that the tests run, and the newest that the package knows.
const VERSIONS: [&str; 2] = ["1.33", "1.37"];

/// The overlays, as a deployment renders them.
fn files() -> (tempfile::TempDir, Vec<(&'static str, PathBuf)>) {
    // Not a hidden folder: checkov looks into none.
    let dir = tempfile::Builder::new().prefix("maily-").tempdir().unwrap();
    let write = |environment| {
        let file = dir.path().join(format!("{environment}.yaml"));
        fs::write(&file, tagged(&text(environment))).unwrap();
        (environment, file)
    };
    let files = ENVIRONMENTS.into_iter().map(write).collect();
    (dir, files)
}

#[test]
fn every_object_fits_its_schema() {
    let (_dir, files) = files();
    for version in VERSIONS {
        let validate = |file: &PathBuf| {
            let mut program = Command::new(cache::needed(cache::kubernetes_validate()));
            run(program.args(["--strict", "--kubernetes-version", version]).arg(file))
        };
        for (environment, file) in &files {
            let said = validate(file).ok();
            let passed = said.lines().filter(|line| line.contains(" passed for resource ")).count();
            let unknown = objects(environment).iter().filter(|object| object["kind"] == "PodMonitor").count();
            assert_eq!(passed + unknown, objects(environment).len(), "{environment}, {version}: {said}");
        }
        let wrong = files[0].1.with_file_name("wrong.yaml");
        fs::write(&wrong, fs::read_to_string(&files[0].1).unwrap().replace("replicas:", "replicass:"))
            .unwrap();
        let said = validate(&wrong).failed();
        assert!(said.contains("replicass"), "{said}");
    }
}

#[test]
fn checkov_finds_nothing_that_is_not_explained() {
    let (dir, _) = files();
    let mut checkov = Command::new(cache::needed(cache::checkov()));
    checkov
        .arg("--config-file")
        .arg(root().join("k8s/checkov.yaml"))
        .args(["--skip-download", "--directory"]);
    let said = run(checkov.arg(dir.path()).args(["--output", "json"])).ok();
    let report: serde_json::Value =
        serde_json::from_str(said.split_at(said.find('{').unwrap()).1.trim()).unwrap();
    let (passed, failed) = (&report["summary"]["passed"], &report["summary"]["failed"]);
    say(format_args!("checkov: {passed} passed, {failed} failed"));
    assert!(passed.as_u64().unwrap() > 1000 && failed == 0, "{report}");
}
