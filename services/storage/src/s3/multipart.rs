//! Multipart uploads: parts are blobs of their own, which completing makes an object without moving a byte.

use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, ChecksumAlgorithm, ChecksumType, CommonPrefix,
    CompleteMultipartUploadInput, CompleteMultipartUploadOutput, CompletedPart, CreateMultipartUploadInput,
    CreateMultipartUploadOutput, ListMultipartUploadsInput, ListMultipartUploadsOutput, ListPartsInput,
    ListPartsOutput, MultipartUpload, Part, UploadPartInput, UploadPartOutput,
};
use s3s::{S3ErrorCode, S3Request, S3Response, S3Result, s3_error};

use super::headers::{self, sums_of, with_sums};
use super::list::{beyond, check_encoding, named};
use super::{Gateway, soon, to_the_end};
use crate::commit::{self, Named, Place, Whole};
use crate::conditions::WriteIf;
use crate::error::Error;
use crate::region::Region;
use crate::rows::{self, Upload};
use crate::sums::Algorithm;

/// Parts of one upload, at most (S3's limit).
const PARTS: i32 = 10_000;
/// Bytes of a part, at most (S3's limit).
pub(super) const MAX_PART: u64 = 5 << 30;
/// Entries of one page, at most and unless asked.
const PAGE: usize = 1000;

/// A part's number; S3 counts from 1.
pub(super) fn number(number: i32) -> S3Result<u16> {
    let valid = (1..=PARTS).contains(&number).then(|| u16::try_from(number).ok()).flatten();
    valid.ok_or_else(|| s3_error!(InvalidArgument, "Part number must be an integer between 1 and {PARTS}"))
}

fn page(asked: Option<i32>) -> S3Result<usize> {
    let limit =
        usize::try_from(asked.unwrap_or(1000)).map_err(|_| s3_error!(InvalidArgument, "negative page"))?;
    Ok(limit.min(PAGE))
}

/// The first number behind a marker. One beyond [`PARTS`] counts as that: so the range of rows that is looked through is never
/// empty, which the index panics of.
fn behind(marker: Option<i32>) -> S3Result<u16> {
    let marker = u16::try_from(marker.unwrap_or(0).min(PARTS));
    let behind = marker.map(|marker| marker + 1);
    behind.map_err(|_| s3_error!(InvalidArgument, "part-number-marker is negative"))
}

/// Whether this is the type of a checksum over all bytes, rather than over the parts' checksums.
fn is_full(kind: &ChecksumType) -> bool {
    kind.as_str().eq_ignore_ascii_case(ChecksumType::FULL_OBJECT)
}

/// Whether the whole object's checksum is over all its bytes, as asked or as S3 does unless asked.
fn full_object(algorithm: Option<Algorithm>, asked: Option<&ChecksumType>) -> S3Result<bool> {
    if algorithm.is_none() && asked.is_some() {
        return Err(s3_error!(
            InvalidRequest,
            "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header"
        ));
    }
    let full = asked.map_or(algorithm == Some(Algorithm::Crc64Nvme), is_full);
    match (algorithm, full) {
        (Some(Algorithm::Sha1 | Algorithm::Sha256), true) | (Some(Algorithm::Crc64Nvme), false) => {
            Err(s3_error!(InvalidRequest, "This checksum algorithm does not go with this checksum type"))
        }
        _ => Ok(full),
    }
}

fn kind(upload: &Upload) -> Option<ChecksumType> {
    let name = if upload.full_object { ChecksumType::FULL_OBJECT } else { ChecksumType::COMPOSITE };
    upload.algorithm.as_ref().map(|_| ChecksumType::from_static(name))
}

impl Region {
    pub(super) async fn upload(&self, place: &Place, id: &str) -> Result<Upload, Error> {
        let upload = self.row(rows::upload(&place.bucket, &place.key, id)).await?;
        upload.ok_or_else(|| S3ErrorCode::NoSuchUpload.into())
    }
}

impl Gateway {
    pub(super) async fn create_upload(
        &self,
        mut request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        let region = self.in_bucket(&request, &request.input.bucket).await?;
        let input = &mut request.input;
        let algorithm =
            input.checksum_algorithm.as_ref().map(ChecksumAlgorithm::as_str).and_then(Algorithm::named);
        let upload = Upload {
            created_ms: rows::now_ms(),
            headers: headers::kept(&request.headers, input.metadata.take(), input.expires.as_ref())?,
            algorithm: algorithm.map(|algorithm| algorithm.name().to_owned()),
            full_object: full_object(algorithm, input.checksum_type.as_ref())?,
        };
        let place = Place { bucket: input.bucket.clone(), key: input.key.clone() };
        if place.key.contains('\0') {
            // It ends the key in the name of an upload's row, so that uploads are in the order of their keys.
            return Err(s3_error!(InvalidArgument, "A key with a NUL in it can't be uploaded in parts"));
        }
        let (id, kind) = (uuid::Uuid::new_v4().simple().to_string(), kind(&upload));
        let (at, name) = (place.clone(), id.clone());
        to_the_end(async move { region.create_upload(&at, &name, &upload).await }).await?;
        Ok(S3Response::new(CreateMultipartUploadOutput {
            bucket: Some(place.bucket),
            key: Some(place.key),
            upload_id: Some(id),
            checksum_algorithm: request.input.checksum_algorithm,
            checksum_type: kind,
            server_side_encryption: headers::sealing(),
            ..CreateMultipartUploadOutput::default()
        }))
    }

    pub(super) async fn put_part(
        &self,
        mut request: S3Request<UploadPartInput>,
    ) -> S3Result<S3Response<UploadPartOutput>> {
        let place = Place { bucket: request.input.bucket.clone(), key: request.input.key.clone() };
        let number = number(request.input.part_number)?;
        let region = self.in_bucket(&request, &place.bucket).await?;
        let id = request.input.upload_id.clone();
        let upload = soon(region.upload(&place, &id)).await?;
        let wanted = upload.algorithm.as_deref().and_then(Algorithm::named);
        let body = request.input.body.take();
        let limit = self.max_object_bytes.min(MAX_PART);
        let (blob, written) = self.receive(&region, &request, body, wanted, limit).await?;
        let part =
            to_the_end(async move { region.put_part(&place, &id, number, blob, written).await }).await?;
        let mut output = UploadPartOutput {
            e_tag: Some(commit::etag(&part.etag)),
            server_side_encryption: headers::sealing(),
            ..UploadPartOutput::default()
        };
        with_sums!(output, &part.sums);
        Ok(S3Response::new(output))
    }

    pub(super) async fn complete(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let region = self.in_bucket(&request, &request.input.bucket).await?;
        let input = request.input;
        let named = input.multipart_upload.and_then(|upload| upload.parts).unwrap_or_default();
        let named = named.into_iter().map(name).collect::<S3Result<Vec<_>>>()?;
        let place = Place { bucket: input.bucket.clone(), key: input.key.clone() };
        let size = input.mpu_object_size.map(u64::try_from).transpose();
        let size = size.map_err(|_| s3_error!(InvalidRequest, "x-amz-mp-object-size is negative"))?;
        let full_object = input.checksum_type.as_ref().map(is_full);
        let whole = Whole { sums: sums_of!(input), full_object, size, limit: self.max_object_bytes };
        let condition = WriteIf::of(&request.headers)?;
        let id = input.upload_id;
        let completing = async move { region.complete_upload(&place, &id, &named, &whole, &condition).await };
        let object = to_the_end(completing).await?;
        let mut output = CompleteMultipartUploadOutput {
            location: Some(format!("/{}/{}", input.bucket, input.key)),
            bucket: Some(input.bucket),
            key: Some(input.key),
            e_tag: Some(commit::etag(&object.etag)),
            checksum_type: headers::sums_type(&object.sums),
            server_side_encryption: headers::sealing(),
            ..CompleteMultipartUploadOutput::default()
        };
        with_sums!(output, &object.sums);
        Ok(S3Response::new(output))
    }

    pub(super) async fn abort(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        let region = self.in_bucket(&request, &request.input.bucket).await?;
        let place = Place { bucket: request.input.bucket, key: request.input.key };
        let id = request.input.upload_id;
        to_the_end(async move { region.abort_upload(&place, &id).await }).await?;
        Ok(S3Response::new(AbortMultipartUploadOutput::default()))
    }

    pub(super) async fn parts(
        &self,
        request: S3Request<ListPartsInput>,
    ) -> S3Result<S3Response<ListPartsOutput>> {
        let region = self.in_bucket(&request, &request.input.bucket).await?;
        let input = request.input;
        let place = Place { bucket: input.bucket.clone(), key: input.key.clone() };
        let upload = region.upload(&place, &input.upload_id).await?;
        let limit = page(input.max_parts)?;
        let from = behind(input.part_number_marker)?;
        let (start, end) = (rows::part(&input.upload_id, from), rows::part(&input.upload_id, u16::MAX));
        let mut found = region.scan(start..end).await?;
        let (mut parts, mut truncated) = (Vec::new(), false);
        while let Some(row) = found.next().await.map_err(Error::from)? {
            if parts.len() == limit {
                // Of none there is no last one to go on behind.
                truncated = limit > 0;
                break;
            }
            let part: rows::Part = rows::decode(&row.value)?;
            let mut shown = Part {
                e_tag: Some(commit::etag(&part.etag)),
                last_modified: Some(headers::timestamp(part.modified_ms)),
                part_number: Some(i32::from(rows::part_number(&row.key)?)),
                size: Some(headers::length(part.blob.size)?),
                ..Part::default()
            };
            with_sums!(shown, &part.sums);
            parts.push(shown);
        }
        Ok(S3Response::new(ListPartsOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(input.upload_id),
            is_truncated: Some(truncated),
            max_parts: i32::try_from(limit).ok(),
            next_part_number_marker: parts.last().filter(|_| truncated).and_then(|part| part.part_number),
            part_number_marker: input.part_number_marker,
            checksum_type: kind(&upload),
            checksum_algorithm: upload.algorithm.map(ChecksumAlgorithm::from),
            parts: Some(parts),
            ..ListPartsOutput::default()
        }))
    }

    /// Unfinished uploads, ordered by key and then by upload.
    pub(super) async fn uploads(
        &self,
        request: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        let region = self.in_bucket(&request, &request.input.bucket).await?;
        let input = request.input;
        if input.delimiter.as_ref().is_some_and(|delimiter| !delimiter.is_empty()) {
            return Err(s3_error!(NotImplemented, "Uploads can't be listed with a delimiter"));
        }
        check_encoding(input.encoding_type.as_ref())?;
        let prefix = input.prefix.clone().unwrap_or_default();
        let marker = (input.key_marker.as_deref().unwrap_or_default(), input.upload_id_marker.as_deref());
        let limit = page(input.max_uploads)?;
        let (found, more) = region.uploads_after(&input.bucket, &prefix, marker, limit).await?;
        let next = found.last().filter(|_| more).map(|(key, id, _)| (Some(key.clone()), Some(id.clone())));
        let shown = |name: String| named(input.encoding_type.as_ref(), name);
        let uploads = found.into_iter().map(|(key, id, upload)| MultipartUpload {
            checksum_type: kind(&upload),
            checksum_algorithm: upload.algorithm.map(ChecksumAlgorithm::from),
            initiated: Some(headers::timestamp(upload.created_ms)),
            key: Some(shown(key)),
            upload_id: Some(id),
            ..MultipartUpload::default()
        });
        let uploads = uploads.collect();
        let truncated = next.is_some();
        let (next_key_marker, next_upload_id_marker) = next.unwrap_or_default();
        let (key_marker, next_key_marker) = (input.key_marker.map(shown), next_key_marker.map(shown));
        let prefix = input.prefix.map(shown);
        Ok(S3Response::new(ListMultipartUploadsOutput {
            bucket: Some(input.bucket),
            common_prefixes: Some(Vec::<CommonPrefix>::new()),
            is_truncated: Some(truncated),
            encoding_type: input.encoding_type,
            key_marker,
            max_uploads: i32::try_from(limit).ok(),
            next_key_marker,
            next_upload_id_marker,
            prefix,
            upload_id_marker: input.upload_id_marker,
            uploads: Some(uploads),
            ..ListMultipartUploadsOutput::default()
        }))
    }
}

impl Region {
    /// At most `limit` uploads whose key begins with `prefix` and that come after `marker` (a key and maybe an upload;
    /// an empty key is none), by key and then by upload; and whether there are more.
    async fn uploads_after(
        &self,
        bucket: &str,
        prefix: &str,
        marker: (&str, Option<&str>),
        limit: usize,
    ) -> Result<(Vec<(String, String, Upload)>, bool), Error> {
        let all = rows::uploads(bucket);
        let first = [&all, prefix.as_bytes()].concat();
        let after = match marker {
            ("", _) => Vec::new(),
            // Rows of the key itself go on with NUL.
            (key, None) => [&all, key.as_bytes(), &[1]].concat(),
            (key, Some(id)) => [rows::upload(bucket, key, id), vec![0]].concat(),
        };
        let end = beyond(first.clone());
        let start = first.max(after);
        let mut uploads = Vec::new();
        if start >= end {
            return Ok((uploads, false));
        }
        let mut found = self.scan(start..end).await?;
        while let Some(row) = found.next().await? {
            if uploads.len() == limit {
                return Ok((uploads, limit > 0));
            }
            let name = str::from_utf8(row.key.get(all.len()..).ok_or(Error::Row)?).map_err(|_| Error::Row)?;
            let (key, id) = name.rsplit_once('\0').ok_or(Error::Row)?;
            uploads.push((key.to_owned(), id.to_owned(), rows::decode(&row.value)?));
        }
        Ok((uploads, false))
    }
}

fn name(part: CompletedPart) -> S3Result<Named> {
    Ok(Named {
        number: number(part.part_number.unwrap_or_default())?,
        sums: sums_of!(part),
        etag: part.e_tag.map(|etag| etag.value().to_owned()),
    })
}
