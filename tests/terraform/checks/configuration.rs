//! The configuration itself: format, types, linters, and every `terraform test`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests, where a panic is the failure")]

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::Command,
};

use maily_terraform_tests::{
    copy::Copy,
    part, repository,
    run::{run, terraform, xtask},
    say,
};
use serde_json::Value;

/// The floor for all of `terraform test` together.
const RUNS: u64 = 150;

#[test]
fn every_file_is_formatted() {
    let tree = repository().join("terraform");
    let ended = run(&mut terraform(&tree, &["fmt", "-check", "-recursive", "-diff"]));
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
}

/// Every root, and with it every module: each is called by one.
#[test]
fn every_root_is_valid_with_the_real_provider() {
    let (azure, stubs) = (part("MAILY_AZURERM").is_some(), part("MAILY_TERRAFORM_STUBS").is_some());
    let copy = Copy::new();
    let mut roots = configurations(&copy.tree().join("environments"));
    assert_eq!(roots.len(), 18, "{roots:?}");
    roots.retain(|dir| if dir.ends_with("aws") || dir.ends_with("gcp") { stubs } else { azure });
    let mut called = BTreeSet::new();
    for dir in &roots {
        let _ = run(&mut terraform(dir, &["init", "-backend=false", "-input=false", "-no-color"])).expect(0);
        let ended = run(&mut terraform(dir, &["validate", "-no-color"])).expect(0);
        assert!(!ended.out.contains("Warning"), "{}: {}", dir.display(), ended.out);
        called.extend(modules(dir));
    }
    if azure && stubs {
        let all: BTreeSet<_> = configurations(&copy.tree().join("modules")).into_iter().collect();
        assert_eq!(all.difference(&called).collect::<Vec<_>>(), Vec::<&PathBuf>::new(), "called by no root");
    }
    say(format_args!("{} roots and {} modules are valid", roots.len(), called.len()));
}

/// The modules that a root calls, as `terraform init` has found them.
fn modules(dir: &Path) -> Vec<PathBuf> {
    let text = std::fs::read_to_string(dir.join(".terraform/modules/modules.json")).unwrap();
    let found: Value = serde_json::from_str(&text).unwrap();
    let places = found["Modules"].as_array().unwrap().iter().filter_map(|module| module["Dir"].as_str());
    places.filter(|place| *place != ".").map(|place| dir.join(place).canonicalize().unwrap()).collect()
}

/// As many of them as this machine has providers for.
#[test]
fn every_terraform_test_passes() {
    let (azure, stubs) = (part("MAILY_AZURERM").is_some(), part("MAILY_TERRAFORM_STUBS").is_some());
    let clouds: &[&[&str]] = match (azure, stubs) {
        (true, true) => &[&["test"]],
        (true, false) => &[&["test", "--cloud", "azure"]],
        (false, true) => &[&["test", "--cloud", "aws"], &["test", "--cloud", "gcp"]],
        (false, false) => return,
    };
    let copy = Copy::new();
    for arguments in clouds {
        let ended = run(&mut xtask(&copy.tree(), arguments)).expect(0);
        say(ended.out.trim());
        let passed = ended.out.split(" runs passed").next().and_then(|number| number.trim().parse().ok());
        let floor = if azure && stubs { RUNS } else { 1 };
        assert!(passed.is_some_and(|passed: u64| passed >= floor), "{}", ended.out);
    }
}

/// What needs no provider at all: the residency rules. A machine without any real part runs this.
#[test]
fn the_residency_tests_pass_without_a_provider() {
    if ["MAILY_AZURERM", "MAILY_TERRAFORM_STUBS"].iter().any(|part| std::env::var_os(part).is_some()) {
        return say("the residency tests run among all the others");
    }
    let copy = Copy::new();
    let residency = copy.tree().join("modules/residency");
    let _ = run(&mut terraform(&residency, &["init", "-input=false", "-no-color"])).expect(0);
    let ended = run(&mut terraform(&residency, &["test", "-no-color"])).expect(0);
    assert!(ended.out.contains("Success!") && !ended.out.contains(" 0 passed"), "{}", ended.out);
}

#[test]
fn checkov_finds_nothing_that_has_no_reason() {
    let Some(checkov) = part("MAILY_CHECKOV") else { return };
    // The environments are the modules again, three times.
    let tree = repository().join("terraform/modules");
    let mut command = Command::new(checkov);
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
    let Some(tflint) = part("MAILY_TFLINT") else { return };
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
