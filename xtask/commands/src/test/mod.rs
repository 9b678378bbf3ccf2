//! `cargo xtask test`: everything that CI runs, or any part of it, by cargo-nextest; what a test needs is fetched first.

mod choice;
mod left_out;
mod needs;
mod nextest;
mod summary;

use std::{process::ExitCode, time::Instant};

use clap::{Args, ValueEnum};

use crate::{
    check,
    shell::{Result, root, say},
    up,
};
use choice::Choice;
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
    /// Only tests whose crate, program or name contains one of these, such as `law`, `tls` or `tls::tls_1_2_is_refused`.
    filters: Vec<String>,
    /// Say which tests would run, and run none.
    #[arg(long)]
    list: bool,
    /// Fetch and build what the tests run against, and run none.
    #[arg(long, conflicts_with = "list")]
    fetch: bool,
    /// Let the model answer what is not recorded, and record it.
    #[arg(skip)]
    record: bool,
    /// What is passed on to `cargo nextest run`, such as `--no-capture` or `--retries 3`.
    #[arg(last = true)]
    nextest: Vec<String>,
}

/// The package whose tests ask for everything that is recorded.
const RECORDED: &str = "maily-recorded";

/// `cargo xtask record`: runs the tests that have recorded answers, with the model.
pub(crate) fn record() -> Result<ExitCode> {
    say("Recording what the model answers (tests/recorded/answers; it writes for some minutes)");
    let answers = root().join("tests/recorded/answers");
    // All of them: what nobody asks for any more is not to stay.
    if answers.exists() {
        std::fs::remove_dir_all(&answers).map_err(|error| format!("{}: {error}", answers.display()))?;
    }
    let filters = vec![RECORDED.to_owned()];
    let tier = Some(Tier::Real);
    run(&Options { tier, filters, list: false, fetch: false, record: true, nextest: Vec::new() })
}

/// The packages of programs that only tests run.
const STAND_INS: [&str; 2] = ["maily-arm", "maily-recorded"];

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let begun = Instant::now();
    let choice = Choice::new(options.tier, &options.filters)?;
    let nextest = nextest::program()?;
    if options.list {
        return nextest::list(&nextest, &choice);
    }
    let needs = Needs::of(&choice);
    let mut brought = needs.bring()?;
    if options.fetch {
        return brought.finish().map(|()| ExitCode::SUCCESS);
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
    let ended = nextest::run(&nextest, &choice, &left_out.tests(), &options.nextest, options.record)?;
    left_out.tell(&choice)?;
    summary::tell(&ended, begun)
}
