//! Storage over S3: a client for each residency region, buckets made when first written to.

use std::{collections::HashMap, path::Path};

use bytes::Bytes;
use futures::future::BoxFuture;
use jiff::Timestamp;
use maily_chassis::{Error, PeerClient};
use tokio::sync::OnceCell;

use super::{
    PeerError,
    objects::{Bucket, Folders, Listed, Objects},
};

/// The storage service.
pub(crate) struct S3 {
    regions: HashMap<&'static str, Region>,
    home: &'static str,
}

struct Region {
    client: maily_objects::Objects,
    /// Set once the region's mail bucket is known to exist.
    mail: OnceCell<()>,
    campaigns: OnceCell<()>,
}

impl S3 {
    /// Opens a client for each region; `home` is the region of campaigns. Connects when used.
    ///
    /// # Errors
    /// Credentials that can't be used or lack a region.
    pub(crate) fn open(peer: &PeerClient, credentials: &Path, home: &str) -> Result<Self, Error> {
        let unknown = || Error::new(format!("configuration: service.home_region: {home} is no region"));
        let home = maily_law::Region::parse(home).ok_or_else(unknown)?.name();
        let mut regions = HashMap::new();
        for name in maily_law::Region::ALL.map(maily_law::Region::name) {
            let client =
                maily_objects::Objects::connect(peer.clone(), credentials, name).map_err(Error::new)?;
            regions.insert(name, Region { client, mail: OnceCell::new(), campaigns: OnceCell::new() });
        }
        Ok(Self { regions, home })
    }

    fn region(&self, bucket: &Bucket) -> Result<&Region, PeerError> {
        let name = match bucket {
            Bucket::Campaigns => self.home,
            Bucket::Mail(region) => region,
        };
        self.regions
            .get(name)
            .ok_or(PeerError::Contract { peer: "compliance", what: "a region that is none" })
    }
}

impl Region {
    async fn ensure(&self, bucket: &Bucket) -> Result<(), PeerError> {
        let known = match bucket {
            Bucket::Campaigns => &self.campaigns,
            Bucket::Mail(_) => &self.mail,
        };
        known.get_or_try_init(async || self.client.ensure_bucket(&bucket.name()).await).await?;
        Ok(())
    }
}

impl Objects for S3 {
    fn create<'a>(
        &'a self,
        bucket: &'a Bucket,
        key: &'a str,
        bytes: Bytes,
    ) -> BoxFuture<'a, Result<bool, PeerError>> {
        Box::pin(async move {
            let region = self.region(bucket)?;
            region.ensure(bucket).await?;
            Ok(region.client.put_if_absent(&bucket.name(), key, bytes).await?)
        })
    }

    fn read<'a>(
        &'a self,
        bucket: &'a Bucket,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Option<Bytes>, PeerError>> {
        Box::pin(async move { found(self.region(bucket)?.client.get(&bucket.name(), key).await) })
    }

    fn folders<'a>(
        &'a self,
        bucket: &'a Bucket,
        from: Option<String>,
    ) -> BoxFuture<'a, Result<Folders, PeerError>> {
        Box::pin(async move {
            let page = found(self.region(bucket)?.client.folders(&bucket.name(), from).await)?;
            let Some(page) = page else { return Ok(Folders::default()) };
            let names = page.names.iter().map(|name| name.trim_end_matches('/').to_owned()).collect();
            Ok(Folders { names, next: page.next })
        })
    }

    fn list<'a>(
        &'a self,
        bucket: &'a Bucket,
        prefix: &'a str,
    ) -> BoxFuture<'a, Result<Vec<Listed>, PeerError>> {
        Box::pin(async move {
            let found = found(self.region(bucket)?.client.list(&bucket.name(), prefix).await)?;
            found.unwrap_or_default().into_iter().map(listed).collect::<Result<Vec<_>, _>>()
        })
    }

    fn remove_all<'a>(
        &'a self,
        bucket: &'a Bucket,
        prefix: &'a str,
    ) -> BoxFuture<'a, Result<u64, PeerError>> {
        Box::pin(async move {
            let region = self.region(bucket)?;
            // A region that nobody was written to in has no bucket yet.
            region.ensure(bucket).await?;
            let found = region.client.list(&bucket.name(), prefix).await?;
            for object in &found {
                region.client.delete(&bucket.name(), &object.key).await?;
            }
            Ok(found.len() as u64)
        })
    }
}

/// What there is; nothing where there is no such object, or no such bucket: nobody was written to in the region yet.
fn found<T>(answer: Result<T, maily_objects::Error>) -> Result<Option<T>, PeerError> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(maily_objects::Error::NotFound) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Whether it is us whom storage refuses, and not what we ask: our key, what that may do, or our clock, which somebody will mend. What
/// is refused to a `HEAD` has no code.
fn is_about_us(code: &str) -> bool {
    matches!(
        code,
        "" | "AccessDenied"
            | "AuthorizationHeaderMalformed"
            | "ExpiredToken"
            | "Forbidden"
            | "InvalidAccessKeyId"
            | "RequestTimeTooSkewed"
            | "SignatureDoesNotMatch"
    )
}

fn listed(entry: maily_objects::Entry) -> Result<Listed, PeerError> {
    let written = entry.modified.and_then(|at| Timestamp::from_second(at).ok());
    let what = "an object in a listing was written at no moment";
    let written = written.ok_or(PeerError::Contract { peer: "storage", what })?;
    Ok(Listed { key: entry.key, written })
}

impl From<maily_objects::Error> for PeerError {
    fn from(error: maily_objects::Error) -> Self {
        // The service's own words stay out: they may name a key.
        let what = match &error {
            maily_objects::Error::Broke => return Self::Broke { peer: "storage" },
            // Storage says 503 of what passes.
            maily_objects::Error::Failed(500) => return Self::http("storage", 500, b""),
            maily_objects::Error::Refused { code, .. } => format!("refused ({code})"),
            other => other.to_string(),
        };
        Self::Storage(what, error.is_permanent() && !error.code().is_some_and(is_about_us))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peers::error::Failing;

    #[test]
    fn a_key_that_storage_does_not_accept_is_waited_for() {
        for (code, failing) in [
            ("", Failing::Passing),
            ("AccessDenied", Failing::Passing),
            ("InvalidAccessKeyId", Failing::Passing),
            ("RequestTimeTooSkewed", Failing::Passing),
            ("SignatureDoesNotMatch", Failing::Passing),
            ("EntityTooLarge", Failing::Answering),
            ("InvalidRequest", Failing::Answering),
        ] {
            let refused = maily_objects::Error::Refused { code: code.into(), message: String::new() };
            assert_eq!(PeerError::from(refused).failing(), failing, "{code}");
        }
        assert_eq!(PeerError::from(maily_objects::Error::Damaged).failing(), Failing::Answering);
    }
}
