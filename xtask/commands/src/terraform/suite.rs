//! `test`: every `terraform test` of the modules and environments, and how many runs that were.

use std::{
    env,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use maily_testkit::Provider;
use serde_json::Value;

use super::{
    drift, held,
    tool::{answer, quiet, terraform},
    tree::{self, Tree},
};
use crate::shell::{Result, say};

/// Folders whose tests run at the same time: terraform and a provider each keep about one processor busy.
const SIDE_BY_SIDE: usize = 2;
/// Go collects garbage when memory has grown to so many percent; each of these processes lives for seconds.
const MEMORY_FOR_TIME: &str = "800";

/// What a file of tests is called.
const TESTS: &str = ".tftest.hcl";

#[derive(Default)]
struct Tally {
    passed: u64,
    failed: u64,
    broken: Vec<String>,
}

pub(crate) fn run(
    tree: &Tree,
    environment: Option<&str>,
    cloud: Option<&'static str>,
    only: Option<&Path>,
) -> Result<ExitCode> {
    let folders = match only {
        Some(folder) => vec![one(tree, folder)?],
        None => folders(tree, environment, cloud)?,
    };
    let (next, tally) = (AtomicUsize::new(0), Mutex::new(Tally::default()));
    let provider = OnceLock::new();
    thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                while let Some(dir) = folders.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let (place, ended) = (tree.shown(dir), run_in(dir, &provider));
                    tally.lock().unwrap_or_else(PoisonError::into_inner).add(place, ended);
                }
            });
        }
    });
    let Tally { passed, failed, broken } = tally.into_inner().unwrap_or_else(PoisonError::into_inner);
    println!("{passed} runs passed, {failed} failed, in {} folders", folders.len());
    for place in &broken {
        println!("could not run: {place}");
    }
    let fine = failed == 0 && broken.is_empty() && passed > 0;
    Ok(if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Tally {
    fn add(&mut self, place: String, ended: Result<(u64, u64)>) {
        match ended {
            Ok((passed, failed)) => {
                say(&format!("{place}: {passed} passed, {failed} failed"));
                self.passed += passed;
                self.failed += failed;
            }
            Err(error) => {
                say(&format!("{place}: {error}"));
                self.broken.push(place);
            }
        }
    }
}

/// A folder that was named.
fn one(tree: &Tree, folder: &Path) -> Result<PathBuf> {
    let dir = tree.dir().join(folder);
    match tree::has(&dir.join("tests"), TESTS) {
        true => Ok(dir),
        false => Err(format!("{} has no tests/*{TESTS}", dir.display())),
    }
}

/// Where there are tests: one environment's roots, or everything.
fn folders(tree: &Tree, environment: Option<&str>, cloud: Option<&'static str>) -> Result<Vec<PathBuf>> {
    let mut folders = drift::chosen(tree, environment, cloud, false)?;
    folders.extend(drift::chosen(tree, environment, cloud, true).unwrap_or_default());
    if environment.is_none() {
        folders.extend(tree.modules()?);
    }
    folders.retain(|dir| tree::has(&dir.join("tests"), TESTS));
    folders.retain(|dir| cloud.is_none_or(|cloud| of_cloud(tree, dir, cloud)));
    Ok(folders)
}

/// Azure's are the folders that are not another cloud's.
fn of_cloud(tree: &Tree, dir: &Path, cloud: &str) -> bool {
    let name = dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let own = match name.as_str() {
        "aws" | "eks" => "aws",
        "gcp" | "gke" => "gcp",
        _ => "azure",
    };
    own == cloud || dir == tree.modules_dir().join("residency")
}

/// Runs the tests of one folder; answers how many runs passed and failed.
fn run_in(dir: &Path, provider: &OnceLock<Option<Provider>>) -> Result<(u64, u64)> {
    quiet(&mut terraform(dir, &["init", "-backend=false", "-input=false", "-no-color"]))?;
    let mut test = terraform(dir, &["test", "-json"]);
    test.env("GOGC", MEMORY_FOR_TIME);
    // Whoever has set it holds the providers.
    if env::var_os(Provider::ATTACH).is_none()
        && held::program(dir).is_some()
        && let Some(held) = provider.get_or_init(|| held::start(dir))
    {
        test.env(Provider::ATTACH, Provider::attach(std::slice::from_ref(held)));
    }
    let said = answer(&mut test)?;
    let mut counts = None;
    for line in String::from_utf8_lossy(&said.stdout).lines() {
        let message: Value = serde_json::from_str(line).unwrap_or_default();
        match message["type"].as_str() {
            Some("diagnostic") if message["diagnostic"]["severity"] == "error" => complain(&message),
            Some("test_summary") => {
                let count = |name: &str| message["test_summary"][name].as_u64().unwrap_or(0);
                counts = Some((count("passed"), count("failed") + count("errored")));
            }
            _ => {}
        }
    }
    counts.ok_or_else(|| {
        format!("terraform test ended ({}): {}", said.status, String::from_utf8_lossy(&said.stderr).trim())
    })
}

fn complain(message: &Value) {
    let diagnostic = &message["diagnostic"];
    let text = |name: &str| diagnostic[name].as_str().unwrap_or_default();
    let run = message["@testrun"].as_str().unwrap_or_default();
    eprintln!("    {run}: {} {}", text("summary"), text("detail"));
}
