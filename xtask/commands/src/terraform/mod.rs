//! `cargo xtask terraform`: plans to a file, says what the plan means, applies that very file; drift, tests, docs.

mod adopt;
mod apply;
pub(crate) mod azurerm;
mod contract;
mod docs;
mod drift;
mod hcl;
mod held;
pub(crate) mod parts;
mod plan;
mod suite;
mod summary;
mod tool;
mod tree;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Subcommand, ValueEnum};

use crate::shell::{Result, say};
use tree::{Place, Tree};

#[derive(Args)]
#[command(arg_required_else_help = true)]
pub(crate) struct Options {
    /// The environment: a folder of terraform/environments (dev, staging, prod). `docs` needs none; `drift` and
    /// `test` take all of them without one.
    environment: Option<String>,
    /// Only this cloud's root; Azure for plan, apply and destroy, every cloud for drift and test.
    #[arg(long, value_enum, global = true)]
    cloud: Option<Cloud>,
    /// The root that makes where the state is kept, which comes once and first, instead of the environment's own.
    #[arg(long, global = true)]
    state: bool,
    /// Another terraform folder than the repository's.
    #[arg(long, value_name = "DIR", global = true)]
    dir: Option<PathBuf>,
    #[command(subcommand)]
    action: Action,
}

/// Where an environment is.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Cloud {
    /// Microsoft Azure.
    Azure,
    /// Amazon Web Services.
    Aws,
    /// Google Cloud.
    Gcp,
}

#[derive(Subcommand)]
enum Action {
    /// Plans to a file and says what it would add, change and destroy, its cost class, and whether all stays inside
    /// the residency boundary.
    Plan,
    /// Plans, asks, and applies that very plan. After an interrupted apply it first adopts what that one had made.
    Apply {
        /// Don't ask.
        #[arg(long)]
        yes: bool,
    },
    /// Plans the end of everything, asks for the environment's name, and applies that plan.
    Destroy {
        /// The environment's name once more, instead of being asked for it.
        #[arg(long, value_name = "ENVIRONMENT")]
        confirm: Option<String>,
    },
    /// Compares each root with its cloud; JSON on standard output. Exit code 0: as planned, 2: drift, 1: could not tell.
    Drift,
    /// Runs every `terraform test`, and says how many runs passed.
    Test {
        /// Only the tests of this folder of terraform/, such as modules/storage/aws.
        #[arg(long, value_name = "FOLDER")]
        only: Option<PathBuf>,
    },
    /// Writes the inputs and outputs into the README of each module and environment.
    Docs,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let tree = Tree::open(options.dir.as_deref())?;
    let cloud = options.cloud.map(name);
    let place = Place { cloud: cloud.unwrap_or(tree::CLOUDS[0]), state: options.state };
    match &options.action {
        Action::Plan => plan::show(&tree, &named(options, &tree)?, place),
        Action::Apply { yes } => {
            apply::run(&tree, &named(options, &tree)?, place, *yes).map(|()| ExitCode::SUCCESS)
        }
        Action::Destroy { confirm } => {
            apply::destroy(&tree, &named(options, &tree)?, place, confirm.as_deref())
        }
        Action::Drift => drift::run(&tree, options.environment.as_deref(), cloud, options.state),
        Action::Test { only } => suite::run(&tree, options.environment.as_deref(), cloud, only.as_deref()),
        Action::Docs => {
            let written = docs::write(&tree)?;
            say(&format!("{} READMEs written", written.len()));
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// What `deploy` needs: plans an environment's root, asks unless told not to, applies that plan, and answers the root's
/// outputs by name (`cluster`, `registry`, `services`, ...), as `terraform output -json` has their values. A plan that
/// leaves the residency boundary is an error, and so is one that nobody confirms.
pub(crate) fn provision(
    dir: Option<&Path>,
    environment: &str,
    cloud: Cloud,
    yes: bool,
) -> Result<serde_json::Value> {
    let (tree, place) = (Tree::open(dir)?, Place { cloud: name(cloud), state: false });
    apply::run(&tree, environment, place, yes)?;
    apply::outputs(&tree, environment, place)
}

/// The same plan, shown only.
pub(crate) fn preview(dir: Option<&Path>, environment: &str, cloud: Cloud) -> Result<()> {
    let (tree, place) = (Tree::open(dir)?, Place { cloud: name(cloud), state: false });
    plan::show(&tree, environment, place).map(drop)
}

/// The part of `cargo xtask check` that is about `terraform/`.
pub(crate) fn check() -> Result<()> {
    let tree = Tree::open(None)?;
    let mut faults = contract::faults(&tree)?;
    faults.extend(docs::stale(&tree)?);
    match faults.is_empty() {
        true => Ok(()),
        false => Err(format!("terraform/ has {} faults\n  {}", faults.len(), faults.join("\n  "))),
    }
}

fn named(options: &Options, tree: &Tree) -> Result<String> {
    match &options.environment {
        Some(environment) => Ok(environment.clone()),
        None => Err(format!("which environment? One of {}", tree.environments()?.join(", "))),
    }
}

fn name(cloud: Cloud) -> &'static str {
    match cloud {
        Cloud::Azure => tree::CLOUDS[0],
        Cloud::Aws => tree::CLOUDS[1],
        Cloud::Gcp => tree::CLOUDS[2],
    }
}
