//! `cargo xtask deploy ENV`: from the source tree to a finished campaign on a cluster, step by step.
//!
//! Each step can be run alone or left out, and again: what is done already is seen and left as it is.

mod access;
mod environment;
mod images;
mod manifests;
mod release;
mod rollout;
mod secrets;
mod smoke;
mod words;

pub(crate) mod destroy;

use std::{
    io::{BufRead as _, IsTerminal as _, Write as _},
    path::PathBuf,
    process::{Command, ExitCode},
    time::{Duration, Instant},
};

use clap::{Args, ValueEnum};

use crate::{
    images::Version,
    kubectl::Kubectl,
    shell::{Result, output, say},
    terraform::{self, Cloud},
};

use environment::Cluster;
pub(crate) use environment::Environment;

/// The parts of a deployment, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Step {
    /// Tools, access, and whether the context belongs to the environment.
    Preflight,
    /// Plans and applies what is in the cloud (terraform/), and asks before; nothing for the cluster on this machine.
    Terraform,
    /// Builds the images.
    Images,
    /// Pushes them, or copies them into the cluster on this machine.
    Push,
    /// Makes the development keys and certificates (dev only).
    Secrets,
    /// Shows what will change; the API server judges it without doing it.
    Diff,
    /// Applies the manifests, server-side.
    Apply,
    /// Waits until every pod is ready; what fails is rolled back.
    Rollout,
    /// Runs the sample campaign through the cluster.
    Smoke,
    /// Notes the release, to roll back to, and sums up.
    Report,
}

#[derive(Args)]
pub(crate) struct Options {
    /// Where to.
    pub(crate) environment: Environment,
    /// Show what would be done, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Don't ask before applying; prod asks all the same.
    #[arg(long)]
    yes: bool,
    /// The context of your kubeconfig, which has to be named maily-ENV or maily-ENV-…; by default maily-ENV, and for dev
    /// the cluster that `cargo xtask cluster up` started, if it runs.
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// Only these steps.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "STEP")]
    only: Vec<Step>,
    /// This step and those after it.
    #[arg(long, value_enum, value_name = "STEP", conflicts_with = "only")]
    from: Option<Step>,
    /// Without these steps.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "STEP")]
    skip: Vec<Step>,
    /// The cloud that the environment is in.
    #[arg(long, value_enum, default_value = "azure")]
    cloud: Cloud,
    /// Another terraform folder than the repository's.
    #[arg(long, value_name = "DIR")]
    terraform: Option<PathBuf>,
    /// The registry to push to and pull from, for example maily.azurecr.io; by default the one that the step `terraform`
    /// made. The cluster on this machine needs none.
    #[arg(long, value_name = "HOST", env = "MAILY_REGISTRY")]
    registry: Option<String>,
    /// The tag of the images; by default the one that `cargo xtask images` gives this tree.
    #[arg(long, value_name = "TAG")]
    tag: Option<String>,
    /// A kustomization of your own to deploy instead of k8s/overlays/ENV; it names that one among its resources.
    #[arg(long, value_name = "DIR")]
    overlay: Option<PathBuf>,
    /// Seconds that the rollout may take.
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    timeout: u64,
}

/// What the steps work on.
struct Deploy<'a> {
    options: &'a Options,
    cluster: Cluster,
    /// The images' tag: read once, for a tree may be edited while it is deployed.
    tag: String,
    registry: Option<String>,
    /// Whether something was applied in this run.
    applied: bool,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let cluster = Cluster::of(options.environment, options.context.as_deref())?;
    if !options.wants(Step::Terraform) {
        cluster.expect_known()?;
    }
    let tag = match &options.tag {
        Some(tag) => tag.clone(),
        None => Version::read()?.tag(),
    };
    let registry = options.registry.clone();
    let mut deploy = Deploy { options, cluster, tag, registry, applied: false };
    let mut times = Vec::new();
    for step in Step::value_variants().iter().copied().filter(|step| options.wants(*step)) {
        say(&format!("{} {}", options.environment, step.name()));
        let begun = Instant::now();
        let done = deploy.step(step);
        times.push((step, begun.elapsed()));
        match done {
            Ok(Next::Continue) => {}
            Ok(Next::Stop) => break,
            Err(why) => {
                deploy.failed(step, &why)?;
                summary(&times);
                return Err(format!("{} failed: {why}", step.name()));
            }
        }
    }
    summary(&times);
    Ok(ExitCode::SUCCESS)
}

/// Whether the steps go on.
enum Next {
    Continue,
    Stop,
}

impl Options {
    fn wants(&self, step: Step) -> bool {
        let chosen = match (self.only.as_slice(), self.from) {
            ([], None) => true,
            ([], Some(from)) => step >= from,
            (only, _) => only.contains(&step),
        };
        chosen && !self.skip.contains(&step)
    }
}

impl Step {
    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

impl Deploy<'_> {
    fn step(&mut self, step: Step) -> Result<Next> {
        let dry = self.options.dry_run;
        match step {
            Step::Preflight => self.preflight()?,
            Step::Terraform => return self.terraform(),
            Step::Images if dry => say("  would build the images"),
            Step::Images => {
                images::build(&self.tag, self.options.environment != Environment::Dev)?;
            }
            Step::Push if dry => say("  would push the images"),
            Step::Push => images::push(&self.images()?, self.registry.as_deref(), self.cluster.is_local())?,
            Step::Secrets => secrets::ensure(self.kubectl(), self.options.environment, dry)?,
            Step::Diff => return self.diff(),
            Step::Apply if dry => say("  would apply them"),
            Step::Apply => self.apply()?,
            Step::Rollout | Step::Smoke | Step::Report if dry => {}
            Step::Rollout => rollout::wait(self.kubectl(), self.limit())?,
            Step::Smoke => smoke::run(self.kubectl(), &self.images()?, self.registry.as_deref())?,
            Step::Report => release::note(self.kubectl(), &self.manifests()?)?,
        }
        Ok(Next::Continue)
    }

    fn limit(&self) -> Duration {
        Duration::from_secs(self.options.timeout)
    }

    fn preflight(&self) -> Result<()> {
        output(Command::new("kubectl").args(["version", "--client"]))?;
        if self.options.wants(Step::Images) {
            maily_testkit::docker::client()?;
        }
        if !self.cluster.is_local() && self.registry.is_none() && !self.options.wants(Step::Terraform) {
            return Err("--registry is missing: where this cluster pulls its images from".to_owned());
        }
        if !self.cluster.is_known()? {
            say("  your kubeconfig does not have the cluster yet; the next step makes it");
            return Ok(());
        }
        environment::check_cluster(self.kubectl(), self.options.environment)
    }

    fn terraform(&mut self) -> Result<Next> {
        let options = self.options;
        let Some(context) = self.cluster.context.clone() else {
            say("  no cloud is behind the cluster on this machine");
            return Ok(Next::Continue);
        };
        let login = match options.dry_run {
            true => {
                let dir = options.terraform.as_deref();
                terraform::preview(dir, &options.environment.to_string(), options.cloud)?;
                None
            }
            false => self.provision(&context)?,
        };
        self.enter(login)
    }

    /// Applies the environment's root, and answers the command that gets the credentials of the cluster it made.
    fn provision(&mut self, context: &str) -> Result<Option<String>> {
        let options = self.options;
        let yes = options.yes && options.environment != Environment::Prod;
        let (dir, environment) = (options.terraform.as_deref(), options.environment.to_string());
        let outputs = terraform::provision(dir, &environment, options.cloud, yes)?;
        self.registry = self.registry.take().or_else(|| outputs["registry"].as_str().map(ToOwned::to_owned));
        match self.registry.is_some() {
            true => Ok(access::command(options.cloud, &outputs, context)),
            false => {
                Err("terraform made no registry; --registry says where images are pulled from".to_owned())
            }
        }
    }

    /// From here on there has to be a cluster, unless this was all that was wanted.
    fn enter(&self, login: Option<String>) -> Result<Next> {
        let mut later = Step::value_variants().iter().filter(|step| **step > Step::Terraform);
        if !later.any(|step| self.options.wants(*step)) {
            login.iter().for_each(|login| say(&format!("  the cluster's credentials: {login}")));
            return Ok(Next::Continue);
        }
        if self.cluster.is_known()? {
            environment::check_cluster(self.kubectl(), self.options.environment)?;
            return Ok(Next::Continue);
        }
        match login {
            _ if self.options.dry_run => {
                say("  the rest can be shown once the cluster is there");
                Ok(Next::Stop)
            }
            Some(login) => Err(format!(
                "your kubeconfig does not have the cluster yet. Run `{login}`, then deploy again: what is done stays done"
            )),
            None => self.cluster.expect_known().map(|()| Next::Continue),
        }
    }

    fn kubectl(&self) -> &Kubectl {
        &self.cluster.kubectl
    }

    fn images(&self) -> Result<Vec<images::Image>> {
        match images::find(&self.tag) {
            Err(why) if self.options.dry_run => {
                say(&format!("  {why}; until then each image counts as changed"));
                Ok(images::unbuilt(&self.tag))
            }
            found => found,
        }
    }

    fn manifests(&self) -> Result<String> {
        let images = self.images()?;
        let environment = self.options.environment;
        let overlay = self.options.overlay.clone().unwrap_or_else(|| manifests::overlay(environment));
        manifests::render(environment, &overlay, &images, self.registry.as_deref())
    }

    fn diff(&self) -> Result<Next> {
        let manifests = self.manifests()?;
        if !environment::exists(self.kubectl())? {
            say(&format!("  nothing is there yet: {} objects are new", manifests::count(&manifests)));
        } else if let Some(changes) = manifests::diff(self.kubectl(), &manifests)? {
            println!("{changes}");
        } else {
            say("  no change");
            return Ok(Next::Continue);
        }
        match self.options.dry_run || !self.options.wants(Step::Apply) || self.confirmed()? {
            true => Ok(Next::Continue),
            false => {
                say("  left as it is");
                Ok(Next::Stop)
            }
        }
    }

    fn confirmed(&self) -> Result<bool> {
        let environment = self.options.environment;
        match environment {
            Environment::Prod => ask(&format!("Type {environment} to apply this"), &environment.to_string()),
            _ if self.options.yes => Ok(true),
            _ => ask("Apply this? Type yes", "yes"),
        }
    }

    fn apply(&mut self) -> Result<()> {
        self.applied = true;
        self.kubectl().apply(&self.manifests()?)
    }

    /// What a failed step leaves behind: the pods' last words, and the release before, if there is one.
    fn failed(&self, step: Step, why: &str) -> Result<()> {
        if self.options.dry_run || !matches!(step, Step::Apply | Step::Rollout | Step::Smoke) {
            return Ok(());
        }
        say(&format!("{} failed: {why}", step.name()));
        words::show(self.kubectl())?;
        match release::last(self.kubectl())? {
            Some(manifests) => rollout::back(self.kubectl(), &manifests, self.limit()),
            None => {
                say("There is no release to roll back to; everything stays as it is, to be looked at");
                Ok(())
            }
        }
    }
}

/// Asks on the terminal, or of whoever is on standard input.
pub(crate) fn ask(question: &str, wanted: &str) -> Result<bool> {
    eprint!("{question}: ");
    let _ = std::io::stderr().flush();
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(|error| format!("standard input: {error}"))?;
    if !std::io::stdin().is_terminal() {
        eprintln!();
    }
    Ok(line.trim() == wanted)
}

fn summary(times: &[(Step, Duration)]) {
    eprintln!();
    for (step, time) in times {
        eprintln!("    {:12} {:>7.1} s", step.name(), time.as_secs_f32());
    }
}
