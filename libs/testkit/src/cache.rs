//! The one folder where everything fetched or built for Maily is kept: `~/.cache/maily`, or `MAILY_CACHE`.

use std::{env, path::PathBuf, thread};

/// Of Azure's provider.
pub const AZURERM_VERSION: &str = "5.2.0";
/// Of the linter of Terraform.
pub const TFLINT_VERSION: &str = "0.64.0";

/// The cache folder.
#[must_use]
pub fn dir() -> PathBuf {
    let home = || PathBuf::from(env::var_os("HOME").unwrap_or_else(|| "/root".into())).join(".cache/maily");
    env::var_os("MAILY_CACHE").map_or_else(home, PathBuf::from)
}

/// The local model: SmolLM2-135M-Instruct, unless `MAILY_MODEL` names another checkpoint.
#[must_use]
pub fn model() -> PathBuf {
    let fetched = || dir().join("models/SmolLM2-135M-Instruct.gguf");
    env::var_os("MAILY_MODEL").map_or_else(fetched, PathBuf::from)
}

/// The Restate server, as its npm package lays it out.
#[must_use]
pub fn restate() -> PathBuf {
    let platform = match env::consts::ARCH {
        "aarch64" => "linux-arm64",
        _ => "linux-x64",
    };
    dir().join(format!("npm/node_modules/@restatedev/restate-server-{platform}/bin/restate-server"))
}

/// The Vault core of the tests, built from `tests/peers/vault`.
#[must_use]
pub fn vault() -> PathBuf {
    dir().join("bin/vault")
}

/// The Redis server of the tests: the machine's, or that of Debian's package.
#[must_use]
pub fn redis() -> PathBuf {
    dir().join("bin/redis-server")
}

/// The Prometheus of the tests: the machine's, or that of Debian's package.
#[must_use]
pub fn prometheus() -> PathBuf {
    dir().join("bin/prometheus")
}

/// An S3 store over a folder, built from its Go module.
#[must_use]
pub fn versitygw() -> PathBuf {
    dir().join("bin/versitygw")
}

/// A stand-in for Azure Blob Storage, as npm installs it.
#[must_use]
pub fn azurite() -> PathBuf {
    dir().join("azurite/node_modules/.bin/azurite-blob")
}

/// prometheus-adapter, which the cluster's programs are built with.
#[must_use]
pub fn adapter() -> PathBuf {
    dir().join("cluster/bin/adapter")
}

/// The Python whose environment has the peers' client libraries.
#[must_use]
pub fn peers_python() -> PathBuf {
    python_program("peers", "python")
}

/// The Go TLS client of the tests, built from `tests/peers/pqclient`.
#[must_use]
pub fn go_client() -> PathBuf {
    dir().join("bin/pqclient")
}

/// What validates manifests against Kubernetes' own schemas.
#[must_use]
pub fn kubernetes_validate() -> PathBuf {
    python_program("kubernetes-validate", "kubernetes-validate")
}

/// The linter of manifests and of Terraform.
#[must_use]
pub fn checkov() -> PathBuf {
    python_program("checkov", "checkov")
}

/// A stand-in for S3, for the state's backend.
#[must_use]
pub fn moto() -> PathBuf {
    python_program("moto", "moto_server")
}

/// A program of a Python environment of its own.
#[must_use]
pub fn python_program(environment: &str, program: &str) -> PathBuf {
    dir().join(environment).join("bin").join(program)
}

/// What the tests of `terraform/` run against.
#[must_use]
pub fn terraform() -> PathBuf {
    dir().join("terraform")
}

/// Azure's real provider, where Terraform's filesystem mirror has it.
#[must_use]
pub fn azurerm() -> PathBuf {
    let system = if env::consts::OS == "macos" { "darwin" } else { env::consts::OS };
    let machine = if env::consts::ARCH == "aarch64" { "arm64" } else { "amd64" };
    let versions = terraform().join("mirror/registry.terraform.io/hashicorp/azurerm");
    let place = versions.join(AZURERM_VERSION).join(format!("{system}_{machine}"));
    place.join(format!("terraform-provider-azurerm_v{AZURERM_VERSION}"))
}

/// The test stubs of the AWS and Google providers: one program, which serves either's schema.
#[must_use]
pub fn terraform_stubs() -> PathBuf {
    terraform().join("bin/terraform-provider-stub")
}

/// The schema of a provider, which its stub serves.
#[must_use]
pub fn terraform_schema(provider: &str) -> PathBuf {
    terraform().join(format!("schemas/{provider}.json"))
}

/// Tells Terraform to take providers from the mirror and from nowhere else.
#[must_use]
pub fn terraform_config() -> PathBuf {
    terraform().join("mirror.tfrc")
}

/// The linter of Terraform.
#[must_use]
pub fn tflint() -> PathBuf {
    terraform().join(format!("bin/tflint-{TFLINT_VERSION}"))
}

/// A part that a test can't do without.
///
/// # Panics
/// It is not there: the failure says how it is fetched.
#[must_use]
#[expect(clippy::panic, reason = "for tests, where a panic is the failure")]
pub fn needed(part: PathBuf) -> PathBuf {
    if part.exists() {
        return part;
    }
    // libtest names the thread after the test.
    let thread = thread::current();
    let test = thread.name().filter(|name| *name != "main").unwrap_or_default();
    panic!("{} is missing: `cargo xtask test {test}` fetches it", part.display());
}
