//! `cargo xtask images`: a container image for each service, from what cargo built.

mod context;
pub(crate) mod docker;
mod sbom;
mod stamp;
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
    /// Inference for NVIDIA's GPUs: its program with the feature `cuda`, in the variant of the image that has NVRTC.
    #[arg(long)]
    cuda: bool,
    /// Build every layer anew, also those that Docker has.
    #[arg(long)]
    no_cache: bool,
    /// Only write the build context into this folder, for `docker build` or docker-compose with BINARIES=prebuilt.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["push", "tag"])]
    context: Option<PathBuf>,
}

/// How the programs are compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct How {
    /// Optimised.
    pub(crate) release: bool,
    /// For NVIDIA's GPUs, those that can use one.
    pub(crate) cuda: bool,
}

impl Options {
    fn how(&self) -> How {
        How { release: self.release, cuda: self.cuda }
    }
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
    /// The cache of a development cluster.
    Redis,
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
            Self::Redis => "redis",
        }
    }

    /// What is built from our own source.
    pub(crate) fn is_ours(self) -> bool {
        !matches!(self, Self::Restate | Self::Model | Self::Redis)
    }

    fn all() -> Vec<Self> {
        Self::value_variants().to_vec()
    }
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    if let Some(folder) = &options.context {
        Context::write(folder, &Image::all(), options.how())?;
        return Ok(ExitCode::SUCCESS);
    }
    let chosen = if options.images.is_empty() { Image::all() } else { options.images.clone() };
    let version = Version::read()?;
    let tag = options.tag.clone().unwrap_or_else(|| version.tag());
    let builder = Builder {
        registry: options.push.as_deref(),
        tag: &tag,
        version: &version,
        how: options.how(),
        no_cache: options.no_cache,
    };
    // What docker/compose runs unless it is told otherwise.
    maily_testkit::sample().map_err(|error| error.to_string())?;
    let references = builder.build(&chosen)?;
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
    how: How,
) -> Result<Vec<String>> {
    Builder { registry, tag, version, how, no_cache: false }.build(images)
}

/// How images are built.
struct Builder<'a> {
    registry: Option<&'a str>,
    tag: &'a str,
    version: &'a Version,
    how: How,
    no_cache: bool,
}

impl Builder<'_> {
    fn build(&self, images: &[Image]) -> Result<Vec<String>> {
        let docker = docker::ready_to_build()?;
        let context = Context::in_cache(images, self.how)?;
        let references =
            images.iter().map(|image| self.one(&docker, &context, *image)).collect::<Result<Vec<_>>>()?;
        let ours: Vec<Image> = images.iter().copied().filter(|image| image.is_ours()).collect();
        if !ours.is_empty() {
            let bills = sbom::write(&ours, self.tag, self.version)?;
            say(&format!("Bills of materials: {}/maily-*_{}.cdx.json", bills.display(), self.tag));
        }
        Ok(references)
    }

    fn one(&self, docker: &Path, context: &Context, image: Image) -> Result<String> {
        let prefix = self.registry.map(|registry| format!("{}/", registry.trim_end_matches('/')));
        let reference = format!("{}maily/{}:{}", prefix.unwrap_or_default(), image.name(), self.tag);
        say(&format!("Building {reference}"));
        // A name of this process's own: another one may be building the same content, and take it away again.
        let building = format!("maily-building/{}:{}", image.name(), std::process::id());
        {
            let _alone = maily_testkit::docker::build_alone().map_err(|error| error.to_string())?;
            run_program(&mut self.command(docker, context, image, &building))
                .map_err(|error| format!("{error}{}", maily_testkit::docker::ended(docker)))?;
        }
        let stamped = stamp::stamp(docker, &building, &reference, &self.version.created());
        run_program(Command::new(docker).args(["image", "rm", &building]).stdout(Stdio::null()))?;
        stamped.map(|()| reference)
    }

    fn command(&self, docker: &Path, context: &Context, image: Image, reference: &str) -> Command {
        let mut command = Command::new(docker);
        command.env("DOCKER_BUILDKIT", "1").env("SOURCE_DATE_EPOCH", self.version.seconds().to_string());
        command.args(["build", "--quiet", "--tag", reference, "--file"]);
        if image.is_ours() {
            command.arg(context.dir().join("docker/Dockerfile.base"));
            for (name, value) in [
                ("BINARIES", "prebuilt"),
                ("SERVICE", image.name()),
                ("VERSION", env!("CARGO_PKG_VERSION")),
                ("REVISION", self.version.revision()),
                ("CREATED", &self.version.created()),
            ] {
                command.arg("--build-arg").arg(format!("{name}={value}"));
            }
            if self.how.cuda && image == Image::Inference {
                command.args(["--build-arg", "VARIANT=cuda"]);
            }
        } else {
            command.arg(context.dir().join("docker/Dockerfile.parts")).args(["--target", image.name()]);
        }
        if self.no_cache {
            command.arg("--no-cache");
        }
        command.arg(context.dir()).stdout(Stdio::null());
        command
    }
}

fn push(reference: &str) -> Result<()> {
    say(&format!("Pushing {reference}"));
    run_program(Command::new(docker::ready()?).args(["push", "--quiet", reference]))
}

/// A table: image, id, size.
fn show(references: &[String]) -> Result<()> {
    let mut inspect = Command::new(docker::ready()?);
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
