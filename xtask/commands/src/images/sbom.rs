//! The bill of materials of a program (CycloneDX): every crate in it, with its version, licence and origin.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use maily_testkit::cache;

use super::{Image, Version};
use crate::{
    fetch::folder,
    shell::{Result, cargo, output, root, run, say},
};

const TOOL: &str = "cargo-cyclonedx";
const TOOL_VERSION: &str = "0.5.9";
/// Of CycloneDX.
const SPECIFICATION: &str = "1.5";

/// Writes the bills of these images beside them, as `maily-SERVICE_TAG.cdx.json`; answers the folder.
pub(super) fn write(images: &[Image], tag: &str, version: &Version) -> Result<PathBuf> {
    let tool = tool()?;
    say(&format!("Writing the bills of materials (CycloneDX {SPECIFICATION})"));
    let tree = tree()?;
    let mut command = Command::new(tool);
    command.args([
        "cyclonedx",
        "--quiet",
        "--format",
        "json",
        "--spec-version",
        SPECIFICATION,
        "--manifest-path",
    ]);
    // With it set the tool writes no time and no random number.
    command.arg(tree.join("Cargo.toml")).env("SOURCE_DATE_EPOCH", version.seconds().to_string());
    run(&mut command)?;
    let bills = folder("images/sbom")?;
    for image in images {
        let from = tree.join(source(*image)).join(format!("{}.cdx.json", package(*image)));
        let to = bills.join(format!("maily-{}_{tag}.cdx.json", image.name()));
        let bill = fs::read_to_string(&from).map_err(|error| format!("{}: {error}", from.display()))?;
        // The same on every machine: no path of this one.
        let bill = bill.replace(&format!("file://{}", tree.display()), "file:///maily");
        fs::write(&to, bill).map_err(|error| format!("{}: {error}", to.display()))?;
    }
    Ok(bills)
}

fn package(image: Image) -> String {
    match image {
        Image::Bootstrap => "maily-testkit".to_owned(),
        image => format!("maily-{}", image.name()),
    }
}

fn source(image: Image) -> PathBuf {
    match image {
        Image::Bootstrap => "libs/testkit".into(),
        image => Path::new("services").join(image.name()),
    }
}

/// The program, compiled once.
fn tool() -> Result<PathBuf> {
    let home = cache::dir().join("tools");
    let tool = home.join("bin").join(TOOL);
    let is_there = || {
        Command::new(&tool).args(["cyclonedx", "--version"]).output().is_ok_and(|output| {
            output.status.success() && String::from_utf8_lossy(&output.stdout).trim().ends_with(TOOL_VERSION)
        })
    };
    if is_there() {
        return Ok(tool);
    }
    // The cluster's images and compose's are made side by side: whoever comes second waits, and does not take the
    // target folder away under the first.
    let place = || {
        fs::create_dir_all(&home)?;
        let lock = fs::File::create(home.join("lock"))?;
        lock.lock().map(|()| lock)
    };
    let _lock = place().map_err(|error| format!("{}: {error}", home.display()))?;
    if is_there() {
        return Ok(tool);
    }
    say(&format!("Compiling {TOOL} {TOOL_VERSION} (crates.io, 2 minutes, once)"));
    let mut install =
        cargo(&["install", TOOL, "--locked", "--quiet", "--force", "--version", TOOL_VERSION, "--root"]);
    // Not among our own programs, with their flags.
    install.arg(&home).env("CARGO_TARGET_DIR", home.join("target")).current_dir(env::temp_dir());
    run(&mut install)?;
    let _ = fs::remove_dir_all(home.join("target"));
    Ok(tool)
}

/// A copy of what cargo reads of the workspace: the tool writes beside each manifest, and the tree is not its place.
fn tree() -> Result<PathBuf> {
    let copy = cache::dir().join("images/sbom-source");
    let _ = fs::remove_dir_all(&copy);
    let mut git = Command::new("git");
    git.args([
        "ls-files",
        "--cached",
        "--others",
        "--exclude-standard",
        "--",
        "*Cargo.toml",
        "Cargo.lock",
        "*.rs",
    ]);
    for file in output(git.current_dir(root()))?.lines().filter(|file| root().join(file).is_file()) {
        let to = copy.join(file);
        let place = || {
            fs::create_dir_all(to.parent().unwrap_or(&copy))?;
            fs::copy(root().join(file), &to)
        };
        place().map_err(|error| format!("{}: {error}", to.display()))?;
    }
    Ok(copy)
}
