//! The folder that images are built from: programs without debug information, the model, and the Dockerfiles.
//!
//! Cargo has built the programs already, for `up` and for the tests; compiling them again inside Docker would cost as
//! much again. Someone without this workspace's cache has Docker compile (`docker/README.md`).

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use maily_testkit::cache;

use super::{How, Image};
use crate::{
    check::GPU,
    fetch,
    shell::{Result, cargo, root, run, say, target_dir},
};

const FILES: [&str; 2] = ["docker/Dockerfile.base", "docker/Dockerfile.parts"];

/// A written build context.
pub(crate) struct Context(PathBuf);

impl Context {
    /// Writes what these images need into the cache folder.
    pub(crate) fn in_cache(images: &[Image], how: How) -> Result<Self> {
        Self::write(&cache::dir().join("images/context"), images, how)
    }

    /// Writes what these images need into a folder.
    pub(crate) fn write(dir: &Path, images: &[Image], how: How) -> Result<Self> {
        let context = Self(dir.to_owned());
        for file in FILES {
            place(&root().join(file), &context.0.join(file))?;
        }
        if images.iter().any(|image| image.is_ours()) {
            build(how)?;
        }
        let built = target_dir().join(if how.release { "release" } else { "debug" });
        for image in images {
            match image {
                Image::Model => {
                    fetch::for_up()?;
                    let model = cache::model();
                    let name = model.file_name().unwrap_or_default();
                    place(&model, &context.0.join("model").join(name))?;
                }
                Image::Restate => {
                    fetch::for_up()?;
                    place(&cache::restate(), &context.0.join("programs/restate-server"))?;
                }
                // Docker takes it from Debian's package.
                Image::Redis => {}
                ours => {
                    let name = format!("maily-{}", ours.name());
                    strip(&built.join(&name), &context.0.join("programs").join(&name))?;
                }
            }
        }
        Ok(context)
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.0
    }
}

/// The same build as that of `up`, unless it is for GPUs: one set of features, so that nothing is compiled twice.
fn build(how: How) -> Result<()> {
    say("Building the programs");
    let profile: &[&str] = if how.release { &["--release"] } else { &[] };
    let features: &[&str] = if how.cuda { &["--features", GPU] } else { &[] };
    run(cargo(&["build", "--workspace", "--bins"]).args(profile).args(features))
}

/// Copies a program without its debug information; its symbols stay, for backtraces.
fn strip(from: &Path, to: &Path) -> Result<()> {
    folder_of(to)?;
    run(Command::new("strip").arg("--strip-debug").arg("-o").arg(to).arg(from))
        .map_err(|error| format!("{error}; strip comes with the C compiler (binutils)"))
}

/// Puts a file into the context: as a link where that can be, because a model is large.
fn place(from: &Path, to: &Path) -> Result<()> {
    folder_of(to)?;
    let _ = fs::remove_file(to);
    if to.starts_with(cache::dir()) && fs::hard_link(from, to).is_ok() {
        return Ok(());
    }
    fs::copy(from, to).map(drop).map_err(|error| format!("{}: {error}", from.display()))
}

fn folder_of(path: &Path) -> Result<()> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))
}
