//! The service's own section of the configuration.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use maily_law::Region;
use maily_store::StoreSettings;
use object_store::ObjectStore;
use serde::Deserialize;

use crate::Error;

/// `[service]` of the configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The object store with the ledgers and their keys; without it the folder `state` below the data folder.
    pub store: Option<StoreSettings>,
    /// The file of root keys (mode 0600; made if missing) where no Vault is configured.
    pub keyring: PathBuf,
    /// Whose lists these are; names keys, `a-z 0-9 -`.
    pub tenant: String,
    /// Recipients on a page, 1 to 4,000.
    pub page_size: u32,
    /// Rows of a list.
    pub max_rows: u64,
    /// Bytes of a list.
    pub max_bytes: u64,
    /// The residency regions whose data is kept here; a list with a row of another is refused.
    pub regions: Vec<String>,
    /// Hours after which the epoch turns and what was sealed for an erased person becomes unreadable in every copy.
    pub epoch_hours: u32,
    /// How long what is held about people is kept.
    pub retention: Retention,
}

/// Days after the import at which rows are removed; 0 keeps them for good.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// Every row, and with it the evidence of consent: three years, in which most claims about a message lapse.
    pub imports_days: u32,
    /// Rows of people who were not written to.
    pub excluded_days: u32,
    /// Which lines could not be read, and why.
    pub invalid_days: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { imports_days: 3 * 365, excluded_days: 90, invalid_days: 90 }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            store: None,
            keyring: PathBuf::from("keyring.json"),
            tenant: "default".into(),
            page_size: 1_000,
            max_rows: 1_000_000,
            max_bytes: 1 << 30,
            regions: Region::ALL.iter().map(|region| region.name().to_owned()).collect(),
            epoch_hours: 24,
            retention: Retention::default(),
        }
    }
}

impl Config {
    /// The store of this service, whose data folder is `data`.
    ///
    /// # Errors
    /// A setting, or a file that it names, can't be used.
    pub(crate) fn open_store(&self, data: &Path) -> Result<Arc<dyn ObjectStore>, Error> {
        Ok(match &self.store {
            Some(settings) => maily_store::open(settings)?,
            None => maily_store::folder(&data.join("state"))?,
        })
    }

    /// The regions, without repetition.
    ///
    /// # Errors
    /// A value out of range, as a sentence.
    pub(crate) fn checked_regions(&self) -> Result<Vec<Region>, Error> {
        if !(1..=4_000).contains(&self.page_size) {
            return Err(Error::Config("service.page_size is not 1 to 4000"));
        }
        let mut regions = Vec::new();
        for name in &self.regions {
            let region = Region::parse(name);
            regions.push(
                region.ok_or(Error::Config("service.regions has one that is not eu, uk, ch, ca or us"))?,
            );
        }
        regions.sort_unstable();
        regions.dedup();
        if regions.is_empty() { Err(Error::Config("service.regions is empty")) } else { Ok(regions) }
    }
}
