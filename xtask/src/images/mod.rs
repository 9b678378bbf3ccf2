//! `cargo xtask images`: a container image for each service, from what cargo built.

mod context;
mod version;

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
};

use clap::{Args, ValueEnum};

use crate::shell::{Result, output, run as run_program, say};

pub(crate) use context::Context;
pub(crate) use version::Version;

#[derive(Args)]
pub(crate) struct Options {
    /// Which ones; all by default.
    #[arg(value_enum)]
    images: Vec<Image>,
    /// Push them to this registry, e.g. `example.azurecr.io/team`; its name is put in front of theirs.
    #[arg(long, value_name = "REGISTRY")]
    push: Option<String>,
    /// Their tag; by default the git revision, with `-dirty-HASH` where the tree differs from it.
    #[arg(long, value_name = "TAG")]
    tag: Option<String>,
    /// Optimise everything: for production. Otherwise the profile of `up` and the tests, whose build is there already.
    #[arg(long)]
    release: bool,
    /// Only write the build context into this folder, for `docker build` or docker-compose with BINARIES=prebuilt.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["push", "tag"])]
    context: Option<PathBuf>,
}

/// What there is an image of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Image {
    /// Keeps objects.
    Storage,
    /// Decides who may be written to.
    Compliance,
    /// Checks what is written.
    Guardrails,
    /// Writes.
    Inference,
    /// Runs campaigns.
    Orchestrator,
    /// Makes certificates and secrets for development.
    Bootstrap,
    /// The workflow engine beside the orchestrator.
    Restate,
    /// The local model, for a cluster's init container.
    Model,
}

impl Image {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Storage => "storage",
            Self::Compliance => "compliance",
            Self::Guardrails => "guardrails",
            Self::Inference => "inference",
            Self::Orchestrator => "orchestrator",
            Self::Bootstrap => "bootstrap",
            Self::Restate => "restate",
            Self::Model => "model",
        }
    }

    /// What is built from our own source.
    pub(crate) fn is_ours(self) -> bool {
        !matches!(self, Self::Restate | Self::Model)
    }

    fn all() -> Vec<Self> {
        Self::value_variants().to_vec()
    }
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    if let Some(folder) = &options.context {
        Context::write(folder, &Image::all(), options.release)?;
        return Ok(ExitCode::SUCCESS);
    }
    let chosen = if options.images.is_empty() { Image::all() } else { options.images.clone() };
    let version = Version::read()?;
    let tag = options.tag.clone().unwrap_or_else(|| version.tag());
    let references = build(&chosen, options.push.as_deref(), &tag, &version, options.release)?;
    if options.push.is_some() {
        references.iter().try_for_each(|reference| push(reference))?;
    }
    show(&references)?;
    Ok(ExitCode::SUCCESS)
}

/// Builds images and answers their references.
pub(crate) fn build(
    images: &[Image],
    registry: Option<&str>,
    tag: &str,
    version: &Version,
    release: bool,
) -> Result<Vec<String>> {
    let docker = maily_testkit::docker::client()?;
    let context = Context::in_cache(images, release)?;
    let prefix = registry.map(|registry| format!("{}/", registry.trim_end_matches('/'))).unwrap_or_default();
    images
        .iter()
        .map(|image| {
            let reference = format!("{prefix}maily/{}:{tag}", image.name());
            say(&format!("Building {reference}"));
            run_program(&mut build_command(&docker, &context, *image, &reference, version))?;
            Ok(reference)
        })
        .collect()
}

fn build_command(
    docker: &Path,
    context: &Context,
    image: Image,
    reference: &str,
    version: &Version,
) -> Command {
    let mut command = Command::new(docker);
    command.env("DOCKER_BUILDKIT", "1").env("SOURCE_DATE_EPOCH", version.seconds().to_string());
    command.args(["build", "--quiet", "--tag", reference, "--file"]);
    if image.is_ours() {
        command.arg(context.dir().join("docker/Dockerfile.base"));
        for (name, value) in [
            ("BINARIES", "prebuilt"),
            ("SERVICE", image.name()),
            ("VERSION", env!("CARGO_PKG_VERSION")),
            ("REVISION", version.revision()),
            ("CREATED", &version.created()),
        ] {
            command.arg("--build-arg").arg(format!("{name}={value}"));
        }
    } else {
        command.arg(context.dir().join("docker/Dockerfile.parts")).args(["--target", image.name()]);
    }
    command.arg(context.dir()).stdout(Stdio::null());
    command
}

fn push(reference: &str) -> Result<()> {
    say(&format!("Pushing {reference}"));
    run_program(Command::new(maily_testkit::docker::client()?).args(["push", "--quiet", reference]))
}

/// A table: image, id, size.
fn show(references: &[String]) -> Result<()> {
    let mut inspect = Command::new(maily_testkit::docker::client()?);
    inspect.args(["image", "inspect", "--format", "{{.Id}} {{.Size}}"]).args(references);
    for (reference, line) in references.iter().zip(output(&mut inspect)?.lines()) {
        let (id, size) = line.split_once(' ').unwrap_or((line, "0"));
        let megabytes = size.parse::<f64>().unwrap_or(0.0) / 1e6;
        println!(
            "{reference:60} {} {megabytes:7.1} MB",
            id.trim_start_matches("sha256:").get(..12).unwrap_or(id)
        );
    }
    Ok(())
}
