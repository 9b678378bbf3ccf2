//! Objects: put, get, head, delete.

use std::ops::Range;
use std::sync::Arc;

use futures::StreamExt;
use maily_chassis::{Audit, BodyShare};
use maily_keys::AccessAction;
use s3s::dto::{
    DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, DeletedObject,
    Error as KeyError, GetObjectInput, GetObjectOutput, HeadObjectInput, HeadObjectOutput, ObjectIdentifier,
    PutObjectInput, PutObjectOutput, StreamingBlob, Timestamp,
};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Response, S3Result, s3_error};

use super::answer::{self, ObjectBytes};
use super::headers::{self, with_sums};
use super::needs::told;
use super::{Gateway, entries, to_the_end};
use crate::commit::{self, Place};
use crate::conditions::{DeleteIf, ReadIf, Tags, WriteIf, holds_for_range};
use crate::error::Error;
use crate::read::{self, Reader};
use crate::region::{NewBlob, Region};
use crate::rows::{Headers, Object, Sums};
use crate::write::Written;

/// Objects deleted by one request, at most (S3's limit).
const DELETES: usize = 1000;

/// What of an object is asked for.
pub(super) struct Span {
    bytes: Range<u64>,
    /// `Content-Range`, where it is not the whole.
    content_range: Option<String>,
    parts_count: Option<i32>,
    /// The checksums of these bytes, where they are known.
    sums: Option<Sums>,
}

impl Span {
    /// These bytes, for another object.
    pub(super) fn of(bytes: Range<u64>) -> Self {
        Self { bytes, content_range: None, parts_count: None, sums: None }
    }

    pub(super) fn length(&self) -> u64 {
        self.bytes.end - self.bytes.start
    }
}

fn span(object: &Object, range: Option<s3s::dto::Range>, part: Option<i32>) -> S3Result<Span> {
    let parts_count = object.parts().and_then(|count| i32::try_from(count).ok());
    let (bytes, sums) = match (range, part) {
        (None, None) => {
            return Ok(Span { sums: Some(object.sums.clone()), ..Span::of(0..object.size) });
        }
        (Some(_), Some(_)) => {
            return Err(s3_error!(InvalidRequest, "A range and a part can't both be asked for"));
        }
        (Some(range), None) => (range.check(object.size)?, None),
        (None, Some(number)) => one_part(object, number)?,
    };
    // RFC 9110, 14.1.2: no range of an empty object can be satisfied. But its one part is empty.
    if bytes.is_empty() && part.is_none() {
        return Err(S3ErrorCode::InvalidRange.into());
    }
    if object.size == 0 {
        return Ok(Span { bytes, content_range: None, parts_count, sums });
    }
    let last = bytes.end.saturating_sub(1);
    let content_range = format!("bytes {}-{last}/{}", bytes.start, object.size);
    Ok(Span { bytes, content_range: Some(content_range), parts_count: part.and(parts_count), sums })
}

/// A part's bytes, and their checksums where the object has some of that kind. What was put at once is its own only part.
fn one_part(object: &Object, number: i32) -> S3Result<(Range<u64>, Option<Sums>)> {
    let index = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
    let blobs = index.and_then(|index| object.blobs.get(..=index)?.split_last());
    let unsatisfiable = || s3_error!(InvalidPart, "The requested partnumber is not satisfiable");
    let (blob, before) = blobs.ok_or_else(unsatisfiable)?;
    let start: u64 = before.iter().map(|blob| blob.size).sum();
    let sums = match object.parts() {
        Some(_) => object.part_sums.get(before.len()).filter(|_| headers::sums_type(&object.sums).is_some()),
        None => Some(&object.sums),
    };
    Ok((start..start + blob.size, sums.cloned()))
}

/// Object versions are not kept; the only one is called `null`.
pub(super) fn only_version(version: Option<&str>) -> S3Result<()> {
    match version {
        None | Some("null" | "") => Ok(()),
        Some(_) => Err(S3ErrorCode::NoSuchVersion.into()),
    }
}

/// A time as HTTP shows it, at the second.
fn expires(headers: &Headers) -> Option<Timestamp> {
    headers.expires_s.map(|seconds| headers::timestamp(seconds.saturating_mul(1000)))
}

/// Sets what `GetObjectOutput` and `HeadObjectOutput` have in common.
macro_rules! describe {
    ($output:ident, $object:expr, $span:expr, $checksums:expr) => {{
        let (object, span): (&Object, &Span) = ($object, $span);
        let kept = &object.headers;
        let mut output = $output {
            accept_ranges: Some("bytes".into()),
            cache_control: kept.cache_control.clone(),
            content_disposition: kept.content_disposition.clone(),
            content_encoding: kept.content_encoding.clone(),
            content_language: kept.content_language.clone(),
            content_length: Some(headers::length(span.length())?),
            content_range: span.content_range.clone(),
            content_type: Some(kept.content_type.clone().unwrap_or_else(|| "binary/octet-stream".into())),
            e_tag: Some(commit::etag(&object.etag)),
            expires: expires(kept),
            last_modified: Some(headers::timestamp(object.modified_ms)),
            metadata: Some(kept.metadata.clone().into_iter().collect()),
            parts_count: span.parts_count,
            server_side_encryption: headers::sealing(),
            ..$output::default()
        };
        if let Some(sums) = span.sums.as_ref().filter(|_| $checksums) {
            with_sums!(output, sums);
            output.checksum_type = headers::sums_type(&object.sums);
        }
        output
    }};
}

impl Gateway {
    pub(super) async fn put(
        &self,
        mut request: S3Request<PutObjectInput>,
    ) -> S3Result<S3Response<PutObjectOutput>> {
        let place = Place { bucket: request.input.bucket.clone(), key: request.input.key.clone() };
        let region = self.in_bucket(&request, &place.bucket).await?;
        let input = &mut request.input;
        let kept = headers::kept(&request.headers, input.metadata.take(), input.expires.as_ref())?;
        let condition = WriteIf::of(&request.headers)?;
        let body = input.body.take();
        let limit = self.max_object_bytes;
        let (blob, written) = self.receive(&region, &request, body, None, limit).await?;
        let object = put_blob(region, place, blob, written, kept, condition).await?;
        let mut output = PutObjectOutput {
            e_tag: Some(commit::etag(&object.etag)),
            checksum_type: headers::sums_type(&object.sums),
            server_side_encryption: headers::sealing(),
            ..PutObjectOutput::default()
        };
        with_sums!(output, &object.sums);
        Ok(S3Response::new(output))
    }

    pub(super) async fn get(
        &self,
        request: S3Request<GetObjectInput>,
    ) -> S3Result<S3Response<GetObjectOutput>> {
        let input = &request.input;
        only_version(input.version_id.as_deref())?;
        let region = self.in_bucket(&request, &input.bucket).await?;
        let condition = ReadIf {
            matches: Tags::of(&request.headers, "if-match")?,
            none_matches: Tags::of(&request.headers, "if-none-match")?,
            modified_since: input.if_modified_since.clone(),
            unmodified_since: input.if_unmodified_since.clone(),
        };
        let find = |object: &Object| {
            condition.check(object)?;
            let range = input.range.filter(|_| holds_for_range(&request.headers, object));
            span(object, range, input.part_number)
        };
        let share = request.extensions.get::<BodyShare>();
        let (object, span, body) = open(&region, &input.bucket, &input.key, share, find).await?;
        let checksums = input.checksum_mode.as_ref().is_some_and(|mode| mode.as_str() == "ENABLED");
        let mut output = describe!(GetObjectOutput, &object, &span, checksums);
        output.body = Some(body);
        let mut response = S3Response::new(output);
        response.extensions.insert(ObjectBytes);
        Ok(response)
    }

    pub(super) async fn head(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let input = request.input.clone();
        let overriding = headers::overriding(&input)?;
        only_version(input.version_id.as_deref())?;
        let region = self.in_bucket(&request, &input.bucket).await?;
        let object = region.object(&input.bucket, &input.key).await?;
        let condition = ReadIf {
            matches: Tags::of(&request.headers, "if-match")?,
            none_matches: Tags::of(&request.headers, "if-none-match")?,
            modified_since: input.if_modified_since,
            unmodified_since: input.if_unmodified_since,
        };
        condition.check(&object)?;
        let range = input.range.filter(|_| holds_for_range(&request.headers, &object));
        let span = span(&object, range, input.part_number)?;
        let checksums = input.checksum_mode.is_some_and(|mode| mode.as_str() == "ENABLED");
        let mut response = S3Response::new(describe!(HeadObjectOutput, &object, &span, checksums));
        response.extensions.insert(ObjectBytes);
        response.headers = overriding;
        Ok(response)
    }

    pub(super) async fn delete(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        only_version(request.input.version_id.as_deref())?;
        let region = self.in_bucket(&request, &request.input.bucket).await?;
        let S3Request { input, headers, .. } = request;
        let place = Place { bucket: input.bucket, key: input.key };
        let condition = DeleteIf {
            matches: Tags::of(&headers, "if-match")?,
            modified: input.if_match_last_modified_time,
            size: input.if_match_size,
        };
        to_the_end(async move { region.delete_object(&place, &condition).await }).await?;
        Ok(S3Response::new(DeleteObjectOutput::default()))
    }

    pub(super) async fn delete_many(
        &self,
        request: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        let region = self.in_bucket(&request, &request.input.bucket).await?;
        entries::check(&request)?;
        let S3Request { input, credentials, .. } = request;
        let owner = self.keys.owner(credentials.as_ref());
        if input.delete.objects.len() > DELETES {
            return Err(s3_error!(MalformedXML, "At most {DELETES} objects can be deleted at once"));
        }
        if input.delete.objects.iter().any(|object| object.key.is_empty()) {
            return Err(s3_error!(MalformedXML, "An object to be deleted has no key"));
        }
        let quiet = input.delete.quiet.unwrap_or(false);
        let bucket = input.bucket;
        let deleting = input.delete.objects.into_iter().map(|object| {
            let (region, bucket) = (Arc::clone(&region), bucket.clone());
            let key = object.key.clone();
            let allowed = self.keys.may(credentials.as_ref(), AccessAction::Delete, &bucket, &key);
            let audit = Audit::new("delete_objects", owner.clone(), format!("{bucket}/{key}"));
            async move {
                let outcome = match allowed {
                    Ok(()) => delete_one(region, bucket, object).await,
                    Err(refused) => Err(refused),
                };
                told(Some(audit), None, &outcome);
                (key, outcome)
            }
        });
        let deleting: Vec<_> = deleting.collect();
        let done: Vec<(String, S3Result<()>)> = futures::stream::iter(deleting).buffered(32).collect().await;
        let (mut deleted, mut errors) = (Vec::new(), Vec::new());
        for (key, outcome) in done {
            match outcome {
                Ok(()) if quiet => {}
                Ok(()) => deleted.push(DeletedObject { key: Some(key), ..DeletedObject::default() }),
                Err(error) => errors.push(key_error(key, &error)),
            }
        }
        let output =
            DeleteObjectsOutput { deleted: Some(deleted), errors: Some(errors), request_charged: None };
        Ok(S3Response::new(output))
    }
}

async fn delete_one(region: Arc<Region>, bucket: String, object: ObjectIdentifier) -> S3Result<()> {
    only_version(object.version_id.as_deref())?;
    let place = Place { bucket, key: object.key };
    let condition = DeleteIf {
        matches: object.e_tag.map(DeleteIf::tag),
        modified: object.last_modified_time,
        size: object.size,
    };
    to_the_end(async move { region.delete_object(&place, &condition).await }).await
}

fn key_error(key: String, error: &S3Error) -> KeyError {
    KeyError {
        code: Some(error.code().as_str().to_owned()),
        key: Some(key),
        message: Some(error.message().unwrap_or_else(|| answer::message(error.code().as_str())).to_owned()),
        version_id: None,
    }
}

pub(super) async fn put_blob(
    region: Arc<Region>,
    place: Place,
    blob: NewBlob,
    written: Written,
    kept: Headers,
    condition: WriteIf,
) -> S3Result<Object> {
    to_the_end(async move { region.put_object(&place, blob, written, kept, &condition).await }).await
}

/// Looks an object up and begins to read what `find` asks of it; the first bytes are there, and good, when this answers. What is
/// in memory of it counts for `share` until the request is answered.
pub(super) async fn open(
    region: &Region,
    bucket: &str,
    key: &str,
    share: Option<&BodyShare>,
    find: impl Fn(&Object) -> S3Result<Span>,
) -> S3Result<(Object, Span, StreamingBlob)> {
    // Again when the object was replaced between looking it up and holding its bytes.
    for _ in 0..16 {
        let object = region.object(bucket, key).await?;
        let span = find(&object)?;
        if let Some(reader) = region.read(bucket, key, &object, span.bytes.clone()).await? {
            let held = read::held(object.size, span.length());
            if share.is_some_and(|share| !share.holds(held)) {
                return Err(s3_error!(SlowDown, "Too many objects are being read; read these first."));
            }
            return Ok((object, span, body(reader).await?));
        }
    }
    Err(s3_error!(SlowDown, "The object changes too often to be read"))
}

async fn body(mut reader: Reader) -> Result<StreamingBlob, Error> {
    let first = reader.next().await?;
    let first = futures::stream::iter(first.map(Ok));
    Ok(StreamingBlob::wrap(first.chain(reader.stream())))
}
