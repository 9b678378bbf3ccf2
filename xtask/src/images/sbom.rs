//! A software bill of materials for each service (CycloneDX), by `cargo-cyclonedx`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use maily_testkit::cache;

use super::Image;
use crate::shell::{Result, cargo, root, run, say};

const VERSION: &str = "0.5.9";

/// Writes `DIR/SERVICE.cdx.json` for each image of ours.
pub(super) fn write(dir: &Path, images: &[Image]) -> Result<()> {
    let tool = tool()?;
    fs::create_dir_all(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    for image in images.iter().filter(|image| image.is_ours()) {
        let name = image.name();
        say(&format!("Writing {}", dir.join(format!("{name}.cdx.json")).display()));
        let package = package(*image);
        // The tool writes beside the manifest, and nowhere else.
        let written = package.join(format!("maily-{name}.cdx.json"));
        let mut command = Command::new(&tool);
        command.args(["cyclonedx", "--format", "json", "--spec-version", "1.5", "--target", "all"]);
        command.args(["--override-filename", &format!("maily-{name}.cdx"), "--manifest-path"]);
        run(command.arg(package.join("Cargo.toml")).current_dir(root()))?;
        let to = dir.join(format!("{name}.cdx.json"));
        fs::copy(&written, &to).map_err(|error| format!("{}: {error}", written.display()))?;
        fs::remove_file(&written).map_err(|error| format!("{}: {error}", written.display()))?;
    }
    Ok(())
}

fn package(image: Image) -> PathBuf {
    match image {
        Image::Bootstrap => root().join("libs/testkit"),
        service => root().join("services").join(service.name()),
    }
}

/// The tool, built once into the cache folder.
fn tool() -> Result<PathBuf> {
    let tools = cache::dir().join("tools");
    let tool = tools.join("bin/cargo-cyclonedx");
    let stamp = tools.join(format!("cargo-cyclonedx-{VERSION}"));
    if !stamp.exists() || !tool.exists() {
        say(&format!("Building cargo-cyclonedx {VERSION} (once)"));
        let mut install = cargo(&["install", "--locked", "--quiet", "--version", VERSION, "--root"]);
        run(install.arg(&tools).arg("cargo-cyclonedx").env_remove("CARGO_TARGET_DIR"))?;
        fs::write(&stamp, "").map_err(|error| format!("{}: {error}", stamp.display()))?;
    }
    Ok(tool)
}
