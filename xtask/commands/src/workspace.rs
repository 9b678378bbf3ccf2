//! The workspace as cargo knows it: its packages, where they are, and their test programs.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::shell::{Result, cargo, output, root};

/// A package of the workspace.
#[derive(Clone, Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// Below the root.
    pub(crate) folder: String,
    /// Those in files of their own, without the tests beside the code.
    pub(crate) programs: Vec<Program>,
}

/// A test program.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) name: String,
    /// The file that it begins with.
    pub(crate) source: PathBuf,
}

/// All packages, by name.
pub(crate) fn packages() -> Result<Vec<Package>> {
    let text = output(&mut cargo(&["metadata", "--format-version", "1", "--locked", "--no-deps"]))?;
    let known: Value = serde_json::from_str(&text).map_err(|error| format!("cargo metadata: {error}"))?;
    let mut all: Vec<Package> =
        known["packages"].as_array().into_iter().flatten().filter_map(package).collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(all)
}

fn package(about: &Value) -> Option<Package> {
    let manifest = Path::new(about["manifest_path"].as_str()?);
    let folder = manifest.parent()?.strip_prefix(root()).ok()?.to_string_lossy().into_owned();
    let programs = about["targets"].as_array()?.iter().filter(|target| target["kind"][0] == "test");
    let program = |target: &Value| {
        let name = target["name"].as_str()?.to_owned();
        Some(Program { name, source: target["src_path"].as_str()?.into() })
    };
    let programs = programs.filter_map(program).collect();
    Some(Package { name: about["name"].as_str()?.to_owned(), folder, programs })
}
