//! `cargo xtask test`: everything that CI runs, or any part of it, by cargo-nextest; what a test needs is fetched first.

mod choice;
mod fixtures;
mod left_out;
mod needs;
mod nextest;
mod summary;

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use clap::{Args, ValueEnum};

use crate::{
    check, disk,
    shell::{Result, root, say},
    up,
};
use choice::Choice;
pub(crate) use fixtures::is_running;
use needs::Needs;

/// A part of the tests that is run by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Tier {
    /// Formatting, lints and rules, and the tests of each crate.
    Fast,
    /// The whole stack on this machine, peers' clients, kills.
    Real,
    /// Containers, and a real Kubernetes of one node.
    Cluster,
    /// `terraform/` without a cloud.
    Terraform,
    /// Long proofs, which CI does not run.
    Soak,
}

#[derive(Args)]
pub(crate) struct Options {
    /// Only one tier; all but `soak` by default.
    #[arg(long, value_enum)]
    tier: Option<Tier>,
    /// Only tests that one of these names: a crate (`law`), a program of tests/ (`tls`), a test, or a part of such a name;
    /// `tls::tls_1_2_is_refused_everywhere` and `maily-law::address::tests::debug_shows_nothing` are one test. In every tier but soak.
    filters: Vec<String>,
    /// Build the tests, say which ones would run, and run none.
    #[arg(long)]
    list: bool,
    /// Fetch and build what the tests run against, and run none.
    #[arg(long, conflicts_with = "list")]
    fetch: bool,
    /// Let the model answer what is not recorded, and record it in this folder.
    #[arg(skip)]
    record: Option<PathBuf>,
    /// What is passed on to `cargo nextest run`, such as `--no-capture` or `--retries 3`.
    #[arg(last = true)]
    nextest: Vec<String>,
}

/// The package whose tests ask for everything that is recorded.
const RECORDED: &str = "maily-recorded";

/// `cargo xtask record`: runs the tests that have recorded answers, with the model.
pub(crate) fn record() -> Result<ExitCode> {
    say("Recording what the model answers (tests/recorded/answers; it writes for some minutes)");
    let recorded = root().join("tests/recorded");
    let (answers, new) = (recorded.join("answers"), recorded.join("answers.new"));
    let fault = |error: io::Error| format!("{}: {error}", recorded.display());
    remove(&new).and_then(|()| fs::create_dir(&new)).map_err(fault)?;
    let options = Options {
        tier: Some(Tier::Real),
        filters: vec![RECORDED.to_owned()],
        list: false,
        fetch: false,
        record: Some(new.clone()),
        nextest: Vec::new(),
    };
    let ended = run(&options)?;
    if ended == ExitCode::SUCCESS {
        // All of them: what nobody asks for any more does not stay.
        remove(&answers).and_then(|()| fs::rename(&new, &answers)).map_err(fault)?;
    } else {
        remove(&new).map_err(fault)?;
        say("The recordings are as they were");
    }
    Ok(ended)
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

/// The packages of programs that only tests run.
const STAND_INS: [&str; 2] = ["maily-arm", "maily-recorded"];

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let begun = Instant::now();
    let choice = Choice::new(options.tier, &options.filters)?;
    let nextest = nextest::program()?;
    if options.list {
        say("Building the tests that may be meant, to ask them");
        nextest::list(&nextest, &choice, &[])?.iter().for_each(|test| println!("{test}"));
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(room) = choice.room() {
        disk::make_room(room)?;
    }
    let needs = Needs::of(&choice);
    let mut brought = needs.bring()?;
    if options.fetch {
        brought.finish()?;
        return brought.left_out.tell(&choice).map(|()| ExitCode::SUCCESS);
    }
    if choice.is_whole(Tier::Fast) {
        brought.left_out.checks(check::run()?);
    }
    say("Building the tests (from nothing 10 to 20 minutes on two cores, after a change up to a minute)");
    if needs.programs() {
        up::build(&STAND_INS)?;
    }
    nextest::build(&nextest, &choice)?;
    brought.finish()?;
    let left_out = brought.left_out;
    say("Running the tests");
    let ended =
        nextest::run(&nextest, &choice, &left_out.tests(), &options.nextest, options.record.as_deref())?;
    let meant = || nextest::list(&nextest, &choice, &left_out.tests()).ok().map(|tests| tests.len());
    let meant = if ended.well { None } else { meant() };
    let faults = fixtures::wait(&ended.run);
    left_out.tell(&choice)?;
    summary::tell(&ended, meant, &faults, begun)
}
