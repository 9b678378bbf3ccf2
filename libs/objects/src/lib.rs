//! The typed client of the storage service: S3 by aws-sdk-s3, over the internal listener's mutual TLS.
//!
//! One [`Objects`] per residency region. Every call holds and tries again, for up to a minute, while the service is
//! killed and comes back; what it answers is then the truth: a write that was acknowledged, or found to have happened.

mod connector;
mod error;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use bytes::Bytes;
use futures::Stream;
use maily_chassis::{PeerClient, retry};
use maily_keys::{AccessKey, read_access_keys};
use secrecy::ExposeSecret;

pub use connector::{Exchange, Over};
pub use error::Error;

/// How long a call holds on while the service does not answer.
const DEADLINE: Duration = Duration::from_secs(60);
/// How long one attempt may take; a segment of 3 MB takes some 20 ms.
const ATTEMPT: Duration = Duration::from_secs(30);
/// The longest object that [`Objects::get`] answers, in bytes.
const LONGEST: u64 = 64 << 20;

/// An object in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its key.
    pub key: String,
    /// Its length in bytes.
    pub size: u64,
    /// Its entity tag, without quotes.
    pub etag: String,
    /// When it was written, in seconds since 1970; none where the service does not say.
    pub modified: Option<i64>,
}

/// A page of a listing by folders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folders {
    /// What keys begin with, up to and with their first `/`; each once, in their order.
    pub names: Vec<String>,
    /// Asks for the next page, if there is one.
    pub next: Option<String>,
}

/// A client of one region. Clones share their connections.
#[derive(Clone, Debug)]
pub struct Objects {
    client: Client,
    region: Arc<str>,
    deadline: Duration,
}

impl Objects {
    /// A client of `region` over `peer` (`boot.http_client("storage")`), with the first access key of the file
    /// `credentials` that may be used there. Connects when used.
    ///
    /// # Errors
    /// [`Error::Config`] when the file can't be used or has no such key.
    pub fn connect(peer: PeerClient, credentials: &Path, region: &str) -> Result<Self, Error> {
        let keys = read_access_keys(credentials).map_err(|error| Error::Config(error.to_string()))?;
        let key = keys.into_iter().find(|key| key.regions.iter().any(|allowed| allowed == region));
        let missing = || Error::Config(format!("{}: no key for region {region}", credentials.display()));
        Ok(Self::over(peer, &key.ok_or_else(missing)?, region))
    }

    /// A client over anything that exchanges HTTP messages.
    #[must_use]
    pub fn over(exchange: impl Exchange, key: &AccessKey, region: &str) -> Self {
        // The exchange decides where requests go. To the SDK the transport is secure, so that it hashes no payload:
        // its checksum (CRC) and TLS cover it.
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .endpoint_url("https://storage.maily.internal")
            .force_path_style(true)
            .region(Region::new(region.to_owned()))
            .credentials_provider(Credentials::new(&key.id, key.secret.expose_secret(), None, None, "file"))
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).build())
            .http_client(Over::new(exchange))
            .build();
        Self { client: Client::from_conf(config), region: region.into(), deadline: DEADLINE }
    }

    /// The same client, holding on for another time than a minute.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    async fn again<T, F>(&self, call: impl FnMut() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let broke = AtomicBool::new(false);
        let is_permanent = |error: &Error| {
            broke.fetch_or(matches!(error, Error::Broke), Relaxed);
            error.is_permanent()
        };
        let done = retry::retry(self.deadline, is_permanent, call).await;
        // Who is away at the end may have died of the call, and is told from who never was there.
        done.map_err(|error| match error {
            Error::Unreachable(_) if broke.load(Relaxed) => Error::Broke,
            error => error,
        })
    }

    /// Makes the bucket in this client's region, unless it is there.
    ///
    /// # Errors
    /// [`Error::Refused`] when the name is taken in another region.
    pub async fn ensure_bucket(&self, bucket: &str) -> Result<(), Error> {
        let place = BucketLocationConstraint::from(&*self.region);
        let place = CreateBucketConfiguration::builder().location_constraint(place).build();
        let made = self.again(async || {
            let call = self.client.create_bucket().bucket(bucket).create_bucket_configuration(place.clone());
            call.send().await.map_err(Error::from)
        });
        match made.await {
            Err(error) if error.code() == Some("BucketAlreadyOwnedByYou") => Ok(()),
            made => made.map(drop),
        }
    }

    /// Writes an object, whether it was there or not; answers its entity tag, without quotes.
    ///
    /// # Errors
    /// Any.
    pub async fn put(&self, bucket: &str, key: &str, bytes: Bytes) -> Result<String, Error> {
        self.again(async || {
            let body = ByteStream::from(bytes.clone());
            let put = self.client.put_object().bucket(bucket).key(key).body(body).send().await?;
            Ok(plain(put.e_tag()))
        })
        .await
    }

    /// Writes an object if there is none of that key; answers whether this call wrote it. Called again with the same
    /// bytes after a call that got no answer, it tells its own object from another's by the bytes.
    ///
    /// # Errors
    /// Any.
    pub async fn put_if_absent(&self, bucket: &str, key: &str, bytes: Bytes) -> Result<bool, Error> {
        let mut attempts = 0;
        let put = self.again(|| {
            attempts += 1;
            let body = ByteStream::from(bytes.clone());
            let put = self.client.put_object().bucket(bucket).key(key).if_none_match("*").body(body).send();
            async move { put.await.map_err(Error::from) }
        });
        match put.await {
            Ok(_) => Ok(true),
            // An earlier attempt may have been served without our hearing of it.
            Err(Error::Condition) if attempts > 1 => {
                match self.get_within(bucket, key, bytes.len() as u64).await {
                    Ok(there) => Ok(there == bytes),
                    Err(Error::NotFound | Error::TooLong(_)) => Ok(false),
                    // Whose object it is was not found out: neither answer would be true.
                    Err(error) => Err(error),
                }
            }
            Err(Error::Condition) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Reads an object of at most 64 MiB.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::TooLong`] or any other.
    pub async fn get(&self, bucket: &str, key: &str) -> Result<Bytes, Error> {
        self.get_within(bucket, key, LONGEST).await
    }

    /// Reads an object of at most `limit` bytes.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::TooLong`] or any other.
    pub async fn get_within(&self, bucket: &str, key: &str, limit: u64) -> Result<Bytes, Error> {
        self.again(async || {
            let got = self.client.get_object().bucket(bucket).key(key).send().await?;
            if got
                .content_length()
                .and_then(|length| u64::try_from(length).ok())
                .is_none_or(|length| length > limit)
            {
                return Err(Error::TooLong(limit));
            }
            let collected = tokio::time::timeout(ATTEMPT, got.body.collect()).await;
            let collected = collected.map_err(|_| Error::Unreachable("the answer took too long".into()))?;
            // As it does where the object is damaged behind its beginning.
            collected.map(|bytes| bytes.into_bytes()).map_err(|_| Error::Broke)
        })
        .await
    }

    /// Reads an object of any length, as it comes. An error in the stream ends it: ask again.
    ///
    /// # Errors
    /// [`Error::NotFound`] or any other.
    pub async fn get_stream(
        &self,
        bucket: &str,
        key: &str,
    ) -> Result<impl Stream<Item = Result<Bytes, Error>> + Send + use<>, Error> {
        let got = self.again(async || {
            self.client.get_object().bucket(bucket).key(key).send().await.map_err(Error::from)
        });
        let body = got.await?.body;
        Ok(futures::stream::try_unfold(body, |mut body| async move {
            let next = tokio::time::timeout(ATTEMPT, body.try_next()).await;
            let next = next.map_err(|_| Error::Unreachable("the answer stopped".into()))?;
            Ok(next.map_err(|_| Error::Broke)?.map(|bytes| (bytes, body)))
        }))
    }

    /// The objects whose key begins with `prefix`, in the order of their keys.
    ///
    /// # Errors
    /// Any.
    pub async fn list(&self, bucket: &str, prefix: &str) -> Result<Vec<Entry>, Error> {
        let (mut entries, mut token) = (Vec::new(), None);
        loop {
            let page = self.again(async || {
                let page = self.client.list_objects_v2().bucket(bucket).prefix(prefix);
                page.set_continuation_token(token.clone()).send().await.map_err(Error::from)
            });
            let page = page.await?;
            entries.extend(page.contents().iter().map(|object| Entry {
                key: object.key().unwrap_or_default().to_owned(),
                size: object.size().and_then(|size| u64::try_from(size).ok()).unwrap_or_default(),
                etag: plain(object.e_tag()),
                modified: object.last_modified().map(|at| at.secs()),
            }));
            token = page.next_continuation_token;
            if token.is_none() {
                return Ok(entries);
            }
        }
    }

    /// A page of the folders of a bucket, at most 1,000; `from` is the [`Folders::next`] of the page before. What is deleted
    /// between two pages leaves no other folder out.
    ///
    /// # Errors
    /// Any.
    pub async fn folders(&self, bucket: &str, from: Option<String>) -> Result<Folders, Error> {
        let page = self.again(async || {
            let page = self.client.list_objects_v2().bucket(bucket).delimiter("/");
            page.set_continuation_token(from.clone()).send().await.map_err(Error::from)
        });
        let page = page.await?;
        let names = page.common_prefixes().iter().filter_map(|folder| folder.prefix().map(str::to_owned));
        Ok(Folders { names: names.collect(), next: page.next_continuation_token })
    }

    /// Deletes an object; that there is none is no error.
    ///
    /// # Errors
    /// Any.
    pub async fn delete(&self, bucket: &str, key: &str) -> Result<(), Error> {
        self.again(async || {
            self.client.delete_object().bucket(bucket).key(key).send().await?;
            Ok(())
        })
        .await
    }

    /// The SDK's own client, for what has no method here; it neither holds on nor tries again.
    #[must_use]
    pub fn sdk(&self) -> &Client {
        &self.client
    }
}

fn plain(etag: Option<&str>) -> String {
    etag.unwrap_or_default().trim_matches('"').to_owned()
}
