//! Copies: an object's bytes into another object, or into a part of an upload, within one region.

use std::ops::Range;

use futures::StreamExt;
use maily_chassis::{BodyShare, Hold};
use s3s::dto::{
    ChecksumAlgorithm, CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopyPartResult, CopySource,
    MetadataDirective, StreamingBlob, UploadPartCopyInput, UploadPartCopyOutput,
};
use s3s::{S3ErrorCode, S3Request, S3Response, S3Result, s3_error};

use super::headers::{self, with_sums};
use super::multipart::{self, MAX_PART};
use super::objects::{Span, only_version, open, put_blob};
use super::{Gateway, Sealing, soon, to_the_end};
use crate::commit::{self, Place};
use crate::conditions::{ReadIf, Tags, WriteIf};
use crate::error::Error;
use crate::region::{NewBlob, Region};
use crate::rows::Object;
use crate::sums::{Algorithm, Claimed};
use crate::write::{Begun, Written};

/// The bucket and the key that are copied from.
fn source(from: &CopySource) -> S3Result<(&str, &str)> {
    let CopySource::Bucket { bucket, key, version_id } = from else {
        return Err(s3_error!(NotImplemented, "Only a bucket and a key can be copied from"));
    };
    only_version(version_id.as_deref())?;
    Ok((bucket.as_ref(), key.as_ref()))
}

/// The conditions on the source of a copy, which two inputs have alike.
macro_rules! source_condition {
    ($request:expr) => {
        ReadIf {
            matches: Tags::of(&$request.headers, "x-amz-copy-source-if-match")?,
            none_matches: Tags::of(&$request.headers, "x-amz-copy-source-if-none-match")?,
            modified_since: $request.input.copy_source_if_modified_since.clone(),
            unmodified_since: $request.input.copy_source_if_unmodified_since.clone(),
        }
    };
}

/// The bytes that a part is copied from. *UploadPartCopy* (Amazon S3 API Reference): "The range value must use the form
/// bytes=first-last, where the first and last are the zero-based byte offsets to copy."
fn bytes(range: &str, size: u64) -> S3Result<Range<u64>> {
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u64>());
    let ends = range.strip_prefix("bytes=").and_then(|ends| ends.split_once('-'));
    let ends = ends.and_then(|(first, last)| Some((number(first)?.ok()?, number(last)?.ok()?)));
    match ends.filter(|(first, last)| first <= last) {
        Some((first, last)) if last < size => Ok(first..last + 1),
        Some(_) => Err(S3ErrorCode::InvalidRange.into()),
        None => Err(s3_error!(InvalidArgument, "x-amz-copy-source-range must be bytes=first-last")),
    }
}

/// The checksums of a copy. *CopyObject* (Amazon S3 API Reference): without `x-amz-checksum-algorithm` "the checksum
/// algorithm will be copied from the source object to the destination object (if it's present on the source object)".
fn copied_sums(asked: Option<&ChecksumAlgorithm>, source: &Object) -> Claimed {
    let asked = asked.map(ChecksumAlgorithm::as_str).and_then(Algorithm::named);
    Claimed::nothing(Algorithm::ALL.into_iter().filter(|algorithm| match asked {
        Some(asked) => asked == *algorithm,
        None => algorithm.of(&source.sums).is_some(),
    }))
}

/// Why the bytes of the source don't come: what its reader says.
fn unread(error: s3s::StdError) -> Error {
    match error.downcast::<Error>() {
        Ok(error) => *error,
        Err(error) => Error::Damaged(error.to_string()),
    }
}

impl Gateway {
    pub(super) async fn copy(
        &self,
        request: S3Request<CopyObjectInput>,
    ) -> S3Result<S3Response<CopyObjectOutput>> {
        let input = &request.input;
        let (bucket, key) = source(&input.copy_source)?;
        let replacing =
            input.metadata_directive.as_ref().is_some_and(|it| it.as_str() == MetadataDirective::REPLACE);
        let place = Place { bucket: input.bucket.clone(), key: input.key.clone() };
        if !replacing && bucket == place.bucket && key == place.key {
            return Err(s3_error!(
                InvalidRequest,
                "An object can be copied to itself only to change its metadata"
            ));
        }
        let region = self.in_bucket(&request, &place.bucket).await?;
        // Both buckets must lie in the one region that the request is signed for.
        self.in_bucket(&request, bucket).await?;
        let condition = source_condition!(request);
        let find = |object: &Object| {
            condition.check_source(object)?;
            Ok(Span::of(0..object.size))
        };
        let share = request.extensions.get::<BodyShare>();
        let (source, span, body) = soon(open(&region, bucket, key, share, find)).await?;
        let kept = match replacing {
            true => headers::kept(&request.headers, input.metadata.clone(), input.expires.as_ref())?,
            false => source.headers.clone(),
        };
        let written_if = WriteIf::of(&request.headers)?;
        let sums = copied_sums(input.checksum_algorithm.as_ref(), &source);
        let owner = self.keys.owner(request.credentials.as_ref());
        let (blob, written) = self.duplicate(&region, owner, body, span.length(), &sums).await?;
        let object = put_blob(region, place, blob, written, kept, written_if).await?;
        let mut result = CopyObjectResult {
            checksum_type: headers::sums_type(&object.sums),
            e_tag: Some(commit::etag(&object.etag)),
            last_modified: Some(headers::timestamp(object.modified_ms)),
            ..CopyObjectResult::default()
        };
        with_sums!(result, &object.sums);
        Ok(S3Response::new(CopyObjectOutput {
            copy_object_result: Some(result),
            server_side_encryption: headers::sealing(),
            ..CopyObjectOutput::default()
        }))
    }

    pub(super) async fn copy_part(
        &self,
        request: S3Request<UploadPartCopyInput>,
    ) -> S3Result<S3Response<UploadPartCopyOutput>> {
        let input = &request.input;
        let (bucket, key) = source(&input.copy_source)?;
        let number = multipart::number(input.part_number)?;
        let place = Place { bucket: input.bucket.clone(), key: input.key.clone() };
        let region = self.in_bucket(&request, &place.bucket).await?;
        // Both buckets must lie in the one region that the request is signed for.
        self.in_bucket(&request, bucket).await?;
        let id = input.upload_id.clone();
        let upload = soon(region.upload(&place, &id)).await?;
        let condition = source_condition!(request);
        let find = |object: &Object| {
            condition.check_source(object)?;
            let asked = input.copy_source_range.as_deref();
            let bytes = asked.map_or(Ok(0..object.size), |range| bytes(range, object.size))?;
            if bytes.end - bytes.start > MAX_PART {
                return Err(s3_error!(InvalidRequest, "A part may have at most {MAX_PART} bytes"));
            }
            Ok(Span::of(bytes))
        };
        let share = request.extensions.get::<BodyShare>();
        let (_, span, body) = soon(open(&region, bucket, key, share, find)).await?;
        let wanted = upload.algorithm.as_deref().and_then(Algorithm::named);
        let claimed = Claimed::nothing(wanted.into_iter());
        let owner = self.keys.owner(request.credentials.as_ref());
        let (blob, written) = self.duplicate(&region, owner, body, span.length(), &claimed).await?;
        let part =
            to_the_end(async move { region.put_part(&place, &id, number, blob, written).await }).await?;
        let mut result = CopyPartResult {
            e_tag: Some(commit::etag(&part.etag)),
            last_modified: Some(headers::timestamp(part.modified_ms)),
            ..CopyPartResult::default()
        };
        with_sums!(result, &part.sums);
        Ok(S3Response::new(UploadPartCopyOutput {
            copy_part_result: Some(result),
            server_side_encryption: headers::sealing(),
            ..UploadPartCopyOutput::default()
        }))
    }

    /// Writes `length` bytes of an object into a new blob, under a key of its own, at the least rate of an upload.
    async fn duplicate(
        &self,
        region: &Region,
        owner: String,
        body: StreamingBlob,
        length: u64,
        claimed: &Claimed,
    ) -> S3Result<(NewBlob, Written)> {
        let place = self.place(owner, Hold::Long).await?;
        let pieces = body.map(|piece| piece.map_err(unread)).boxed();
        let limit = self.max_object_bytes;
        // Whatever ended the source early, the rest of it is no copy.
        let check = |written: &Written| if written.size == length { Ok(()) } else { Err(Error::StoreSlow) };
        let copying = async {
            let sealing = Sealing { body: Begun::receive(pieces, limit).await?, claimed, limit };
            self.write(region, place, sealing, check).await
        };
        let copied: Result<(NewBlob, Written), Error> = copying.await;
        // No client sends these bytes: whoever asked for the copy was not too slow.
        copied.map_err(|error| match error {
            Error::Slow => Error::StoreSlow.into(),
            error => error.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io;
    use std::sync::Arc;

    use bytes::Bytes;
    use futures::stream;
    use maily_keys::LocalKeyring;

    use super::*;
    use crate::access::AccessKeys;

    /// The pieces of a source, each of a MiB, and whether it hangs behind them.
    fn source_of(pieces: usize, hangs: bool) -> StreamingBlob {
        let mib = Bytes::from(vec![7; 1 << 20]);
        let pieces = stream::iter((0..pieces).map(move |_| Ok::<_, io::Error>(mib.clone())));
        match hangs {
            true => StreamingBlob::wrap(pieces.chain(stream::pending())),
            false => StreamingBlob::wrap(pieces),
        }
    }

    /// What a copy of 2 MiB is answered.
    #[tokio::test]
    async fn a_copy_moves_or_is_told_to_come_again() {
        let dir = tempfile::tempdir().unwrap();
        let roots = Arc::new(LocalKeyring::open(dir.path().join("keyring.json")).unwrap());
        let store = maily_store::folder(&dir.path().join("eu")).unwrap();
        let region = Region::open("eu", store, roots, "acme").await.unwrap();
        let gateway = Gateway::new(BTreeMap::new(), AccessKeys::new(Vec::new()).unwrap(), 1 << 30);
        let claimed = Claimed::nothing(std::iter::empty());
        tokio::time::pause();
        let copied = async |body| {
            let copied = gateway.duplicate(&region, "ann".into(), body, 2 << 20, &claimed).await;
            copied.map(|(_, written)| written.size).map_err(|error| error.code().as_str().to_owned())
        };
        assert_eq!(copied(source_of(2, false)).await, Ok(2 << 20));
        for (pieces, hangs) in [(0, true), (1, true), (1, false)] {
            let begun = tokio::time::Instant::now();
            let refused = copied(source_of(pieces, hangs)).await;
            assert_eq!(refused, Err("SlowDown".to_owned()), "{pieces} {hangs}");
            // A minute, and what the index takes until its row is durable.
            assert!(begun.elapsed().as_secs() < 120, "{pieces} {hangs}: {:?}", begun.elapsed());
        }
        // Why the reader gives up is what the copy is answered.
        let full = object_store::Error::Generic { store: "local", source: "no space left".into() };
        for (error, code) in [
            (Error::Slow, "SlowDown"),
            (Error::Store(full), "ServiceUnavailable"),
            (Error::Damaged("it is missing".into()), "InternalError"),
        ] {
            let pieces = stream::iter([Ok(Bytes::from(vec![7; 2 << 20])), Err(error)]);
            assert_eq!(copied(StreamingBlob::wrap(pieces)).await, Err(code.to_owned()));
        }
    }

    #[test]
    fn a_parts_range_has_both_ends_and_lies_in_the_source() {
        let code = |range| bytes(range, 5).map_err(|error| error.code().as_str().to_owned());
        assert_eq!(code("bytes=0-4"), Ok(0..5));
        assert_eq!(code("bytes=2-2"), Ok(2..3));
        assert_eq!(code("bytes=0-21"), Err("InvalidRange".to_owned()));
        // What ceph/s3-tests tries (test_multipart_copy_improper_range), and a sign.
        for bad in [
            "0-2",
            "bytes=0",
            "bytes=hello-world",
            "bytes=0-bar",
            "bytes=hello-",
            "bytes=0-2,3-5",
            "bytes=+0-2",
        ] {
            assert_eq!(code(bad), Err("InvalidArgument".to_owned()), "{bad}");
        }
    }
}
