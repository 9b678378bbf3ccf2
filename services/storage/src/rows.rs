//! The index: names of its rows, and what they hold (protobuf, so that fields can be added).
//!
//! `b/<bucket>`, `o/<bucket>\0<key>` objects, `u/<bucket>\0<key>\0<upload>` unfinished uploads,
//! `p/<upload><number>` their parts, and `j/<blob>` the journal: blobs that are being written or are to be deleted. So
//! whatever is killed when, a blob is named by an object, by a part or by the journal.

use std::collections::BTreeMap;

use prost::Message;

use crate::error::Error;

/// A blob's random name.
pub(crate) type BlobId = [u8; 16];

/// A bucket.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Bucket {
    #[prost(int64, tag = "1")]
    pub(crate) created_ms: i64,
}

/// An object, as last written.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Object {
    /// MD5 in hex, with `-<parts>` for multipart; without quotes.
    #[prost(string, tag = "1")]
    pub(crate) etag: String,
    #[prost(uint64, tag = "2")]
    pub(crate) size: u64,
    #[prost(int64, tag = "3")]
    pub(crate) modified_ms: i64,
    #[prost(message, required, tag = "4")]
    pub(crate) headers: Headers,
    /// Its bytes, one blob after the other.
    #[prost(message, repeated, tag = "5")]
    pub(crate) blobs: Vec<Blob>,
    #[prost(message, required, tag = "6")]
    pub(crate) sums: Sums,
    /// The multipart upload that it was, so that completing that once more is known for what it is.
    #[prost(string, optional, tag = "7")]
    pub(crate) upload: Option<String>,
    /// The checksums of each of `blobs`, where they are the parts of a multipart upload. Objects of before this field have
    /// none.
    #[prost(message, repeated, tag = "8")]
    pub(crate) part_sums: Vec<Sums>,
}

impl Object {
    /// How many parts it was completed from; none where it was put at once. A multipart's ETag has their number.
    pub(crate) fn parts(&self) -> Option<usize> {
        self.etag.contains('-').then_some(self.blobs.len())
    }
}

/// Encrypted bytes in the object store.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Blob {
    #[prost(bytes = "vec", tag = "1")]
    id: Vec<u8>,
    /// Its data key, wrapped under the region's epoch key.
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) wrapped: Vec<u8>,
    /// Bytes of plaintext.
    #[prost(uint64, tag = "3")]
    pub(crate) size: u64,
}

/// Headers kept for the client.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Headers {
    #[prost(string, optional, tag = "1")]
    pub(crate) content_type: Option<String>,
    #[prost(string, optional, tag = "2")]
    pub(crate) content_encoding: Option<String>,
    #[prost(string, optional, tag = "3")]
    pub(crate) content_language: Option<String>,
    #[prost(string, optional, tag = "4")]
    pub(crate) content_disposition: Option<String>,
    #[prost(string, optional, tag = "5")]
    pub(crate) cache_control: Option<String>,
    #[prost(int64, optional, tag = "6")]
    pub(crate) expires_s: Option<i64>,
    #[prost(btree_map = "string, string", tag = "7")]
    pub(crate) metadata: BTreeMap<String, String>,
}

/// Checksums as S3 shows them: base64, with `-<parts>` where composite.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Sums {
    #[prost(string, optional, tag = "1")]
    pub(crate) crc32: Option<String>,
    #[prost(string, optional, tag = "2")]
    pub(crate) crc32c: Option<String>,
    #[prost(string, optional, tag = "3")]
    pub(crate) crc64nvme: Option<String>,
    #[prost(string, optional, tag = "4")]
    pub(crate) sha1: Option<String>,
    #[prost(string, optional, tag = "5")]
    pub(crate) sha256: Option<String>,
    /// Made of the parts' checksums, not of the bytes.
    #[prost(bool, tag = "6")]
    pub(crate) composite: bool,
}

/// An unfinished multipart upload.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Upload {
    #[prost(int64, tag = "1")]
    pub(crate) created_ms: i64,
    #[prost(message, required, tag = "2")]
    pub(crate) headers: Headers,
    /// The checksum the client asked for.
    #[prost(string, optional, tag = "3")]
    pub(crate) algorithm: Option<String>,
    /// Whether it is over all bytes, rather than over the parts' checksums.
    #[prost(bool, tag = "4")]
    pub(crate) full_object: bool,
}

/// A part of one.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Part {
    #[prost(message, required, tag = "1")]
    pub(crate) blob: Blob,
    /// MD5 in hex.
    #[prost(string, tag = "2")]
    pub(crate) etag: String,
    #[prost(message, required, tag = "3")]
    pub(crate) sums: Sums,
    #[prost(int64, tag = "4")]
    pub(crate) modified_ms: i64,
}

impl Blob {
    pub(crate) fn new(id: BlobId, wrapped: Vec<u8>, size: u64) -> Self {
        Self { id: id.to_vec(), wrapped, size }
    }

    pub(crate) fn id(&self) -> Result<BlobId, Error> {
        self.id.as_slice().try_into().map_err(|_| Error::Row)
    }
}

/// A row's content.
pub(crate) fn decode<T: Message + Default>(value: &[u8]) -> Result<T, Error> {
    T::decode(value).map_err(|_| Error::Row)
}

pub(crate) fn bucket(name: &str) -> Vec<u8> {
    format!("b/{name}").into_bytes()
}

/// The prefix of a bucket's objects.
pub(crate) fn objects(bucket: &str) -> Vec<u8> {
    format!("o/{bucket}\0").into_bytes()
}

pub(crate) fn object(bucket: &str, key: &str) -> Vec<u8> {
    format!("o/{bucket}\0{key}").into_bytes()
}

/// The prefix of a bucket's unfinished uploads.
pub(crate) fn uploads(bucket: &str) -> Vec<u8> {
    format!("u/{bucket}\0").into_bytes()
}

/// `upload` holds no NUL, so the last one of a row's name ends the key.
pub(crate) fn upload(bucket: &str, key: &str, upload: &str) -> Vec<u8> {
    format!("u/{bucket}\0{key}\0{upload}").into_bytes()
}

/// The prefix of an upload's parts.
pub(crate) fn parts(upload: &str) -> Vec<u8> {
    format!("p/{upload}\0").into_bytes()
}

pub(crate) fn part(upload: &str, number: u16) -> Vec<u8> {
    let mut name = parts(upload);
    name.extend(number.to_be_bytes());
    name
}

/// The number in the name of a part's row.
pub(crate) fn part_number(row: &[u8]) -> Result<u16, Error> {
    row.last_chunk::<2>().map(|number| u16::from_be_bytes(*number)).ok_or(Error::Row)
}

pub(crate) fn journal(blob: &BlobId) -> Vec<u8> {
    [b"j/", blob.as_slice()].concat()
}

/// The time now, in milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
