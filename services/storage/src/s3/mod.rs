//! The S3 protocol over the regions. What a request needs is gathered here: its region, its bucket, its body.

mod allowed;
mod answer;
mod attributes;
mod buckets;
mod copy;
mod entries;
mod headers;
mod host;
mod list;
mod multipart;
mod needs;
mod objects;
mod ranges;
mod service;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use maily_chassis::{Hold, Pool, PoolBounds, PoolPlace};
use maily_keys::AccessKey;
use s3s::dto::StreamingBlob;
use s3s::{S3Error, S3ErrorCode, S3Request, S3Result, s3_error};
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::access::AccessKeys;
use crate::error::Error;
use crate::region::{NewBlob, Region};
use crate::sums::{Algorithm, Claimed, wrong_content};
use crate::write::{Begun, Written};
use host::Hosts;

/// Bodies received at once by one listener behind their first MiB; each keeps up to two parts of 6 MiB in memory, and others
/// wait.
const RECEIVING: usize = 6;
/// Of these, those of one owner of keys.
const EACH: usize = 4;
/// Bodies that have come as a whole, of at most a MiB, which are written at once: they need no place among the others.
const WHOLE: usize = 8;
/// Copies at once, which last as long as the object is, and those of one owner.
const COPIES: (usize, usize) = (4, 2);
/// How long they wait: nearly as long as whoever has stopped moving keeps a place.
const PLACE: Duration = Duration::from_secs(50);
/// How long an answer may take that waits for no client: more means that the store below hangs.
const ANSWER: Duration = Duration::from_secs(300);

/// The regions, and who may use them. Clones share everything, unless made [`Gateway::for_listener`].
#[derive(Clone)]
pub(crate) struct Gateway {
    regions: Arc<BTreeMap<&'static str, Arc<Region>>>,
    keys: AccessKeys,
    max_object_bytes: u64,
    places: Places,
    /// Held while a bucket is made.
    names: Arc<Mutex<()>>,
    hosts: Hosts,
}

impl Gateway {
    pub(crate) fn new(
        regions: BTreeMap<&'static str, Arc<Region>>,
        keys: AccessKeys,
        max_object_bytes: u64,
    ) -> Self {
        let (names, hosts) = (Arc::default(), Hosts::default());
        Self { regions: Arc::new(regions), keys, max_object_bytes, places: Places::new(), names, hosts }
    }

    /// From here on these access keys are known, and no others.
    pub(crate) fn use_keys(&self, keys: Vec<AccessKey>) -> Result<(), Error> {
        self.keys.replace(keys)
    }

    /// The same, where buckets are at `BUCKET.domain`.
    pub(crate) fn at_domain(self, domain: &str) -> Result<Self, Error> {
        Ok(Self { hosts: Hosts::at(domain)?, ..self })
    }

    /// The same, with places for bodies of its own: slow uploads at one listener don't hold up the other.
    pub(crate) fn for_listener(&self) -> Self {
        Self { places: Places::new(), ..self.clone() }
    }

    /// A place among the bodies of this kind.
    async fn place(&self, owner: String, hold: Hold) -> S3Result<PoolPlace<String>> {
        match timeout(PLACE, self.places.of(hold).take(owner, hold)).await {
            Ok(Ok(place)) => Ok(place),
            _ => Err(s3_error!(SlowDown, "Too many uploads are under way; try again.")),
        }
    }

    /// The region that the request is signed for.
    fn region<T>(&self, request: &S3Request<T>) -> S3Result<Arc<Region>> {
        let name = self.keys.region(request)?;
        self.regions.get(name).cloned().ok_or_else(|| S3ErrorCode::InternalError.into())
    }

    /// The region that the request is signed for, if the bucket lies in it.
    async fn in_bucket<T>(&self, request: &S3Request<T>, bucket: &str) -> S3Result<Arc<Region>> {
        let region = self.region(request)?;
        if soon(region.has_bucket(bucket)).await? {
            return Ok(region);
        }
        match soon(self.elsewhere(&region, bucket)).await? {
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

    /// Receives a request's body of at most `limit` bytes into a new blob, and checks it against what the client says of
    /// it.
    async fn receive<T>(
        &self,
        region: &Region,
        request: &S3Request<T>,
        body: Option<StreamingBlob>,
        wanted: Option<Algorithm>,
        limit: u64,
    ) -> S3Result<(NewBlob, Written)> {
        let announced = headers::announced(&request.headers);
        if announced.is_some_and(|length| length > limit) {
            return Err(Error::TooLarge(limit).into());
        }
        let claimed = Claimed::new(&request.headers, request.trailing_headers.clone(), wanted);
        let pieces = body.map(|body| body.map(|piece| piece.map_err(broken_off)));
        let pieces = futures::stream::iter(pieces).flatten().boxed();
        // Without a place: so slow senders keep none from others, and a small object takes one only when it is whole.
        let begun = Begun::receive(pieces, limit).await?;
        let hold = if begun.is_whole() { Hold::Short } else { Hold::Arriving };
        let place = self.place(self.keys.owner(request.credentials.as_ref()), hold).await?;
        let check = |written: &Written| match announced {
            Some(length) if length != written.size => Err(Error::Body),
            _ => Ok(claimed.check(&written.md5, &written.sums)?),
        };
        let sealing = Sealing { body: begun, claimed: &claimed, limit };
        Ok(self.write(region, place, sealing, check).await?)
    }

    /// Writes a body into a new blob, if `check` finds nothing wrong with them.
    async fn write(
        &self,
        region: &Region,
        place: PoolPlace<String>,
        sealing: Sealing<'_>,
        check: impl FnOnce(&Written) -> Result<(), Error>,
    ) -> Result<(NewBlob, Written), Error> {
        let blob = soon(region.new_blob()).await?;
        let (hasher, limit, place) = (sealing.claimed.hasher(), sealing.limit, Arc::new(place));
        let body = sealing.body.on(Arc::clone(&place));
        let sealed = region.blobs.seal(&blob, body, hasher, limit).await?;
        let checked = match place.settle() {
            true => check(&sealed.written),
            false => Err(Error::GaveWay),
        };
        if let Err(error) = checked {
            sealed.abort().await;
            return Err(error);
        }
        let publishing = to_the_end(async move {
            let published = sealed.publish(blob).await;
            drop(place);
            published
        });
        Ok(publishing.await?)
    }
}

/// Places for bodies, by the name of the key that signed: each kind has its own, so that none waits for another.
#[derive(Clone)]
struct Places {
    arriving: Pool<String>,
    whole: Pool<String>,
    copies: Pool<String>,
}

impl Places {
    fn new() -> Self {
        // Whoever waits has a MiB of the bodies under way, which are bounded, and for no longer than a minute.
        let pool = |all, each| Pool::new(PoolBounds { all, each, waiting: usize::MAX });
        let copies = pool(COPIES.0, COPIES.1);
        Self { arriving: pool(RECEIVING, EACH), whole: pool(WHOLE, WHOLE), copies }
    }

    fn of(&self, hold: Hold) -> &Pool<String> {
        match hold {
            Hold::Short => &self.whole,
            Hold::Long => &self.copies,
            Hold::Arriving => &self.arriving,
        }
    }
}

/// What becomes a blob, and how long it may be.
struct Sealing<'a> {
    body: Begun,
    claimed: &'a Claimed,
    limit: u64,
}

/// Why a body's stream failed: by a refusal of s3s (a wrong chunk signature or digest), or by the network.
fn broken_off(error: s3s::StdError) -> Error {
    match error.downcast::<s3s::S3Error>() {
        Ok(refused) => Error::Refused(*refused),
        Err(error) => match error.to_string() {
            // s3s keeps the types of these to itself.
            why if why.contains("Sha256Mismatch") => wrong_content().into(),
            why if why.contains("ignature") => S3ErrorCode::SignatureDoesNotMatch.into(),
            why if why.contains("hecksum") || why.contains("igest") => S3ErrorCode::BadDigest.into(),
            _ => Error::Body,
        },
    }
}

/// Does `work` to its end, even if the client goes away meanwhile or is told to come again.
async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> S3Result<T> {
    match timeout(ANSWER, tokio::spawn(work)).await {
        Ok(Ok(done)) => Ok(done?),
        Ok(Err(error)) => Err(Error::from(maily_chassis::WorkError::from(error)).into()),
        Err(_) => Err(Error::StoreSlow.into()),
    }
}

/// What a `PUT` asks of the index and the store before its bytes move, which [`service`] sets no deadline for.
async fn soon<T, E>(work: impl Future<Output = Result<T, E>>) -> S3Result<T>
where
    S3Error: From<E>,
{
    Ok(timeout(ANSWER, work).await.map_err(|_| Error::StoreSlow)??)
}

pub(crate) use answer::{by_the_listener, refuse, slow_down};
pub(crate) use service::{held, router};

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn uploads_at_one_listener_do_not_hold_up_the_other() {
        let keys = AccessKeys::new(Vec::new()).unwrap();
        let gateway = Gateway::new(BTreeMap::new(), keys, 1 << 20);
        let (internal, edge) = (gateway.for_listener(), gateway.for_listener());
        let ann = || "ann".to_owned();
        let mut held = Vec::new();
        for n in 0..RECEIVING {
            held.push(edge.place(n.to_string(), Hold::Arriving).await.unwrap());
        }
        let refused = edge.place(ann(), Hold::Arriving).await.unwrap_err();
        assert_eq!(refused.code().as_str(), "SlowDown");
        assert!(internal.place(ann(), Hold::Arriving).await.is_ok());
        for other in [Hold::Short, Hold::Long] {
            assert!(edge.place(ann(), other).await.is_ok(), "{other:?} ones have their own");
        }
        held.pop();
        assert!(edge.place(ann(), Hold::Arriving).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn keys_whose_uploads_trickle_keep_no_other_out() {
        let gateway = Gateway::new(BTreeMap::new(), AccessKeys::new(Vec::new()).unwrap(), 1 << 20);
        let place = async |key: &str, hold| gateway.place(key.to_owned(), hold).await;
        let mut ann = Vec::new();
        for _ in 0..EACH {
            ann.push(place("ann", Hold::Arriving).await.unwrap());
        }
        assert!(place("ann", Hold::Arriving).await.is_err(), "she has her share");
        assert!(place("ann", Hold::Short).await.is_ok(), "of what is not whole");
        let bob = [place("bob", Hold::Arriving).await.unwrap(), place("bob", Hold::Arriving).await.unwrap()];
        // A minute's MiB is what nobody is refused for (`write`); all but one of hers have more.
        ann.iter().skip(1).for_each(|upload| upload.moved(1 << 20));
        let begun = tokio::time::Instant::now();
        let cid = place("cid", Hold::Arriving).await.unwrap();
        assert!(begun.elapsed().is_zero(), "at once");
        assert!(ann[0].is_recalled() && !ann[0].settle());
        assert!(!ann[1].is_recalled() && !bob[0].is_recalled() && !bob[1].is_recalled());
        drop(cid);
    }

    #[tokio::test(start_paused = true)]
    async fn an_index_that_hangs_holds_no_put_up_for_good() {
        let begun = tokio::time::Instant::now();
        let refused = soon(std::future::pending::<Result<(), Error>>()).await.unwrap_err();
        assert_eq!(refused.code().as_str(), "SlowDown");
        assert_eq!(begun.elapsed().as_secs(), ANSWER.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn work_goes_on_when_nobody_waits_for_it() {
        let (done, finished) = tokio::sync::oneshot::channel();
        let work = to_the_end(async move {
            tokio::time::sleep(Duration::from_secs(5)).await;
            let _ = done.send(());
            Ok(())
        });
        assert!(timeout(Duration::from_secs(1), work).await.is_err(), "given up");
        finished.await.unwrap();
    }
}
