//! Every `terraform test`, a test for each folder.

use std::{collections::BTreeSet, fs, path::Path};

use maily_terraform_tests::{
    copy::Copy,
    providers::{AZURERM, STUBS, attached},
    repository,
    run::{run, xtask},
};

use crate::configurations;

/// How many runs there were when this was written; none may get lost.
const RUNS: u64 = 580;

/// A test for each folder, in a module of its provider; and the list of them.
macro_rules! folders {
    ($($provider:ident { $($test:ident: $folder:literal,)+ })+) => {
        const FOLDERS: &[&str] = &[$($($folder),+),+];

        $(mod $provider {
            $(#[test]
            fn $test() {
                super::$provider($folder);
            })+
        })+
    };
}

folders! {
    azure {
        aks: "modules/aks",
        backup: "modules/backup",
        identity: "modules/identity",
        keys: "modules/keys",
        monitor: "modules/monitor",
        network: "modules/network",
        platform: "modules/platform",
        policy: "modules/policy",
        pqtls: "modules/pqtls",
        redis: "modules/redis",
        registry: "modules/registry",
        state: "modules/state",
        storage: "modules/storage",
        dev: "environments/dev",
        dev_state: "environments/dev/state",
        staging: "environments/staging",
        staging_state: "environments/staging/state",
        prod: "environments/prod",
        prod_state: "environments/prod/state",
    }
    aws {
        backup: "modules/backup/aws",
        eks: "modules/eks",
        identity: "modules/identity/aws",
        keys: "modules/keys/aws",
        monitor: "modules/monitor/aws",
        network: "modules/network/aws",
        platform: "modules/platform/aws",
        policy: "modules/policy/aws",
        pqtls: "modules/pqtls/aws",
        redis: "modules/redis/aws",
        registry: "modules/registry/aws",
        state: "modules/state/aws",
        storage: "modules/storage/aws",
        dev: "environments/dev/aws",
        dev_state: "environments/dev/state/aws",
        staging: "environments/staging/aws",
        staging_state: "environments/staging/state/aws",
        prod: "environments/prod/aws",
        prod_state: "environments/prod/state/aws",
    }
    google {
        backup: "modules/backup/gcp",
        gke: "modules/gke",
        identity: "modules/identity/gcp",
        keys: "modules/keys/gcp",
        monitor: "modules/monitor/gcp",
        network: "modules/network/gcp",
        platform: "modules/platform/gcp",
        policy: "modules/policy/gcp",
        pqtls: "modules/pqtls/gcp",
        redis: "modules/redis/gcp",
        registry: "modules/registry/gcp",
        state: "modules/state/gcp",
        storage: "modules/storage/gcp",
        dev: "environments/dev/gcp",
        dev_state: "environments/dev/state/gcp",
        staging: "environments/staging/gcp",
        staging_state: "environments/staging/state/gcp",
        prod: "environments/prod/gcp",
        prod_state: "environments/prod/state/gcp",
    }
    none {
        residency: "modules/residency",
    }
}

fn azure(folder: &str) {
    passes(folder, &AZURERM.lease());
}

fn aws(folder: &str) {
    passes(folder, &STUBS.lease());
}

fn google(folder: &str) {
    passes(folder, &STUBS.lease());
}

/// The residency rules need no provider.
fn none(folder: &str) {
    passes(folder, "{}");
}

/// All runs of a folder pass, by the providers that run already.
fn passes(folder: &str, providers: &str) {
    let copy = Copy::new();
    let mut command = xtask(&copy.tree(), &["test", "--only", folder]);
    let ended = run(attached(&mut command, providers)).expect(0);
    let passed = ended.out.split(" runs passed").next().and_then(|number| number.trim().parse().ok());
    assert_eq!(passed, Some(runs(&copy.tree().join(folder))), "{}\n{}", ended.out, ended.err);
}

/// The `run` blocks in a folder's tests.
fn runs(folder: &Path) -> u64 {
    let files = fs::read_dir(folder.join("tests")).into_iter().flatten().map(|entry| entry.unwrap().path());
    let texts = files.filter(|file| file.to_string_lossy().ends_with(".tftest.hcl")).map(fs::read_to_string);
    let runs = texts.map(|text| text.unwrap().lines().filter(|line| line.starts_with("run \"")).count());
    runs.sum::<usize>() as u64
}

#[test]
fn every_folder_with_tests_has_one_here() {
    let tree = repository().join("terraform").canonicalize().unwrap();
    let all = ["modules", "environments"].map(|part| configurations(&tree.join(part))).concat();
    let tested = all.iter().filter(|folder| runs(folder) > 0);
    let tested: BTreeSet<_> = tested.map(|folder| folder.strip_prefix(&tree).unwrap()).collect();
    assert_eq!(tested, FOLDERS.iter().map(Path::new).collect());
    let runs: u64 = all.iter().map(|folder| runs(folder)).sum();
    assert!(runs >= RUNS, "there are {runs} runs");
}
