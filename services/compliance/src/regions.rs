//! The residency regions that are kept here.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

use futures::future::try_join_all;
use maily_keys::RootKeys;
use maily_law::Region;
use object_store::ObjectStore;

use crate::Error;
use crate::region::RegionState;
use crate::secrets::AddressHash;

/// Each region's databases, open.
pub(crate) struct Regions(BTreeMap<Region, RegionState>);

impl Deref for Regions {
    type Target = BTreeMap<Region, RegionState>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl Regions {
    pub(crate) async fn open(
        regions: &[Region],
        store: &Arc<dyn ObjectStore>,
        roots: &Arc<dyn RootKeys>,
        tenant: &str,
    ) -> Result<Self, Error> {
        let open = regions.iter().map(|region| async move {
            let opened = RegionState::open(Arc::clone(store), Arc::clone(roots), tenant, *region).await?;
            Ok::<_, Error>((*region, opened))
        });
        Ok(Self(try_join_all(open.collect::<Vec<_>>()).await?.into_iter().collect()))
    }

    pub(crate) fn named(&self, name: &str) -> Result<(Region, &RegionState), Error> {
        let region = Region::parse(name).ok_or(Error::NotFound("there is no such region"))?;
        let state = self.0.get(&region).ok_or(Error::NotFound("the region is not kept here"))?;
        Ok((region, state))
    }

    /// The region that keeps what belongs to none.
    pub(crate) fn first(&self) -> Result<&RegionState, Error> {
        self.0.values().next().ok_or(Error::NotFound("no region is kept here"))
    }

    /// Every hash that may stand for a person in records of before: theirs, and the one that the evidence maps it to.
    pub(crate) async fn names(&self, address: AddressHash) -> Result<Vec<AddressHash>, Error> {
        let mut names = vec![address];
        for region in self.0.values() {
            let renamed = region.renamed(&address).await?;
            names.extend(renamed.filter(|renamed| *renamed != address));
        }
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }
}
