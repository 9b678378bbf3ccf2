//! One running Azure provider for the tests of all folders: the one that `terraform init` has chosen there.

use std::path::{Path, PathBuf};

use maily_testkit::Provider;

const AZURE: &str = "hashicorp/azurerm";

/// Starts it. None, if the folder has none or it can't be held: Terraform then starts it itself.
pub(super) fn start(dir: &Path) -> Option<Provider> {
    Provider::start(&program(dir)?, &[]).ok()
}

/// `.terraform/providers/HOST/hashicorp/azurerm/VERSION/PLATFORM/terraform-provider-azurerm_vVERSION`, in a folder that
/// was initialised.
pub(super) fn program(dir: &Path) -> Option<PathBuf> {
    let hosts = dir.join(".terraform/providers").read_dir().ok()?.flatten();
    let versions = hosts.map(|host| host.path().join(AZURE)).find(|versions| versions.is_dir())?;
    let inner = |folder: PathBuf| Some(folder.read_dir().ok()?.next()?.ok()?.path());
    inner(inner(inner(versions)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_the_provider_holds_none() {
        let dir = tempfile::tempdir().unwrap();
        assert!(start(dir.path()).is_none());
    }

    #[test]
    fn the_program_is_found_below_whatever_host_version_and_platform() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join(".terraform/providers/a.host/hashicorp/azurerm/5.2.0/linux_amd64");
        std::fs::create_dir_all(&place).unwrap();
        let file = place.join("terraform-provider-azurerm_v5.2.0");
        std::fs::write(&file, "").unwrap();
        assert_eq!(program(dir.path()), Some(file));
    }
}
