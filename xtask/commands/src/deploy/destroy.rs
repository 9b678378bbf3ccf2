//! `cargo xtask destroy ENV`: takes everything of an environment out of its cluster, its data too.

use std::process::ExitCode;

use clap::Args;

use super::{
    ask,
    environment::{self, Cluster, Environment, NAMESPACE},
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
    let reached = Cluster::of(environment, options.context.as_deref())?;
    reached.expect_known()?;
    let kubectl = &reached.kubectl;
    environment::check_cluster(kubectl, environment)?;
    if !environment::exists(kubectl)? {
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
    // The pods first: deleting a namespace looks again for them only after half of their grace period.
    let workloads = ["delete", "deployments,statefulsets,jobs,cronjobs", "--all", "--cascade=foreground"];
    kubectl.run(&[&["-n", NAMESPACE], &workloads[..], &["--wait", "--timeout=120s"]].concat())?;
    kubectl.run(&["delete", "namespace", NAMESPACE, "--wait", "--timeout=300s"])?;
    let rules = "validatingadmissionpolicybindings,validatingadmissionpolicies";
    kubectl.run(&["delete", rules, "-l", "app.kubernetes.io/part-of=maily"])?;
    if reached.is_local() {
        cluster::offer_volumes(&cluster::Layout::new())?;
    }
    Ok(ExitCode::SUCCESS)
}
