//! The cluster's programs, built from the Go modules that `tests/cluster` pins; each once, then kept in the cache.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use aws_lc_rs::digest::{SHA256, digest};

use super::layout::Layout;
use crate::{
    fetch::link,
    patience,
    shell::{Result, root, say},
};

/// The names that the Kubernetes program goes by.
const NAMES: [&str; 6] =
    ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "kubelet"];

/// Builds what is missing.
pub(super) fn all(layout: &Layout) -> Result<()> {
    fs::create_dir_all(layout.bin()).map_err(|error| format!("{}: {error}", layout.bin().display()))?;
    let sources = root().join("tests/cluster/kubernetes");
    let version = version(&sources.join("go.mod"), "k8s.io/kubernetes")?;
    let flags = flags(&version);
    let built = program(layout, &sources, "kubernetes", &version, ".", &flags)?;
    for name in NAMES {
        link(&built, &layout.bin().join(name))?;
    }
    link(&program(layout, &sources, "pause", &version, "./pause", "-s -w")?, &layout.bin().join("pause"))?;
    tool(layout, "coredns", "github.com/coredns/coredns", ".")?;
    tool(layout, "adapter", "sigs.k8s.io/prometheus-adapter", "./cmd/adapter")
}

/// A program of others, which the module in the folder `name` pins.
fn tool(layout: &Layout, name: &str, module: &str, folder: &str) -> Result<()> {
    let sources = root().join("tests/cluster").join(name);
    let version = version(&sources.join("go.mod"), module)?;
    let package = format!("{module}{}", folder.trim_start_matches('.'));
    link(&program(layout, &sources, name, &version, &package, "-s -w")?, &layout.bin().join(name))
}

/// Kubernetes takes its version from the linker; clients decide by it what the server can do.
fn flags(version: &str) -> String {
    let minor = version.split('.').nth(1).unwrap_or_default();
    let mut flags = "-s -w".to_owned();
    for package in ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"] {
        for (name, value) in
            [("gitVersion", version), ("gitMajor", "1"), ("gitMinor", minor), ("gitTreeState", "clean")]
        {
            flags += &format!(" -X {package}.{name}={value}");
        }
    }
    flags
}

/// Builds one program, unless the cache has it from the same sources.
fn program(
    layout: &Layout,
    sources: &Path,
    name: &str,
    version: &str,
    package: &str,
    flags: &str,
) -> Result<PathBuf> {
    let built = layout.bin().join(format!("{name}-{version}-{}", fingerprint(sources)?));
    if built.exists() {
        return Ok(built);
    }
    say(&format!("Building {name} {version} (once; Kubernetes takes about ten minutes on two cores)"));
    let part = built.with_extension("part");
    let mut go = Command::new("go");
    go.args(["build", "-trimpath", "-ldflags", flags, "-o"]).arg(&part).arg(package);
    go.current_dir(sources).env("CGO_ENABLED", "0").env("GOTOOLCHAIN", "local");
    patience::run(&mut go).map_err(|error| format!("{error}; the cluster needs Go 1.26"))?;
    fs::rename(&part, &built).map_err(|error| format!("{}: {error}", built.display()))?;
    Ok(built)
}

/// Changes with every source and every pinned version.
fn fingerprint(sources: &Path) -> Result<String> {
    let mut all = Vec::new();
    for name in ["go.mod", "go.sum", "main.go", "pause/main.go"] {
        let path = sources.join(name);
        if path.exists() {
            all.extend(fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?);
        }
    }
    Ok(hex::encode(&digest(&SHA256, &all).as_ref()[..4]))
}

/// The version of a module that a go.mod requires.
fn version(file: &Path, module: &str) -> Result<String> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let found = text.lines().find_map(|line| {
        let mut words = line.split_whitespace().filter(|word| *word != "require");
        (words.next() == Some(module)).then(|| words.next()).flatten()
    });
    found.map(ToOwned::to_owned).ok_or_else(|| format!("{} does not require {module}", file.display()))
}
