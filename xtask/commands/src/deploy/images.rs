//! The images of a deployment. Each is named after its content, so that what has not changed is not rolled out again.

use std::process::Command;

use crate::{
    cluster,
    images::{self as built, Version},
    shell::{Result, output, run, say},
};

/// Every image that the manifests name.
const IMAGES: [built::Image; 8] = [
    built::Image::Storage,
    built::Image::Compliance,
    built::Image::Guardrails,
    built::Image::Inference,
    built::Image::Orchestrator,
    built::Image::Restate,
    built::Image::Model,
    built::Image::Redis,
];

/// An image that Docker has.
pub(super) struct Image {
    /// What the manifests call it: `maily/NAME`.
    pub(super) name: String,
    /// The build's tag and the begin of the image's id: never another content under the same name.
    pub(super) tag: String,
}

impl Image {
    fn local(&self) -> String {
        format!("{}:{}", self.name, self.tag)
    }

    /// How the cluster names it.
    pub(super) fn reference(&self, registry: Option<&str>) -> String {
        match registry {
            Some(registry) => format!("{registry}/{}", self.local()),
            None => self.local(),
        }
    }
}

/// Builds them all; where there are GPUs (k8s/components/gpu), optimised and for those.
pub(super) fn build(tag: &str, gpus: bool) -> Result<()> {
    let how = built::How { release: gpus, cuda: gpus };
    built::build(&IMAGES, None, tag, &Version::read()?, how).map(drop)
}

/// The built images.
pub(super) fn find(tag: &str) -> Result<Vec<Image>> {
    IMAGES.iter().map(|image| self::image(image.name(), tag)).collect()
}

/// Images as a build would tag them, for showing what would change before there is a build.
pub(super) fn unbuilt(tag: &str) -> Vec<Image> {
    IMAGES
        .iter()
        .map(|image| Image { name: format!("maily/{}", image.name()), tag: tag.to_owned() })
        .collect()
}

fn image(name: &str, tag: &str) -> Result<Image> {
    let name = format!("maily/{name}");
    let built = format!("{name}:{tag}");
    let id = output(docker()?.args(["image", "inspect", "--format", "{{.Id}}", &built]))
        .map_err(|_| format!("Docker has no image {built}; the step `images` builds it"))?;
    let id = id.trim().trim_start_matches("sha256:");
    let image = Image { name, tag: format!("{tag}-{}", id.get(..12).unwrap_or(id)) };
    run(docker()?.args(["tag", &built, &image.local()]))?;
    Ok(image)
}

/// Brings them to where the cluster gets its images from.
pub(super) fn push(images: &[Image], registry: Option<&str>, local: bool) -> Result<()> {
    if local && registry.is_none() {
        let names: Vec<String> = images.iter().map(Image::local).collect();
        return cluster::load(&cluster::Layout::new(), &names);
    }
    for image in images {
        let reference = image.reference(registry);
        say(&format!("  {reference}"));
        run(docker()?.args(["tag", &image.local(), &reference]))?;
        run(docker()?.args(["push", "--quiet", &reference]))?;
    }
    Ok(())
}

fn docker() -> Result<Command> {
    maily_testkit::docker::client().map(Command::new)
}
