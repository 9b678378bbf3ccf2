//! The real parts that the tests of `terraform/` run against: fetched and built by name, kept, never built again.
//!
//! A machine that can't have one says which, and the tests that need it are left out and named in the report.

use std::{
    collections::BTreeMap,
    env::consts::{ARCH, OS},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use maily_testkit::cache;

use crate::{
    fetch,
    shell::{self, Result, run, say},
};

/// Azure's real provider. Its releases are in Terraform's registry; as a Go module it has no tag of the major version,
/// so the commit of 5.2.0 stands for it (Go checks the module's sum).
const AZURERM: &str = "github.com/hashicorp/terraform-provider-azurerm";
const AZURERM_MODULE: &str = "v1.44.1-0.20260824201233-fae580791926";
const AZURERM_VERSION: &str = "5.2.0";
const TFLINT: &str = "github.com/terraform-linters/tflint";
const TFLINT_VERSION: &str = "0.64.0";
const CHECKOV: [&str; 1] = ["checkov==3.3.30"];
/// A stand-in for S3 with its own clients, for the state's backend.
const MOTO: [&str; 1] = ["moto[server]==5.2.5"];

/// Set where minutes of building are too long: what is not there yet is then left out, and named.
pub(crate) const NO_BUILD: &str = "MAILY_NO_BUILD";

/// What there is, as environment variables for the tests; and a sentence for each part that could not be had.
#[derive(Default)]
pub(crate) struct Parts {
    pub(crate) environment: BTreeMap<&'static str, PathBuf>,
    pub(crate) missing: Vec<String>,
}

/// Fetches and builds what is missing. One part's failure leaves the others.
pub(crate) fn fetch() -> Parts {
    let mut parts = Parts::default();
    parts.add("MAILY_AZURERM", "the Azure provider", azurerm());
    parts.add("MAILY_TFLINT", "tflint", tflint());
    parts.add("MAILY_CHECKOV", "checkov", fetch::python_program("checkov", &CHECKOV, "checkov"));
    parts.add("MAILY_MOTO", "moto", fetch::python_program("moto", &MOTO, "moto_server"));
    parts.add("MAILY_TERRAFORM_STUBS", "the AWS and Google schema stubs", stubs());
    parts.add("TF_CLI_CONFIG_FILE", "Terraform's configuration", configuration());
    // By its path, and not as the running program: the build of all programs may have replaced that one.
    parts.environment.insert("MAILY_XTASK", shell::target_dir().join("debug/xtask"));
    parts
}

impl Parts {
    fn add(&mut self, variable: &'static str, what: &str, part: Result<PathBuf>) {
        match part {
            Ok(path) => drop(self.environment.insert(variable, path)),
            Err(error) => self.missing.push(format!("{what}: {error}")),
        }
    }
}

fn folder() -> PathBuf {
    cache::dir().join("terraform")
}

/// The provider, where a filesystem mirror has it.
fn azurerm() -> Result<PathBuf> {
    let mirror = folder().join("mirror/registry.terraform.io/hashicorp/azurerm").join(AZURERM_VERSION);
    let program = mirror.join(platform()?).join(format!("terraform-provider-azurerm_v{AZURERM_VERSION}"));
    if program.exists() {
        return Ok(program);
    }
    let what = format!("the Azure provider {AZURERM_VERSION} (Go; about 20 minutes of computing, once)");
    let linked = format!("-s -w -X {AZURERM}/version.ProviderVersion={AZURERM_VERSION}");
    let built = go_install(&what, &linked, AZURERM, AZURERM_MODULE, "terraform-provider-azurerm")?;
    keep(&built, program)
}

fn tflint() -> Result<PathBuf> {
    let program = folder().join(format!("bin/tflint-{TFLINT_VERSION}"));
    if program.exists() {
        return Ok(program);
    }
    let what = format!("tflint {TFLINT_VERSION} (Go, once)");
    let built = go_install(&what, "-s -w", TFLINT, &format!("v{TFLINT_VERSION}"), "tflint")?;
    keep(&built, program)
}

/// `go install`, into a folder of ours.
fn go_install(what: &str, linked: &str, module: &str, version: &str, program: &str) -> Result<PathBuf> {
    if std::env::var_os(NO_BUILD).is_some() {
        return Err(format!("it is not built yet, and {NO_BUILD} says not to"));
    }
    say(&format!("Building {what}"));
    let folder = folder().join("build");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut go = Command::new("go");
    // Two at a time: the provider's packages take gigabytes each.
    go.args(["install", "-p", "2", "-ldflags", linked]).arg(format!("{module}@{version}"));
    run(go.env("GOBIN", &folder).current_dir(&folder))
        .map_err(|error| format!("{error}; it needs Go 1.26"))?;
    Ok(folder.join(program))
}

/// Moves what was built to its place: a place that exists is whole.
fn keep(built: &Path, place: PathBuf) -> Result<PathBuf> {
    let moved = || {
        fs::create_dir_all(place.parent().unwrap_or(&place))?;
        fs::rename(built, &place)
    };
    moved().map_err(|error| format!("{}: {error}", place.display()))?;
    Ok(place)
}

/// The test stubs of the AWS and Google providers, of the schemas in their npm packages.
fn stubs() -> Result<PathBuf> {
    let mut node = Command::new("node");
    node.arg(shell::root().join("tests/terraform/schemas/build.mjs"));
    shell::output(&mut node).map(|path| path.trim().into())
}

/// Tells Terraform to take providers from the mirror and from nowhere else.
fn configuration() -> Result<PathBuf> {
    let (file, mirror) = (folder().join("mirror.tfrc"), folder().join("mirror"));
    let text = format!("provider_installation {{\n  filesystem_mirror {{\n    path = {mirror:?}\n  }}\n}}\n");
    let write = || {
        fs::create_dir_all(&mirror)?;
        fs::write(&file, text)
    };
    write().map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(file)
}

/// This machine, as Go and Terraform name it.
fn platform() -> Result<String> {
    let system = match OS {
        "macos" => "darwin",
        other => other,
    };
    match ARCH {
        "x86_64" => Ok(format!("{system}_amd64")),
        "aarch64" => Ok(format!("{system}_arm64")),
        other => Err(format!("there is no provider for {other}")),
    }
}
