//! The real parts that the tests of `terraform/` run against: fetched and built by name, kept, never built again.
//! Each function answers at once where the part is there.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use maily_testkit::cache;

pub(crate) use super::azurerm::{Azurerm, TESTS as AZURERM_TESTS};
use crate::{
    patience, pins,
    shell::{self, Result, say},
};

const TFLINT: &str = "github.com/terraform-linters/tflint";

/// The linter of Terraform.
pub(crate) fn tflint() -> Result<PathBuf> {
    let (program, version) = (cache::tflint(), cache::TFLINT_VERSION);
    if program.exists() {
        return Ok(program);
    }
    say(&format!("Building tflint {version} (from its Go module: about 2 minutes of two cores, once)"));
    let folder = cache::terraform().join("build");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut go = Command::new("go");
    go.args(["install", "-ldflags", "-s -w"]).arg(format!("{TFLINT}@v{version}"));
    patience::run(go.env("GOBIN", &folder).current_dir(&folder))
        .map_err(|error| format!("{error}; it needs Go 1.26"))?;
    keep(&folder.join("tflint"), &program)?;
    Ok(program)
}

/// A stand-in for S3 with its own clients, for the state's backend.
pub(crate) fn moto() -> Result<PathBuf> {
    pins::python_program(&pins::MOTO, "moto_server")
}

/// The test stubs of the AWS and Google providers, of the schemas in their npm packages: a minute, once, and then only
/// what has changed.
pub(crate) fn stubs() -> Result<PathBuf> {
    let mut node = Command::new("node");
    node.arg(shell::root().join("tests/terraform/schemas/build.mjs"));
    shell::output(&mut node).map(|_| cache::terraform_stubs())
}

/// Moves what was built to its place: a place that exists is whole.
pub(super) fn keep(built: &Path, place: &Path) -> Result<()> {
    let moved = || {
        fs::create_dir_all(place.parent().unwrap_or(place))?;
        fs::rename(built, place)
    };
    moved().map_err(|error| format!("{}: {error}", place.display()))
}

/// Tells Terraform to take providers from the mirror and from nowhere else.
pub(super) fn configuration() -> Result<()> {
    let (file, mirror) = (cache::terraform_config(), cache::terraform().join("mirror"));
    let text = format!("provider_installation {{\n  filesystem_mirror {{\n    path = {mirror:?}\n  }}\n}}\n");
    let write = || {
        fs::create_dir_all(&mirror)?;
        fs::write(file.with_extension("part"), text)?;
        fs::rename(file.with_extension("part"), &file)
    };
    write().map_err(|error| format!("{}: {error}", file.display()))
}
