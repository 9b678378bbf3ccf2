//! From settings to a store.

use std::sync::Arc;

use object_store::ObjectStore;

use crate::store_url::Place;
use crate::{StoreError, StoreSettings, cloud, folder};

/// Opens a store. Nothing is asked of it yet, so one that is away, or refuses us, says so at the first request.
///
/// # Errors
/// A setting, or a file that it names, can't be used.
pub fn open(settings: &StoreSettings) -> Result<Arc<dyn ObjectStore>, StoreError> {
    settings.check()?;
    match &settings.url.0 {
        Place::Folder(root) => folder(root),
        Place::Bucket { provider, bucket, prefix } => {
            // An empty one is none, as with most programs.
            let environment = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
            cloud::open(settings, *provider, bucket, prefix, &environment)
        }
    }
}
