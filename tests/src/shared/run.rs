//! The run that a test belongs to: its folder, and the process that started it.

use std::{
    env, fs,
    io::{Read as _, stdin},
    os::{linux::fs::MetadataExt as _, unix::process::parent_id},
    path::PathBuf,
    process,
    sync::OnceLock,
};

use maily_testkit::Running;
use serde::{Deserialize, Serialize};

/// Nextest gives each test of a run the same one.
const ID: &str = "NEXTEST_RUN_ID";

static RUN: OnceLock<Run> = OnceLock::new();

/// A run of tests.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Run {
    pub(super) folder: PathBuf,
    pub(super) runner: Running,
}

/// What a keeper is told on its standard input. Not by variables: what it starts would inherit them.
#[derive(Serialize, Deserialize)]
pub(super) struct Orders {
    pub(super) name: String,
    run: Run,
}

impl Run {
    /// The run of this process.
    pub(super) fn current() -> &'static Self {
        RUN.get_or_init(Self::find)
    }

    fn find() -> Self {
        let (name, runner) = match env::var(ID) {
            Ok(id) => (id, parent_id()),
            Err(_) => (process::id().to_string(), process::id()),
        };
        let folder = env::temp_dir().join(format!("maily-run-{name}"));
        if runner == process::id() {
            // A run that had the same process id is over.
            let _ = fs::remove_dir_all(&folder);
        }
        let runner =
            Running::of("the runner of the tests", runner).expect("whoever started this test is gone");
        Self { folder, runner }
    }
}

impl Orders {
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), run: Run::current().clone() }
    }

    /// Those of this process, if it is a keeper; from then on its run is that of the test that started it.
    pub(super) fn read() -> Option<Self> {
        // Only a pipe has orders: a terminal would be waited for.
        let pipe = fs::metadata("/proc/self/fd/0").is_ok_and(|about| about.st_mode() & S_IFMT == S_IFIFO);
        let mut text = String::new();
        let read = pipe && stdin().read_to_string(&mut text).is_ok();
        let orders: Self = read.then(|| serde_json::from_str(&text).ok()).flatten()?;
        let _ = RUN.set(orders.run.clone());
        Some(orders)
    }
}

/// inode(7): the kind of a file, and a pipe's.
const S_IFMT: u32 = 0o170_000;
const S_IFIFO: u32 = 0o010_000;
