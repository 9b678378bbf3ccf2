//! Storage: the S3 protocol over a plain object store, encrypting and keeping each bucket in its region.
//!
//! * An object's bytes are one or more **blobs**: immutable files with random names, encrypted in the C2SP
//!   chunked-encryption format (Cobblestone-256), each under a key of its own. Ranges decrypt only what they touch.
//! * The **index**, a SlateDB per region, says which blobs are which object, and holds their keys, wrapped under the
//!   region's epoch key ([`maily_keys::KeyTable`]). Every change goes through one lock per region and is acknowledged
//!   when it is durable, so conditional writes have exactly one winner.
//! * Each region is in an object store of its own (`maily_store`): blobs by overwriting, databases by conditional writes.
//! * In the clear in it are sizes, times, and of each file of an index the first and last row's **name**, which
//!   holds a bucket's and an object's: SlateDB encrypts blocks of rows, not its files' borders, and listing needs names
//!   in order, so that they can't be hashed. Clients must put no personal data into names; Maily's own hold none.
//! * A blob is named by an object, by a part of an upload, or by the index's **journal**; whatever is killed when,
//!   the sweeper finds what nothing names.
//! * **Residency**: a bucket lies in one region; a request is signed for one region and reaches no other.
//!
//! s3s speaks the protocol; what it leaves open, `access` closes.

mod access;
mod blobs;
mod commit;
mod conditions;
mod config;
mod error;
mod read;
mod region;
mod rights;
mod rows;
mod s3;
mod sums;
mod sweep;
mod turn;
mod write;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use maily_chassis::{Boot, EdgeAuth, Follow, Listeners};
use maily_keys::{AccessKey, RootKeys, RotationSchedule, open_roots, read_access_keys, rotate};
use object_store::ObjectStore;
use tokio_util::sync::CancellationToken;

use crate::access::AccessKeys;
pub use crate::config::{Config, REGIONS, RegionConfig};
pub use crate::error::Error;
use crate::region::Region;
use crate::s3::Gateway;

/// Each region's store.
pub type Stores = BTreeMap<&'static str, Arc<dyn ObjectStore>>;

/// A folder for each region, named after it, below `root`.
///
/// # Errors
/// One can't be made or used.
pub fn folders(root: &Path) -> Result<Stores, Error> {
    let opened = REGIONS.map(|name| Ok::<_, Error>((name, maily_store::folder(&root.join(name))?)));
    opened.into_iter().collect()
}

/// The open storage.
pub struct Storage {
    regions: BTreeMap<&'static str, Arc<Region>>,
    gateway: Gateway,
}

impl Storage {
    /// Opens every region in its store, for `tenant`, under `roots`.
    ///
    /// # Errors
    /// Any; storage that can't be opened whole is not opened.
    pub async fn open(
        stores: Stores,
        tenant: &str,
        roots: Arc<dyn RootKeys>,
        keys: Vec<AccessKey>,
        max_object_bytes: u64,
    ) -> Result<Self, Error> {
        let keys = AccessKeys::new(keys)?;
        let opening =
            stores.into_iter().map(|(name, store)| Region::open(name, store, Arc::clone(&roots), tenant));
        let regions = futures::future::try_join_all(opening).await?;
        let regions: BTreeMap<_, _> = regions.into_iter().map(|region| (region.name, region)).collect();
        let gateway = Gateway::new(regions.clone(), keys, max_object_bytes);
        Ok(Self { regions, gateway })
    }

    /// The same, at a domain of its own: `BUCKET.domain` names a bucket.
    ///
    /// # Errors
    /// [`Error::Config`] when `domain` is not the name of one.
    pub fn at_domain(mut self, domain: &str) -> Result<Self, Error> {
        self.gateway = self.gateway.at_domain(domain)?;
        Ok(self)
    }

    /// From here on these access keys are known, and no others.
    ///
    /// # Errors
    /// [`Error::Config`] when one is of a region that there is not; then nothing changes.
    pub fn use_keys(&self, keys: Vec<AccessKey>) -> Result<(), Error> {
        self.gateway.use_keys(keys)
    }

    /// The S3 API for one listener; each may receive so many bodies at once.
    pub fn router(&self) -> axum::Router {
        s3::router(&self.gateway)
    }

    /// Rotates every region's epoch by this schedule, until `shutdown`.
    pub fn keep_rotating(&self, schedule: &RotationSchedule, shutdown: &CancellationToken) {
        for region in self.regions.values() {
            let (region, schedule, shutdown) = (Arc::clone(region), schedule.clone(), shutdown.clone());
            tokio::spawn(async move { schedule.keep(region.as_ref(), shutdown).await });
        }
    }

    /// Turns every region's epoch now: what was deleted before can be read from no copy afterwards. Answers how many
    /// keys were wrapped anew.
    ///
    /// # Errors
    /// Any; an unfinished turn is finished by the next.
    pub async fn turn(&self) -> Result<u64, Error> {
        let mut count = 0;
        for region in self.regions.values() {
            count += rotate(region.as_ref(), Timestamp::now()).await?;
        }
        Ok(count)
    }

    /// Waits until a region's database is closed under us, which only a new process can mend.
    pub async fn lost(&self) -> Error {
        futures::future::select_all(self.regions.values().map(|region| Box::pin(region.lost()))).await.0
    }

    /// Closes the databases; every acknowledged write is durable without it.
    ///
    /// # Errors
    /// Any.
    pub async fn close(&self) -> Result<(), Error> {
        futures::future::try_join_all(self.regions.values().map(|region| region.close())).await?;
        Ok(())
    }
}

/// Runs the service.
///
/// # Errors
/// A setting that can't be used, or storage that can't be opened or kept.
pub async fn run(boot: Boot<Config>) -> Result<(), maily_chassis::Error> {
    let (config, data) = (&boot.config.service, &boot.config.data);
    let within =
        |path: &Option<std::path::PathBuf>, name: &str| path.clone().unwrap_or_else(|| data.join(name));
    let roots = open_roots(&boot, &within(&config.keyring, "keyring.json")).await?;
    let credentials = within(&config.credentials, "credentials.toml");
    let keys = read_access_keys(&credentials).map_err(|e| boot.fatal(e))?;
    let stores = config.stores(&within(&config.root, "objects"))?;
    let storage = Storage::open(stores, &config.tenant, roots, keys, config.max_object_bytes).await?;
    let storage = match &config.domain {
        Some(domain) => storage.at_domain(domain)?,
        None => storage,
    };
    let storage = Arc::new(storage);
    let (changed, file) = (Arc::clone(&storage), credentials.clone());
    let again = move || {
        let keys = read_access_keys(&file).map_err(|error| error.to_string())?;
        changed.use_keys(keys).map_err(|error| error.to_string())
    };
    tokio::spawn(Follow::new(vec![credentials], again).keep(boot.shutdown.clone()));
    let schedule = RotationSchedule::new(config.epoch_hours, Arc::new(Timestamp::now));
    storage.keep_rotating(&schedule, &boot.shutdown);
    let (fatal, watched) = (boot.fatal_handle(), Arc::clone(&storage));
    tokio::spawn(async move { fatal.raise(watched.lost().await.into()) });
    let listeners = Listeners::new()
        .internal(storage.router())
        .edge(storage.router(), EdgeAuth::OwnThrottled(s3::slow_down))
        .problems(s3::by_the_listener)
        .streams(s3::held);
    // The answer to an upload comes after its last byte, whenever that is; `s3` has the deadlines.
    let served = boot.serve(listeners.own_deadlines()).await;
    let closed = storage.close().await;
    // Why it ended comes first: closing what was lost fails as well.
    served?;
    Ok(closed?)
}
