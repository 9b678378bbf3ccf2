//! Storage: immutable objects, each written once.
//!
//! Every write is "create if absent": whatever a crashed or slow attempt does later, the first object stays, so
//! that a step may be repeated at any time.

use bytes::Bytes;
use futures::future::BoxFuture;
use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};

use super::PeerError;

/// The most bytes of an object, as of storage's client. The longest are a page of messages, and the report of 1,000
/// cohorts (compliance refuses more): their names have 512 KiB, and each has some 30 KB of copy or reason at most.
pub(crate) const LONGEST: usize = 64 << 20;

/// Where objects lie.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Bucket {
    /// Campaigns, copy and reports: nothing about persons.
    Campaigns,
    /// Sealed messages of one residency region.
    Mail(String),
}

impl Bucket {
    /// The bucket's name.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Campaigns => "maily-campaigns".to_owned(),
            Self::Mail(region) => format!("maily-mail-{region}"),
        }
    }
}

/// An object in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) key: String,
    /// When it was written; it never changed since.
    pub(crate) written: Timestamp,
}

/// A page of the campaigns that have objects in a bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Folders {
    /// Their names, without the `/`.
    pub(crate) names: Vec<String>,
    /// Asks for the next page, if there is one.
    pub(crate) next: Option<String>,
}

/// What the orchestrator needs of storage.
pub(crate) trait Objects: Send + Sync + 'static {
    /// Writes an object unless there is one; whether this call wrote it.
    fn create<'a>(
        &'a self,
        bucket: &'a Bucket,
        key: &'a str,
        bytes: Bytes,
    ) -> BoxFuture<'a, Result<bool, PeerError>>;

    /// Reads an object, at most a page of messages long; none where there is none.
    fn read<'a>(
        &'a self,
        bucket: &'a Bucket,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Option<Bytes>, PeerError>>;

    /// A page of what stands before the first `/` of keys; `from` is [`Folders::next`] of the page before. None where there is
    /// no such bucket.
    fn folders<'a>(
        &'a self,
        bucket: &'a Bucket,
        from: Option<String>,
    ) -> BoxFuture<'a, Result<Folders, PeerError>>;

    /// Every object whose key begins with `prefix`; none where there is no such bucket.
    fn list<'a>(
        &'a self,
        bucket: &'a Bucket,
        prefix: &'a str,
    ) -> BoxFuture<'a, Result<Vec<Listed>, PeerError>>;

    /// Removes every object whose key begins with `prefix`; answers how many there were.
    fn remove_all<'a>(&'a self, bucket: &'a Bucket, prefix: &'a str)
    -> BoxFuture<'a, Result<u64, PeerError>>;
}

impl dyn Objects {
    /// Reads a small object.
    ///
    /// # Errors
    /// Storage failed, or the object is not JSON of this form.
    pub(crate) async fn read_json<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, PeerError> {
        let Some(bytes) = self.read(&Bucket::Campaigns, key).await? else { return Ok(None) };
        check_length(&bytes)?;
        serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|_| unusable("an object is not the JSON it should be"))
    }

    /// Writes a small object unless there is one, and answers what lies there.
    ///
    /// # Errors
    /// Storage failed.
    pub(crate) async fn settle_json<T: Serialize + DeserializeOwned>(
        &self,
        key: &str,
        value: T,
    ) -> Result<T, PeerError> {
        let bytes = serde_json::to_vec(&value).map_err(|_| unusable("a value has no JSON form"))?;
        check_length(&bytes)?;
        if self.create(&Bucket::Campaigns, key, bytes.into()).await? {
            return Ok(value);
        }
        // Another attempt was first: its object is the truth.
        self.read_json(key).await?.ok_or_else(|| PeerError::Storage("an object came and went".into(), false))
    }
}

/// Whether an object can be read back once it is written.
pub(crate) fn check_length(bytes: &[u8]) -> Result<(), PeerError> {
    match bytes.len() <= LONGEST {
        true => Ok(()),
        false => Err(unusable("an object is too long")),
    }
}

fn unusable(what: &str) -> PeerError {
    PeerError::Storage(what.to_owned(), true)
}

#[cfg(test)]
pub(crate) mod memory {
    //! Objects in memory, with the same rules.

    use std::{
        collections::BTreeMap,
        sync::{
            Mutex,
            atomic::{AtomicU64, Ordering::Relaxed},
        },
    };

    use super::*;

    /// Objects, when those were written that were not written just now, and how often a segment was read.
    #[derive(Default)]
    pub(crate) struct Memory(
        pub(crate) Mutex<BTreeMap<(String, String), Bytes>>,
        pub(crate) Mutex<BTreeMap<(String, String), Timestamp>>,
        pub(crate) AtomicU64,
    );

    impl Memory {
        /// Where an object lies; nothing lies outside of the regions.
        fn place(bucket: &Bucket, key: &str) -> Result<(String, String), PeerError> {
            match bucket {
                Bucket::Mail(region) if maily_law::Region::parse(region).is_none() => {
                    Err(PeerError::Contract { peer: "compliance", what: "a region that is none" })
                }
                bucket => Ok((bucket.name(), key.to_owned())),
            }
        }

        fn write(&self, bucket: &Bucket, key: &str, bytes: Bytes) -> Result<bool, PeerError> {
            let place = Self::place(bucket, key)?;
            let mut objects = self.0.lock().unwrap();
            let absent = !objects.contains_key(&place);
            if absent {
                objects.insert(place, bytes);
            }
            Ok(absent)
        }

        fn find(&self, bucket: &Bucket, key: &str) -> Result<Option<Bytes>, PeerError> {
            self.2.fetch_add(u64::from(matches!(bucket, Bucket::Mail(_))), Relaxed);
            let found = self.0.lock().unwrap().get(&Self::place(bucket, key)?).cloned();
            found.map(|bytes| check_length(&bytes).map(|()| bytes)).transpose()
        }

        fn keys(&self, bucket: &Bucket, prefix: &str) -> Vec<(String, String)> {
            let objects = self.0.lock().unwrap();
            let keys = objects.keys().filter(|(of, key)| *of == bucket.name() && key.starts_with(prefix));
            keys.cloned().collect()
        }
    }

    impl Objects for Memory {
        fn create<'a>(
            &'a self,
            bucket: &'a Bucket,
            key: &'a str,
            bytes: Bytes,
        ) -> BoxFuture<'a, Result<bool, PeerError>> {
            Box::pin(std::future::ready(self.write(bucket, key, bytes)))
        }

        fn read<'a>(
            &'a self,
            bucket: &'a Bucket,
            key: &'a str,
        ) -> BoxFuture<'a, Result<Option<Bytes>, PeerError>> {
            Box::pin(std::future::ready(self.find(bucket, key)))
        }

        /// One a page, so that there are many.
        fn folders<'a>(
            &'a self,
            bucket: &'a Bucket,
            from: Option<String>,
        ) -> BoxFuture<'a, Result<Folders, PeerError>> {
            let keys = self.keys(bucket, "");
            let folders = keys.iter().filter_map(|(_, key)| Some(key.split_once('/')?.0.to_owned()));
            let first = folders.filter(|name| from.as_ref().is_none_or(|from| name > from)).min();
            let page = Folders { names: first.iter().cloned().collect(), next: first };
            Box::pin(std::future::ready(Ok(page)))
        }

        fn list<'a>(
            &'a self,
            bucket: &'a Bucket,
            prefix: &'a str,
        ) -> BoxFuture<'a, Result<Vec<Listed>, PeerError>> {
            let moments = self.1.lock().unwrap();
            let listed = |place: (String, String)| {
                let written = moments.get(&place).copied().unwrap_or_else(Timestamp::now);
                Listed { key: place.1, written }
            };
            let all = self.keys(bucket, prefix).into_iter().map(listed).collect();
            Box::pin(std::future::ready(Ok(all)))
        }

        fn remove_all<'a>(
            &'a self,
            bucket: &'a Bucket,
            prefix: &'a str,
        ) -> BoxFuture<'a, Result<u64, PeerError>> {
            let mut objects = self.0.lock().unwrap();
            let before = objects.len();
            objects.retain(|(of, key), _| *of != bucket.name() || !key.starts_with(prefix));
            Box::pin(std::future::ready(Ok((before - objects.len()) as u64)))
        }
    }
}
