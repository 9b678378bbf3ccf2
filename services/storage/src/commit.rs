//! Changes of the index: each is checked and written under the region's lock, and acknowledged when it is durable.

use prost::Message;
use s3s::dto::ETag;
use s3s::{S3ErrorCode, s3_error};
use slatedb::WriteBatch;

use crate::conditions::{DeleteIf, WriteIf};
use crate::error::Error;
use crate::region::{NewBlob, Region};
use crate::rows::{self, Bucket, Headers, Object, Part, Sums, Upload};
use crate::sums::{self, Algorithm};
use crate::write::Written;

/// Where an object lies.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) bucket: String,
    pub(crate) key: String,
}

/// Bytes of a part but the last, at least. *Amazon S3 multipart upload limits* (Amazon S3 User Guide): "5 MiB to 5 GiB.
/// There is no minimum size limit on the last part of your multipart upload."
const MIN_PART: u64 = 5 << 20;

/// What the client says that the parts make, and how long that may be.
#[derive(Default)]
pub(crate) struct Whole {
    pub(crate) sums: Sums,
    /// Whether these are over all bytes, as [`Upload::full_object`].
    pub(crate) full_object: Option<bool>,
    pub(crate) size: Option<u64>,
    pub(crate) limit: u64,
}

/// A part as the client names it when it completes an upload.
pub(crate) struct Named {
    pub(crate) number: u16,
    pub(crate) etag: Option<String>,
    pub(crate) sums: Sums,
}

impl Region {
    pub(crate) async fn create_bucket(&self, name: &str) -> Result<(), Error> {
        let commit = self.commit.lock().await;
        if self.newest::<Bucket>(rows::bucket(name)).await?.is_some() {
            return self.refuse(S3ErrorCode::BucketAlreadyOwnedByYou).await;
        }
        let mut batch = WriteBatch::new();
        batch.put(rows::bucket(name), Bucket { created_ms: rows::now_ms() }.encode_to_vec());
        let written = self.write(batch, &commit).await?;
        drop(commit);
        Ok(written.await_durable().await?)
    }

    pub(crate) async fn delete_bucket(&self, name: &str) -> Result<(), Error> {
        let commit = self.commit.lock().await;
        for prefix in [rows::objects(name), rows::uploads(name)] {
            if self.index.scan_prefix(prefix, ..).await?.next().await?.is_some() {
                return self.refuse(S3ErrorCode::BucketNotEmpty).await;
            }
        }
        let mut batch = WriteBatch::new();
        batch.delete(rows::bucket(name));
        let written = self.write(batch, &commit).await?;
        drop(commit);
        Ok(written.await_durable().await?)
    }

    /// What is at `place` now, if the bucket is there and `condition` holds; to be called under the lock.
    async fn current(&self, place: &Place, condition: &WriteIf) -> Result<Option<Object>, Error> {
        if self.newest::<Bucket>(rows::bucket(&place.bucket)).await?.is_none() {
            return self.refuse(S3ErrorCode::NoSuchBucket).await;
        }
        let there: Option<Object> = self.newest(rows::object(&place.bucket, &place.key)).await?;
        match condition.check(there.as_ref()) {
            Ok(()) => Ok(there),
            Err(refused) => self.refuse(refused).await,
        }
    }

    /// Makes a blob the object at `place`.
    pub(crate) async fn put_object(
        &self,
        place: &Place,
        blob: NewBlob,
        written: Written,
        headers: Headers,
        condition: &WriteIf,
    ) -> Result<Object, Error> {
        let commit = self.commit.lock().await;
        let replaced = self.current(place, condition).await?;
        let mut batch = WriteBatch::new();
        let object = Object {
            etag: hex::encode(written.md5),
            size: written.size,
            modified_ms: rows::now_ms(),
            headers,
            blobs: vec![blob.settle(&self.keys, written.size, &mut batch)?],
            sums: written.sums,
            upload: None,
            part_sums: Vec::new(),
        };
        self.replace(batch, place, &object, replaced, commit).await?;
        Ok(object)
    }

    /// Writes `object` in the place of `replaced`, and waits until it is durable.
    async fn replace(
        &self,
        mut batch: WriteBatch,
        place: &Place,
        object: &Object,
        replaced: Option<Object>,
        commit: tokio::sync::MutexGuard<'_, ()>,
    ) -> Result<(), Error> {
        batch.put(rows::object(&place.bucket, &place.key), object.encode_to_vec());
        let unnamed = Self::unname(&mut batch, &replaced.map(|object| object.blobs).unwrap_or_default())?;
        let written = self.write(batch, &commit).await?;
        drop(commit);
        written.await_durable().await?;
        self.retire(unnamed);
        Ok(())
    }

    /// Deletes the object at `place`; that there is none is no error, whatever the condition.
    pub(crate) async fn delete_object(&self, place: &Place, condition: &DeleteIf) -> Result<(), Error> {
        let commit = self.commit.lock().await;
        let Some(object) = self.current(place, &WriteIf::default()).await? else { return Ok(()) };
        if let Err(refused) = condition.check(&object) {
            return self.refuse(refused).await;
        }
        let mut batch = WriteBatch::new();
        batch.delete(rows::object(&place.bucket, &place.key));
        let unnamed = Self::unname(&mut batch, &object.blobs)?;
        let written = self.write(batch, &commit).await?;
        drop(commit);
        written.await_durable().await?;
        self.retire(unnamed);
        Ok(())
    }

    pub(crate) async fn create_upload(&self, place: &Place, id: &str, upload: &Upload) -> Result<(), Error> {
        let commit = self.commit.lock().await;
        self.current(place, &WriteIf::default()).await?;
        let mut batch = WriteBatch::new();
        batch.put(rows::upload(&place.bucket, &place.key, id), upload.encode_to_vec());
        let written = self.write(batch, &commit).await?;
        drop(commit);
        Ok(written.await_durable().await?)
    }

    /// The upload, or `NoSuchUpload`; to be called under the lock.
    async fn unfinished(&self, place: &Place, id: &str) -> Result<Upload, Error> {
        match self.newest(rows::upload(&place.bucket, &place.key, id)).await? {
            Some(upload) => Ok(upload),
            None => self.refuse(S3ErrorCode::NoSuchUpload).await,
        }
    }

    /// Makes a blob part `number` of an upload, in the place of an earlier one.
    pub(crate) async fn put_part(
        &self,
        place: &Place,
        id: &str,
        number: u16,
        blob: NewBlob,
        written: Written,
    ) -> Result<Part, Error> {
        let commit = self.commit.lock().await;
        self.unfinished(place, id).await?;
        let replaced: Option<Part> = self.newest(rows::part(id, number)).await?;
        let mut batch = WriteBatch::new();
        let part = Part {
            blob: blob.settle(&self.keys, written.size, &mut batch)?,
            etag: hex::encode(written.md5),
            sums: written.sums,
            modified_ms: rows::now_ms(),
        };
        batch.put(rows::part(id, number), part.encode_to_vec());
        let unnamed = Self::unname(&mut batch, &replaced.map(|part| vec![part.blob]).unwrap_or_default())?;
        let written = self.write(batch, &commit).await?;
        drop(commit);
        written.await_durable().await?;
        self.retire(unnamed);
        Ok(part)
    }

    /// The newest parts of an upload with their numbers, in order; to be called under the lock.
    async fn newest_parts(&self, id: &str) -> Result<Vec<(u16, Part)>, Error> {
        let mut found = self.index.scan_prefix(rows::parts(id), ..).await?;
        let mut parts = Vec::new();
        while let Some(row) = found.next().await? {
            parts.push((rows::part_number(&row.key)?, rows::decode(&row.value)?));
        }
        Ok(parts)
    }

    pub(crate) async fn abort_upload(&self, place: &Place, id: &str) -> Result<(), Error> {
        let commit = self.commit.lock().await;
        self.unfinished(place, id).await?;
        let mut batch = WriteBatch::new();
        batch.delete(rows::upload(&place.bucket, &place.key, id));
        let mut unnamed = Vec::new();
        for (number, part) in self.newest_parts(id).await? {
            batch.delete(rows::part(id, number));
            unnamed.extend(Self::unname(&mut batch, &[part.blob])?);
        }
        let written = self.write(batch, &commit).await?;
        drop(commit);
        written.await_durable().await?;
        self.retire(unnamed);
        Ok(())
    }

    /// The object that an upload has become, if it still is there; to be called under the lock. *CompleteMultipartUpload*
    /// has clients retry what failed, so a second completion of the same parts is answered as the first.
    async fn completed(&self, place: &Place, id: &str, named: &[Named]) -> Result<Option<Object>, Error> {
        let there: Option<Object> = self.newest(rows::object(&place.bucket, &place.key)).await?;
        let Some(object) = there.filter(|object| object.upload.as_deref() == Some(id)) else {
            return Ok(None);
        };
        let tags: Option<Vec<&str>> = named.iter().map(|part| part.etag.as_deref()).collect();
        let others =
            |tags: Vec<&str>| !sums::etag_of_parts(tags.into_iter()).is_ok_and(|etag| etag == object.etag);
        if tags.is_some_and(others) {
            return self.refuse(S3ErrorCode::NoSuchUpload).await;
        }
        self.index.flush().await?;
        Ok(Some(object))
    }

    /// Makes the named parts of an upload the object at `place`; other parts are thrown away. Done once more, it changes
    /// nothing.
    pub(crate) async fn complete_upload(
        &self,
        place: &Place,
        id: &str,
        named: &[Named],
        whole: &Whole,
        condition: &WriteIf,
    ) -> Result<Object, Error> {
        let commit = self.commit.lock().await;
        if let Some(object) = self.completed(place, id, named).await? {
            return Ok(object);
        }
        let replaced = self.current(place, condition).await?;
        let upload = self.unfinished(place, id).await?;
        let parts = self.newest_parts(id).await?;
        let (chosen, left) = choose(parts, named)?;
        let object = Object { upload: Some(id.to_owned()), ..assemble(&upload, chosen, whole)? };
        let mut batch = WriteBatch::new();
        batch.delete(rows::upload(&place.bucket, &place.key, id));
        named.iter().for_each(|part| batch.delete(rows::part(id, part.number)));
        let mut unnamed = Vec::new();
        for (number, part) in left {
            batch.delete(rows::part(id, number));
            unnamed.extend(Self::unname(&mut batch, &[part.blob])?);
        }
        self.replace(batch, place, &object, replaced, commit).await?;
        self.retire(unnamed);
        Ok(object)
    }
}

type Numbered = Vec<(u16, Part)>;

/// The parts that are named, checked, and those that are left.
fn choose(parts: Numbered, named: &[Named]) -> Result<(Numbered, Numbered), Error> {
    if named.is_empty() {
        return Err(s3_error!(MalformedXML, "At least one part must be named.").into());
    }
    if !named.is_sorted_by(|part, next| part.number < next.number) {
        return Err(S3ErrorCode::InvalidPartOrder.into());
    }
    let (chosen, left): (Numbered, Numbered) = parts
        .into_iter()
        .partition(|(number, _)| named.binary_search_by_key(number, |part| part.number).is_ok());
    let fits = |(named, (_, part)): (&Named, &(u16, Part))| {
        let same_tag = named.etag.as_ref().is_none_or(|etag| *etag == part.etag);
        let same_sum = |algorithm: Algorithm| {
            algorithm.of(&named.sums).is_none_or(|sum| Some(sum) == algorithm.of(&part.sums))
        };
        same_tag && Algorithm::ALL.into_iter().all(same_sum)
    };
    if chosen.len() != named.len() || !named.iter().zip(&chosen).all(fits) {
        return Err(s3_error!(InvalidPart, "A named part is missing or is not what was uploaded.").into());
    }
    let short = |(_, part): &(u16, Part)| part.blob.size < MIN_PART;
    if chosen.split_last().is_some_and(|(_, others)| others.iter().any(short)) {
        let least = MIN_PART >> 20;
        return Err(
            s3_error!(EntityTooSmall, "Each part but the last must have at least {least} MiB.").into()
        );
    }
    Ok((chosen, left))
}

/// The object that the parts make.
fn assemble(upload: &Upload, parts: Numbered, claimed: &Whole) -> Result<Object, Error> {
    let size = parts.iter().map(|(_, part)| part.blob.size).sum();
    if size > claimed.limit {
        return Err(Error::TooLarge(claimed.limit));
    }
    if claimed.size.is_some_and(|claimed| claimed != size) {
        return Err(s3_error!(
            InvalidRequest,
            "The parts have {size} bytes, and x-amz-mp-object-size others."
        )
        .into());
    }
    // *CompleteMultipartUpload* (Amazon S3 API Reference): "If the checksum type doesn't match the checksum type that was
    // specified for the object during the CreateMultipartUpload request, it'll result in a BadDigest error." Without an
    // algorithm none was, and none is made.
    let full_object = upload.algorithm.as_ref().map(|_| upload.full_object);
    if claimed.full_object.is_some() && claimed.full_object != full_object {
        return Err(s3_error!(
            BadDigest,
            "The upload was not created with this checksum type: complete it with the type that it has, or name none."
        )
        .into());
    }
    let mut whole = Sums::default();
    if let Some(algorithm) = upload.algorithm.as_deref().and_then(Algorithm::named) {
        let sums: Vec<_> = parts.iter().map(|(_, part)| (&part.sums, part.blob.size)).collect();
        whole = sums::of_parts(algorithm, upload.full_object, &sums)?;
    }
    for algorithm in Algorithm::ALL {
        let claimed = algorithm.of(&claimed.sums);
        // A composite checksum may come without its number of parts.
        let plain = |sum: &String| sum.split('-').next().map(str::to_owned);
        if claimed.is_some() && claimed.and_then(plain) != algorithm.of(&whole).and_then(plain) {
            return Err(s3_error!(BadDigest, "The {} you specified did not match.", algorithm.name()).into());
        }
    }
    Ok(Object {
        etag: sums::etag_of_parts(parts.iter().map(|(_, part)| part.etag.as_str()))?,
        size,
        modified_ms: rows::now_ms(),
        headers: upload.headers.clone(),
        part_sums: parts.iter().map(|(_, part)| part.sums.clone()).collect(),
        blobs: parts.into_iter().map(|(_, part)| part.blob).collect(),
        sums: whole,
        upload: None,
    })
}

/// As the client sees it.
pub(crate) fn etag(value: &str) -> ETag {
    ETag::Strong(value.to_owned())
}
