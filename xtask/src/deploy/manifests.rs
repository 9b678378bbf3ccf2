//! The manifests of an environment: its overlay, with the images of this deployment.

use std::{fs, path::PathBuf};

use super::{environment::Environment, images::Image};
use crate::{
    kubectl::Kubectl,
    shell::{Result, root},
};

/// Renders an overlay with these images.
pub(super) fn render(environment: Environment, images: &[Image], registry: Option<&str>) -> Result<String> {
    let folder = folder(environment)?;
    let mut text = format!(
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [../../../k8s/overlays/{environment}]\nimages:\n"
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

/// A folder in the tree, because a kustomization names others by relative paths only.
fn folder(environment: Environment) -> Result<PathBuf> {
    let folder = root().join("target/deploy").join(environment.to_string());
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(folder)
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
