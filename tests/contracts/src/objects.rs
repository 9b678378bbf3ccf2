//! What is needed of the storage service: objects that are written once, in a region's bucket, and read whole.
//!
//! Not a protocol but the two calls that the orchestrator makes, whatever carries them: the real service is asked by
//! its S3 client, with a bucket made when it is first written to.

use bytes::Bytes;
use futures::future::join_all;

/// The longest object that is read, in bytes.
pub const LONGEST: usize = 64 << 20;

/// Where an object lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bucket<'a> {
    /// What is about nobody: `maily-campaigns`, in the home region.
    Campaigns,
    /// Sealed messages of this region: `maily-mail-REGION`.
    Mail(&'a str),
}

/// What keeps the contract, without any object.
pub trait Objects: Sync {
    /// Writes an object unless there is one; whether this call wrote it. An error says why neither is so.
    fn create(
        &self,
        bucket: Bucket<'_>,
        key: &str,
        bytes: Bytes,
    ) -> impl Future<Output = Result<bool, String>> + Send;

    /// Reads an object of at most [`LONGEST`] bytes; none where there is none.
    fn read(
        &self,
        bucket: Bucket<'_>,
        key: &str,
    ) -> impl Future<Output = Result<Option<Bytes>, String>> + Send;
}

/// Bytes of this length that tell one object from another.
fn bytes(seed: u8, length: usize) -> Bytes {
    (0..length).map(|at| seed ^ (at % 251) as u8).collect()
}

/// Whatever its length, and under every key that is made.
pub async fn what_was_created_is_read(storage: &impl Objects) {
    let key = |length: usize| format!("campaigns/0123abc/cohort-{length}/page 7, ünïcode");
    for length in [0, 1, 16_384, 100_000, 5 << 20] {
        let object = bytes(1, length);
        assert_eq!(storage.create(Bucket::Mail("eu"), &key(length), object.clone()).await, Ok(true));
        let read = storage.read(Bucket::Mail("eu"), &key(length)).await.unwrap();
        assert!(read == Some(object), "{length} bytes");
    }
}

/// A step that is repeated writes again: what was written first is what was handed off.
pub async fn the_first_write_stays(storage: &impl Objects) {
    assert_eq!(storage.create(Bucket::Campaigns, "a", "first".into()).await, Ok(true));
    for again in ["second", "first", ""] {
        assert_eq!(storage.create(Bucket::Campaigns, "a", again.into()).await, Ok(false));
        assert_eq!(storage.read(Bucket::Campaigns, "a").await, Ok(Some("first".into())));
    }
}

/// Two attempts of one step at a time: one of them has written.
pub async fn of_many_who_create_one_does(storage: &impl Objects) {
    // So that the race is for the object, not for its bucket.
    storage.create(Bucket::Campaigns, "before", "".into()).await.unwrap();
    let bodies: Vec<_> = (0..8).map(|writer| format!("by {writer}")).collect();
    let writes = bodies.iter().map(|body| storage.create(Bucket::Campaigns, "a", body.clone().into()));
    let wrote: Vec<_> = join_all(writes).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(wrote.iter().filter(|wrote| **wrote).count(), 1);
    let winner = wrote.iter().position(|wrote| *wrote).unwrap();
    let there = storage.read(Bucket::Campaigns, "a").await;
    assert_eq!(there, Ok(Some(bodies[winner].clone().into())));
}

/// Neither an object nor a bucket, and nothing is made by looking.
pub async fn what_is_not_there_is_none(storage: &impl Objects) {
    assert_eq!(storage.read(Bucket::Campaigns, "a").await, Ok(None));
    assert_eq!(storage.create(Bucket::Campaigns, "a/b", "x".into()).await, Ok(true));
    for near in ["a", "a/", "a/b/", "A/B", "a/bc"] {
        assert_eq!(storage.read(Bucket::Campaigns, near).await, Ok(None), "{near}");
    }
    assert_eq!(storage.create(Bucket::Campaigns, "a", "y".into()).await, Ok(true));
}

/// A page of messages may take up to the limit; what can't be read must not be taken for what is not there.
pub async fn a_long_object_is_read_whole_and_a_longer_one_not_at_all(storage: &impl Objects) {
    let object = bytes(3, LONGEST);
    assert_eq!(storage.create(Bucket::Mail("us"), "long", object.clone()).await, Ok(true));
    assert!(storage.read(Bucket::Mail("us"), "long").await == Ok(Some(object)));
    let longer = Bytes::from(vec![0; LONGEST + 1]);
    assert_eq!(storage.create(Bucket::Mail("us"), "longer", longer).await, Ok(true));
    assert!(storage.read(Bucket::Mail("us"), "longer").await.is_err());
}

/// One key in each bucket is one object each.
pub async fn buckets_are_apart(storage: &impl Objects) {
    let buckets = [Bucket::Campaigns, Bucket::Mail("eu"), Bucket::Mail("us")];
    for (seed, bucket) in (0..).zip(buckets) {
        assert_eq!(storage.read(bucket, "a").await, Ok(None));
        assert_eq!(storage.create(bucket, "a", bytes(seed, 10)).await, Ok(true));
    }
    for (seed, bucket) in (0..).zip(buckets) {
        assert_eq!(storage.read(bucket, "a").await, Ok(Some(bytes(seed, 10))));
    }
}

/// Nothing lies outside of the residency regions.
pub async fn there_are_five_regions(storage: &impl Objects) {
    for region in ["eu", "uk", "ch", "ca", "us"] {
        assert_eq!(storage.create(Bucket::Mail(region), "a", "x".into()).await, Ok(true), "{region}");
    }
    assert!(storage.create(Bucket::Mail("mars"), "a", "x".into()).await.is_err());
    assert!(storage.read(Bucket::Mail("mars"), "a").await.is_err());
}
