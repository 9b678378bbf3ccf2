//! The configuration itself: format, types, linters, and every `terraform test`.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests, where a panic is the failure"
)]

mod folders;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::Command,
};

use maily_terraform_tests::{
    copy::Copy,
    providers::{AZURERM, STUBS, attached, keep_azurerm, keep_stubs},
    repository,
    run::{run, terraform},
    say,
};
use maily_testkit::cache;
use serde_json::Value;

#[test]
#[ignore = "the keeper of the Azure provider, started by the tests that use it"]
fn keep_the_azure_provider() {
    keep_azurerm();
}

#[test]
#[ignore = "the keeper of the stubs of AWS' and Google's providers, started by the tests that use them"]
fn keep_the_provider_stubs() {
    keep_stubs();
}

#[test]
fn every_file_is_formatted() {
    let tree = repository().join("terraform");
    let ended = run(&mut terraform(&tree, &["fmt", "-check", "-recursive", "-diff"]));
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
}

#[test]
fn azure_roots_are_valid_with_the_real_provider() {
    let cloud = |root: &Path| !root.ends_with("aws") && !root.ends_with("gcp");
    roots_are_valid(cloud, &AZURERM.lease());
}

#[test]
fn aws_roots_are_valid() {
    roots_are_valid(|root| root.ends_with("aws"), &STUBS.lease());
}

#[test]
fn google_roots_are_valid() {
    roots_are_valid(|root| root.ends_with("gcp"), &STUBS.lease());
}

/// The six of a cloud, and with them every module that they call.
fn roots_are_valid(cloud: impl Fn(&Path) -> bool, providers: &str) {
    let copy = Copy::new();
    let mut roots = configurations(&copy.tree().join("environments"));
    roots.retain(|root| cloud(root));
    assert_eq!(roots.len(), 6, "{roots:?}");
    for dir in &roots {
        let mut init = terraform(dir, &["init", "-backend=false", "-input=false", "-no-color"]);
        let _ = run(attached(&mut init, providers)).expect(0);
        let ended = run(attached(&mut terraform(dir, &["validate", "-no-color"]), providers)).expect(0);
        assert!(!ended.out.contains("Warning"), "{}: {}", dir.display(), ended.out);
    }
}

/// So every module is valid where all roots are.
#[test]
fn every_module_is_called_by_a_root() {
    let copy = Copy::new();
    let mut called = BTreeSet::new();
    for dir in configurations(&copy.tree().join("environments")) {
        let _ = run(&mut terraform(&dir, &["get", "-no-color"])).expect(0);
        called.extend(modules(&dir));
    }
    let all: BTreeSet<_> = configurations(&copy.tree().join("modules")).into_iter().collect();
    assert_eq!(all.difference(&called).collect::<Vec<_>>(), Vec::<&PathBuf>::new(), "called by no root");
}

/// The modules that a root calls, as Terraform has found them.
fn modules(dir: &Path) -> Vec<PathBuf> {
    let text = std::fs::read_to_string(dir.join(".terraform/modules/modules.json")).unwrap();
    let found: Value = serde_json::from_str(&text).unwrap();
    let places = found["Modules"].as_array().unwrap().iter().filter_map(|module| module["Dir"].as_str());
    places.filter(|place| *place != ".").map(|place| dir.join(place).canonicalize().unwrap()).collect()
}

#[test]
fn checkov_finds_nothing_that_has_no_reason() {
    // The environments are the modules again, three times.
    let tree = repository().join("terraform/modules");
    let mut command = Command::new(cache::needed(cache::checkov()));
    command.args(["--framework", "terraform", "--compact", "--quiet", "--output", "json"]);
    command.args(["--skip-download", "--download-external-modules", "false", "--directory"]).arg(&tree);
    let ended = run(&mut command);
    let report = ended.json();
    let summary = &report["summary"];
    say(format_args!("checkov: {} passed, {} skipped with a reason", summary["passed"], summary["skipped"]));
    assert_eq!((ended.code, summary["failed"].as_u64()), (0, Some(0)), "{}", ended.out);
    assert!(summary["passed"].as_u64() > Some(100), "{summary}");
    assert_eq!(summary["parsing_errors"], 0);
}

#[test]
fn tflint_finds_nothing() {
    let tflint = cache::needed(cache::tflint());
    let tree = repository().join("terraform");
    for dir in [configurations(&tree.join("modules")), configurations(&tree.join("environments"))].concat() {
        let ended = run(Command::new(&tflint).arg("--no-color").arg(format!("--chdir={}", dir.display())));
        assert_eq!(ended.code, 0, "{}: {}{}", dir.display(), ended.out, ended.err);
    }
}

/// Every folder below with a configuration; tests' own are not ours to ship.
fn configurations(tree: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![tree.canonicalize().unwrap()];
    while let Some(folder) = folders.pop() {
        let paths: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        if paths.iter().any(|path| path.extension().is_some_and(|extension| extension == "tf")) {
            found.push(folder);
        }
        let below = paths.into_iter().filter(|path| path.is_dir());
        folders.extend(below.filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            !name.starts_with('.') && name != "tests"
        }));
    }
    found.sort();
    found
}
