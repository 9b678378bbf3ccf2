//! The manifests of an environment: its overlay, with the images of this deployment.

use std::{
    fs,
    path::{Component, Path, PathBuf},
};

use super::{environment::Environment, images::Image};
use crate::{
    kubectl::Kubectl,
    shell::{Result, root},
};

/// The overlay of an environment.
pub(super) fn overlay(environment: Environment) -> PathBuf {
    root().join("k8s/overlays").join(environment.to_string())
}

/// Renders an overlay with these images.
pub(super) fn render(
    environment: Environment,
    overlay: &Path,
    images: &[Image],
    registry: Option<&str>,
) -> Result<String> {
    let folder = folder(environment)?;
    let overlay = relative(&folder, overlay)?;
    let mut text = format!(
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [{overlay:?}]\nimages:\n"
    );
    for image in images {
        let reference = image.reference(registry);
        let (name, tag) = reference.rsplit_once(':').unwrap_or((&reference, ""));
        text += &format!("  - {{ name: {}, newName: {name}, newTag: {tag:?} }}\n", image.name);
    }
    let file = folder.join("kustomization.yaml");
    fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()))?;
    Kubectl::any().output(&["kustomize", &folder.to_string_lossy()])
}

/// A folder in the tree.
fn folder(environment: Environment) -> Result<PathBuf> {
    let folder = root().join("target/deploy").join(environment.to_string());
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(folder)
}

/// The way from one folder to another: a kustomization names others by relative paths only.
fn relative(from: &Path, to: &Path) -> Result<PathBuf> {
    let whole = |path: &Path| path.canonicalize().map_err(|error| format!("{}: {error}", path.display()));
    let (from, to) = (whole(from)?, whole(to)?);
    let shared = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let up = from.components().skip(shared).map(|_| Component::ParentDir);
    Ok(up.chain(to.components().skip(shared)).collect())
}

/// How many objects these are.
pub(super) fn count(manifests: &str) -> usize {
    manifests.lines().filter(|line| line.starts_with("kind: ")).count()
}

/// What applying would change; none where nothing would. Refusals of the API server are errors.
pub(super) fn diff(kubectl: &Kubectl, manifests: &str) -> Result<Option<String>> {
    let arguments = ["diff", "--server-side", "--force-conflicts", "--field-manager=maily", "-f", "-"];
    let (code, text, said) = kubectl.code(&arguments, manifests)?;
    match code {
        Some(0) => Ok(None),
        Some(1) if !text.is_empty() => Ok(Some(text)),
        _ => Err(said),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_between_two_folders() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["a/b/c", "a/d"] {
            fs::create_dir_all(dir.path().join(name)).unwrap();
        }
        let way = |from: &str, to: &str| relative(&dir.path().join(from), &dir.path().join(to)).unwrap();
        assert_eq!(way("a/b/c", "a/d"), Path::new("../../d"));
        assert_eq!(way("a", "a/b/c"), Path::new("b/c"));
        assert!(relative(dir.path(), &dir.path().join("missing")).is_err());
    }
}
