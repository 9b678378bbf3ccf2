//! `cargo xtask destroy ENV`: takes everything of an environment out of its cluster, its data too.

use std::process::ExitCode;

use clap::Args;

use super::{
    ask,
    environment::{self, Environment, NAMESPACE},
};
use crate::{
    cluster,
    shell::{Result, say},
};

#[derive(Args)]
pub(crate) struct Options {
    /// What to destroy.
    environment: Environment,
    /// Don't ask; staging and prod ask all the same.
    #[arg(long)]
    yes: bool,
    /// The context of your kubeconfig, as with `deploy`.
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let environment = options.environment;
    let (kubectl, local) = environment::reach(environment, options.context.as_deref())?;
    environment::check_cluster(&kubectl, environment)?;
    if !environment::exists(&kubectl)? {
        say(&format!("{environment} is not there"));
        return Ok(ExitCode::SUCCESS);
    }
    let sure = options.yes && environment == Environment::Dev;
    let question =
        format!("This deletes {environment} with all of its data and keys. Type {environment} to go on");
    if !sure && !ask(&question, &environment.to_string())? {
        say("Left as it is");
        return Ok(ExitCode::FAILURE);
    }
    say(&format!("Deleting {environment}"));
    kubectl.run(&["delete", "namespace", NAMESPACE, "--wait", "--timeout=300s"])?;
    let rules = "validatingadmissionpolicybindings,validatingadmissionpolicies";
    kubectl.run(&["delete", rules, "-l", "app.kubernetes.io/part-of=maily"])?;
    if local {
        cluster::offer_volumes(&cluster::Layout::new())?;
    }
    Ok(ExitCode::SUCCESS)
}
