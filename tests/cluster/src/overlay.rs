//! Overlays of a test's own: another one with one thing changed, as a user would keep one.

use std::{
    fs,
    path::{Component, Path, PathBuf},
};

use crate::root;

/// The overlay that everything begins with.
#[must_use]
pub fn dev() -> PathBuf {
    root().join("k8s/overlays/dev")
}

/// Writes a kustomization into `folder` that is `base` with `kind` `name` (regular expressions) patched by `patch`.
///
/// # Panics
/// It can't be written.
#[must_use]
pub fn patched(folder: &Path, base: &Path, (kind, name): (&str, &str), patch: &str) -> PathBuf {
    fs::create_dir_all(folder).unwrap();
    let base = relative(folder, base);
    let patch: String = patch.lines().map(|line| format!("      {line}\n")).collect();
    let text = format!(
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [{base:?}]\npatches:\n  \
         - target: {{ kind: {kind}, name: {name} }}\n    patch: |\n{patch}"
    );
    fs::write(folder.join("kustomization.yaml"), text).unwrap();
    folder.to_owned()
}

/// The way from one folder to another: a kustomization names others by relative paths only.
///
/// # Panics
/// One is not there.
#[must_use]
pub fn relative(from: &Path, to: &Path) -> PathBuf {
    let (from, to) = (from.canonicalize().unwrap(), to.canonicalize().unwrap());
    let shared = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let up = from.components().skip(shared).map(|_| Component::ParentDir);
    up.chain(to.components().skip(shared)).collect()
}
