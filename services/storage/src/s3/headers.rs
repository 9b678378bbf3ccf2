//! Between the protocol's headers and what the index keeps.

use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

use http::{HeaderMap, HeaderName, HeaderValue};
use s3s::dto::{ChecksumType, HeadObjectInput, Metadata, Owner, ServerSideEncryption, Timestamp};
use s3s::{S3Error, S3Result, s3_error};

use crate::conditions::{http_date, seconds};
use crate::rows::{Headers, Sums};

/// Bytes of user metadata, names and values (S3's limit).
const MAX_METADATA: usize = 2048;

/// The headers of a request that are kept with the object.
pub(super) fn kept(
    headers: &HeaderMap,
    metadata: Option<Metadata>,
    expires: Option<&Timestamp>,
) -> S3Result<Headers> {
    let metadata: BTreeMap<String, String> = metadata.unwrap_or_default().into_iter().collect();
    let length: usize = metadata.iter().map(|(name, value)| name.len() + value.len()).sum();
    if length > MAX_METADATA {
        return Err(s3_error!(MetadataTooLarge, "Your metadata may have at most {MAX_METADATA} bytes."));
    }
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    Ok(Headers {
        content_type: text(http::header::CONTENT_TYPE),
        content_encoding: text(http::header::CONTENT_ENCODING).and_then(|value| without_chunks(&value)),
        content_language: text(http::header::CONTENT_LANGUAGE),
        content_disposition: text(http::header::CONTENT_DISPOSITION),
        cache_control: text(http::header::CACHE_CONTROL),
        expires_s: expires.and_then(seconds),
        metadata,
    })
}

/// `aws-chunked` is how the body came, not what it is. What is left comes back as it was written.
fn without_chunks(encoding: &str) -> Option<String> {
    let transport = |name: &str| name.is_empty() || name.eq_ignore_ascii_case("aws-chunked");
    let kept: Vec<&str> = encoding.split(',').filter(|name| !transport(name.trim())).collect();
    (!kept.is_empty()).then(|| kept.join(",").trim().to_owned())
}

/// What stands in a HEAD's answer in place of the object's own headers, because its query asks for it. s3s sees to that of a GET
/// alone.
pub(super) fn overriding(input: &HeadObjectInput) -> S3Result<HeaderMap> {
    let asked = [
        (http::header::CACHE_CONTROL, &input.response_cache_control),
        (http::header::CONTENT_DISPOSITION, &input.response_content_disposition),
        (http::header::CONTENT_ENCODING, &input.response_content_encoding),
        (http::header::CONTENT_LANGUAGE, &input.response_content_language),
        (http::header::CONTENT_TYPE, &input.response_content_type),
    ];
    let mut headers = HeaderMap::new();
    for (name, value) in asked {
        let Some(value) = value else { continue };
        let Ok(value) = HeaderValue::from_str(value) else {
            return Err(s3_error!(InvalidRequest, "The value of response-{name} can't be one of a header"));
        };
        headers.insert(name, value);
    }
    if let Some(expires) = input.response_expires.as_ref().and_then(http_date) {
        headers.insert(http::header::EXPIRES, expires);
    }
    Ok(headers)
}

/// A time as the protocol shows it.
pub(super) fn timestamp(ms: i64) -> Timestamp {
    Timestamp::from(UNIX_EPOCH + Duration::from_millis(u64::try_from(ms).unwrap_or(0)))
}

/// Whose every object is, for clients that ask: there are no accounts.
pub(super) fn owner() -> Owner {
    Owner { display_name: Some("maily".into()), id: Some("maily".into()) }
}

/// What an object is sealed with, in S3's words: AES-256, under keys that the service keeps. *PutObject* (Amazon S3 API
/// Reference): "The server-side encryption algorithm used when you store this object in Amazon S3."
pub(super) fn sealing() -> Option<ServerSideEncryption> {
    Some(ServerSideEncryption::from_static(ServerSideEncryption::AES256))
}

/// A size or length as the protocol shows it.
pub(super) fn length(bytes: u64) -> S3Result<i64> {
    i64::try_from(bytes).map_err(|_| S3Error::new(s3s::S3ErrorCode::InternalError))
}

/// The `Content-Length` of the body itself, without the framing of `aws-chunked`.
pub(super) fn announced(headers: &HeaderMap) -> Option<u64> {
    let number = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()?.parse().ok());
    number("x-amz-decoded-content-length").or_else(|| number("content-length"))
}

/// The kind of the checksums that are there.
pub(super) fn sums_type(sums: &Sums) -> Option<ChecksumType> {
    let any = [&sums.crc32, &sums.crc32c, &sums.crc64nvme, &sums.sha1, &sums.sha256]
        .iter()
        .any(|sum| sum.is_some());
    let kind = if sums.composite { ChecksumType::COMPOSITE } else { ChecksumType::FULL_OBJECT };
    any.then(|| ChecksumType::from_static(kind))
}

/// Sets a DTO's five checksum fields and their type from `Sums`.
macro_rules! with_sums {
    ($output:expr, $sums:expr) => {{
        let sums: &$crate::rows::Sums = $sums;
        $output.checksum_crc32.clone_from(&sums.crc32);
        $output.checksum_crc32c.clone_from(&sums.crc32c);
        $output.checksum_crc64nvme.clone_from(&sums.crc64nvme);
        $output.checksum_sha1.clone_from(&sums.sha1);
        $output.checksum_sha256.clone_from(&sums.sha256);
    }};
}
/// Reads the same fields of a DTO.
macro_rules! sums_of {
    ($input:expr) => {
        $crate::rows::Sums {
            crc32: $input.checksum_crc32.clone(),
            crc32c: $input.checksum_crc32c.clone(),
            crc64nvme: $input.checksum_crc64nvme.clone(),
            sha1: $input.checksum_sha1.clone(),
            sha256: $input.checksum_sha256.clone(),
            composite: false,
        }
    };
}
pub(super) use {sums_of, with_sums};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_transport_is_not_the_content() {
        assert_eq!(without_chunks("aws-chunked"), None);
        assert_eq!(without_chunks("gzip, aws-chunked").as_deref(), Some("gzip"));
        assert_eq!(without_chunks("aws-chunked, gzip,aws-chunked").as_deref(), Some("gzip"));
        assert_eq!(without_chunks("deflate, gzip,aws-chunked").as_deref(), Some("deflate, gzip"));
        assert_eq!(without_chunks("deflate,gzip").as_deref(), Some("deflate,gzip"));
    }
}
