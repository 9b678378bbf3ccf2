//! The S3 protocol over the regions. What a request needs is gathered here: its region, its bucket, its body.

mod buckets;
mod headers;
mod list;
mod multipart;
mod objects;
mod service;

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::StreamExt;
use s3s::dto::StreamingBlob;
use s3s::{S3ErrorCode, S3Request, S3Result, s3_error};
use tokio::sync::{Mutex, Semaphore};

use crate::access::AccessKeys;
use crate::error::Error;
use crate::region::{NewBlob, Region};
use crate::sums::{Algorithm, Claimed};
use crate::write::Written;

/// Bodies received at once; each keeps up to two parts of 6 MiB in memory, and others wait.
const RECEIVING: usize = 10;

/// The regions, and who may use them. Clones share everything.
#[derive(Clone)]
pub(crate) struct Gateway {
    regions: Arc<BTreeMap<&'static str, Arc<Region>>>,
    keys: AccessKeys,
    max_object_bytes: u64,
    receiving: Arc<Semaphore>,
    /// Held while a bucket is made.
    names: Arc<Mutex<()>>,
}

impl Gateway {
    pub(crate) fn new(
        regions: BTreeMap<&'static str, Arc<Region>>,
        keys: AccessKeys,
        max_object_bytes: u64,
    ) -> Self {
        let receiving = Arc::new(Semaphore::new(RECEIVING));
        Self { regions: Arc::new(regions), keys, max_object_bytes, receiving, names: Arc::default() }
    }

    /// The region that the request is signed for.
    fn region<T>(&self, request: &S3Request<T>) -> S3Result<Arc<Region>> {
        let name = self.keys.region(request)?;
        self.regions.get(name).cloned().ok_or_else(|| S3ErrorCode::InternalError.into())
    }

    /// The region that the request is signed for, if the bucket lies in it.
    async fn in_bucket<T>(&self, request: &S3Request<T>, bucket: &str) -> S3Result<Arc<Region>> {
        let region = self.region(request)?;
        if region.has_bucket(bucket).await? {
            return Ok(region);
        }
        match self.elsewhere(&region, bucket).await? {
            Some(_) => Err(s3_error!(
                AccessDenied,
                "The bucket does not lie in region {}, for which the request is signed; data does not leave its region.",
                region.name
            )),
            None => Err(S3ErrorCode::NoSuchBucket.into()),
        }
    }

    /// The other region that the bucket lies in.
    async fn elsewhere(&self, region: &Region, bucket: &str) -> S3Result<Option<Arc<Region>>> {
        for other in self.regions.values().filter(|other| other.name != region.name) {
            if other.has_bucket(bucket).await? {
                return Ok(Some(Arc::clone(other)));
            }
        }
        Ok(None)
    }

    /// Receives a request's body into a new blob, and checks it against what the client says of it.
    async fn receive<T>(
        &self,
        region: &Region,
        request: &S3Request<T>,
        body: Option<StreamingBlob>,
        wanted: Option<Algorithm>,
    ) -> S3Result<(NewBlob, Written)> {
        let announced = headers::announced(&request.headers);
        if announced.is_some_and(|length| length > self.max_object_bytes) {
            return Err(Error::TooLarge(self.max_object_bytes).into());
        }
        let _permit = self.receiving.acquire().await.map_err(|_| S3ErrorCode::ServiceUnavailable)?;
        let claimed = Claimed::new(&request.headers, request.trailing_headers.clone(), wanted);
        let pieces = body.map(|body| body.map(|piece| piece.map_err(broken_off)));
        let pieces = futures::stream::iter(pieces).flatten().boxed();
        let blob = region.new_blob().await?;
        let (hasher, limit) = (claimed.hasher(), self.max_object_bytes);
        let written = region.blobs.write(blob.id, &blob.key, pieces, hasher, limit, blob.journaled()).await?;
        if announced.is_some_and(|length| length != written.size) {
            return Err(Error::Body.into());
        }
        claimed.check(&written.md5, &written.sums)?;
        Ok((blob, written))
    }
}

/// Why a body's stream failed: by a refusal of s3s (a wrong chunk signature or digest), or by the network.
fn broken_off(error: s3s::StdError) -> Error {
    match error.downcast::<s3s::S3Error>() {
        Ok(refused) => Error::Refused(*refused),
        Err(error) => match error.to_string() {
            why if why.contains("ignature") => S3ErrorCode::SignatureDoesNotMatch.into(),
            why if why.contains("hecksum") || why.contains("igest") => S3ErrorCode::BadDigest.into(),
            _ => Error::Body,
        },
    }
}

/// Does `work` to its end, even if the client goes away meanwhile.
async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> S3Result<T> {
    match tokio::spawn(work).await {
        Ok(done) => Ok(done?),
        Err(_) => Err(Error::Worker.into()),
    }
}

pub(crate) use service::router;
