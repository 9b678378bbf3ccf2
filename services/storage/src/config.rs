//! The service's section of the configuration.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use maily_store::StoreSettings;
use serde::Deserialize;

use crate::{Error, Stores};

/// Where residency regions are; a bucket lies in one of them.
pub const REGIONS: [&str; 5] = ["eu", "uk", "ch", "us", "ca"];

/// `[service]`: every path may be left out, and then lies in the service's data folder.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The folder with a folder for each region that has no store of its own (`<data>/objects`).
    pub root: Option<PathBuf>,
    /// `[service.regions.NAME]`: what a region has of its own.
    pub regions: BTreeMap<String, RegionConfig>,
    /// The S3 access keys, a TOML file of mode 0600 (`<data>/credentials.toml`): see `maily_keys::read_access_keys`.
    pub credentials: Option<PathBuf>,
    /// The local keyring where no Vault is configured, made if missing (`<data>/keyring.json`).
    pub keyring: Option<PathBuf>,
    /// Whose data this is: the name of the root keys (a-z 0-9 -).
    pub tenant: String,
    /// The name that clients call the service by; buckets are at `BUCKET.domain` too. Without it the bucket is in the path
    /// only, and the host is an address or a name without a dot.
    pub domain: Option<String>,
    /// The longest object, in bytes.
    pub max_object_bytes: u64,
    /// Hours after which the epoch turns and deleted objects become unreadable in every copy.
    pub epoch_hours: u32,
}

/// What a region has of its own.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RegionConfig {
    /// The object store with its blobs, its index and its keys; without it a folder (`<root>/NAME`). No two have one.
    pub store: Option<StoreSettings>,
}

impl Config {
    /// Each region's store; `root` has those that are folders by default.
    ///
    /// # Errors
    /// A setting that can't be used, as a sentence.
    pub(crate) fn stores(&self, root: &Path) -> Result<Stores, Error> {
        if let Some(unknown) = self.regions.keys().find(|name| !REGIONS.contains(&name.as_str())) {
            return Err(Error::Config(format!("service.regions: {unknown:?} is not eu, uk, ch, us or ca")));
        }
        let settings = |name: &str| self.regions.get(name)?.store.as_ref();
        for (at, name) in REGIONS.iter().enumerate() {
            let shares =
                |other: &&&str| settings(name).zip(settings(other)).is_some_and(|(a, b)| a.overlaps(b));
            if let Some(other) = REGIONS.iter().skip(at + 1).find(shares) {
                return Err(Error::Config(format!("service.regions: {name} and {other} have one store")));
            }
        }
        let open = |name: &'static str| {
            let opened = match settings(name) {
                Some(settings) => maily_store::open(settings)
                    .map_err(|error| Error::Config(format!("service.regions.{name}: {error}")))?,
                None => maily_store::folder(&root.join(name))?,
            };
            Ok::<_, Error>((name, opened))
        };
        REGIONS.into_iter().map(open).collect()
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            root: None,
            regions: BTreeMap::new(),
            credentials: None,
            keyring: None,
            tenant: "default".into(),
            domain: None,
            max_object_bytes: 5 << 40,
            epoch_hours: 24,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stores(text: &str) -> Result<Vec<String>, String> {
        let dir = tempfile::tempdir().unwrap();
        let config: Config = toml::from_str(text).map_err(|error| error.to_string())?;
        let stores = config.stores(&dir.path().join("objects")).map_err(|error| error.to_string())?;
        assert_eq!(stores.len(), REGIONS.len());
        let names = std::fs::read_dir(dir.path().join("objects")).unwrap();
        let mut names: Vec<String> =
            names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        Ok(names)
    }

    #[test]
    fn a_region_without_a_store_has_its_folder() {
        assert_eq!(stores("").unwrap(), ["ca", "ch", "eu", "uk", "us"]);
        let elsewhere = tempfile::tempdir().unwrap();
        let url = format!("file://{}/eu", elsewhere.path().display());
        assert_eq!(stores(&format!("[regions.eu]\nstore = '{url}'")).unwrap(), ["ca", "ch", "uk", "us"]);
        assert!(elsewhere.path().join("eu").is_dir());
    }

    #[test]
    fn regions_are_kept_apart_and_known() {
        let both = "regions.eu.store = 'file:///data/a'\nregions.uk.store = 'file:///data/a/b'";
        assert!(stores(both).unwrap_err().contains("eu and uk have one store"));
        assert!(stores("regions.fr.store = 'file:///data/a'").unwrap_err().contains("\"fr\" is not eu"));
        assert!(stores("regions.eu.store = 's3://'").unwrap_err().contains("names a bucket"));
        assert!(stores("regions.eu.bucket = 'a'").unwrap_err().contains("unknown field"));
    }
}
