//! Listing: keys in the order of their bytes, grouped at a delimiter, a page at a time.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::dto::{
    CommonPrefix, EncodingType, ListObjectsInput, ListObjectsOutput, ListObjectsV2Input, ListObjectsV2Output,
    Object, ObjectStorageClass, Owner,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::{Gateway, headers};
use crate::commit;
use crate::error::Error;
use crate::region::Region;
use crate::rows;

/// Entries of one page, at most and unless asked.
const PAGE: usize = 1000;
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');

/// What is asked for.
struct Query<'a> {
    bucket: &'a str,
    prefix: &'a str,
    delimiter: &'a str,
    /// Only what comes after this key or common prefix.
    after: &'a str,
    limit: usize,
}

/// A page of it.
#[derive(Default)]
struct Page {
    objects: Vec<(String, rows::Object)>,
    prefixes: Vec<String>,
    /// The last entry, when more follow.
    next: Option<String>,
}

impl Page {
    fn len(&self) -> usize {
        self.objects.len() + self.prefixes.len()
    }
}

/// The first name after every name that begins with `prefix`.
pub(super) fn beyond(mut prefix: Vec<u8>) -> Vec<u8> {
    while let Some(last) = prefix.pop() {
        if last < u8::MAX {
            prefix.push(last + 1);
            break;
        }
    }
    prefix
}

impl Region {
    async fn list(&self, query: &Query<'_>) -> Result<Page, Error> {
        let mut page = Page::default();
        let all = rows::objects(query.bucket);
        let first = rows::object(query.bucket, query.prefix);
        let end = beyond(first.clone());
        let after = rows::object(query.bucket, query.after);
        // A common prefix that was the last entry of the page before is not begun again.
        let grouped = group(query, query.after).is_some_and(|prefix| prefix == query.after);
        let after = if grouped { beyond(after) } else { [after.as_slice(), &[0]].concat() };
        let start = if query.after.is_empty() { first } else { first.max(after) };
        if query.limit == 0 || start >= end {
            return Ok(page);
        }
        let mut found = self.scan(start..end).await?;
        let mut last = String::new();
        while let Some(row) = found.next().await? {
            if page.len() == query.limit {
                page.next = Some(last);
                break;
            }
            let key = str::from_utf8(row.key.get(all.len()..).ok_or(Error::Row)?).map_err(|_| Error::Row)?;
            if let Some(prefix) = group(query, key) {
                prefix.clone_into(&mut last);
                page.prefixes.push(prefix.to_owned());
                found.seek(beyond(rows::object(query.bucket, prefix))).await?;
            } else {
                key.clone_into(&mut last);
                page.objects.push((key.to_owned(), rows::decode(&row.value)?));
            }
        }
        Ok(page)
    }
}

/// The common prefix that stands for `key`: up to the first delimiter after the asked prefix.
fn group<'a>(query: &Query<'_>, key: &'a str) -> Option<&'a str> {
    if query.delimiter.is_empty() {
        return None;
    }
    let at = key.strip_prefix(query.prefix)?.find(query.delimiter)?;
    key.get(..query.prefix.len() + at + query.delimiter.len())
}

fn entry(key: String, object: rows::Object, owner: Option<Owner>) -> S3Result<Object> {
    Ok(Object {
        owner,
        checksum_type: headers::sums_type(&object.sums),
        e_tag: Some(commit::etag(&object.etag)),
        key: Some(key),
        last_modified: Some(headers::timestamp(object.modified_ms)),
        size: Some(headers::length(object.size)?),
        storage_class: Some(ObjectStorageClass::from_static(ObjectStorageClass::STANDARD)),
        ..Object::default()
    })
}

/// Where a listing goes on after `last`.
pub(super) fn continuation(last: &str) -> String {
    BASE64.encode(last)
}

/// The last name of the page before.
pub(super) fn token(text: &str) -> S3Result<String> {
    let bytes = BASE64.decode(text).ok();
    let after = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    after.ok_or_else(|| s3_error!(InvalidArgument, "The continuation token provided is incorrect"))
}

/// Refuses an encoding that there is not. *ListObjectsV2* (Amazon S3 API Reference), `encoding-type`: "Valid Values: url".
pub(super) fn check_encoding(asked: Option<&EncodingType>) -> S3Result<()> {
    match asked.map(EncodingType::as_str) {
        None | Some(EncodingType::URL) => Ok(()),
        Some(_) => Err(s3_error!(InvalidArgument, "Invalid Encoding Method specified in Request")),
    }
}

/// Names in the response are percent-encoded where the client asks for it: XML can't hold every character.
pub(super) fn named(encoding: Option<&EncodingType>, name: String) -> String {
    match encoding {
        Some(_) => utf8_percent_encode(&name, PLAIN).to_string(),
        None => name,
    }
}

impl Gateway {
    pub(super) async fn list(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let region = self.in_bucket(&request, &request.input.bucket).await?;
        let input = request.input;
        let asked = input.max_keys.unwrap_or(1000);
        let limit = usize::try_from(asked).map_err(|_| s3_error!(InvalidArgument, "max-keys is negative"))?;
        check_encoding(input.encoding_type.as_ref())?;
        let resumed = input.continuation_token.as_deref().map(token).transpose()?;
        let query = Query {
            bucket: &input.bucket,
            prefix: input.prefix.as_deref().unwrap_or_default(),
            delimiter: input.delimiter.as_deref().unwrap_or_default(),
            after: resumed.as_deref().or(input.start_after.as_deref()).unwrap_or_default(),
            limit: limit.min(PAGE),
        };
        let page = region.list(&query).await?;
        let encoding = input.encoding_type.as_ref();
        let count = i32::try_from(page.len()).ok();
        let owner = input.fetch_owner.unwrap_or_default().then(headers::owner);
        let contents = page.objects.into_iter();
        let contents = contents.map(|(key, object)| entry(named(encoding, key), object, owner.clone()));
        let prefixes = page.prefixes.into_iter();
        Ok(S3Response::new(ListObjectsV2Output {
            key_count: count,
            is_truncated: Some(page.next.is_some()),
            next_continuation_token: page.next.as_deref().map(continuation),
            contents: Some(contents.collect::<S3Result<_>>()?),
            common_prefixes: Some(
                prefixes.map(|prefix| CommonPrefix { prefix: Some(named(encoding, prefix)) }).collect(),
            ),
            max_keys: Some(asked.min(1000)),
            prefix: input.prefix.map(|prefix| named(encoding, prefix)),
            // An empty one asks for nothing, and S3 does not answer it.
            delimiter: input
                .delimiter
                .filter(|delimiter| !delimiter.is_empty())
                .map(|delimiter| named(encoding, delimiter)),
            start_after: input.start_after.map(|after| named(encoding, after)),
            name: Some(input.bucket),
            continuation_token: input.continuation_token,
            encoding_type: input.encoding_type,
            ..ListObjectsV2Output::default()
        }))
    }

    /// The first version of the listing, which some clients still use.
    pub(super) async fn list_v1(
        &self,
        request: S3Request<ListObjectsInput>,
    ) -> S3Result<S3Response<ListObjectsOutput>> {
        let marker = request.input.marker.clone();
        let encoding = request.input.encoding_type.clone();
        let with_owner =
            |input| ListObjectsV2Input { fetch_owner: Some(true), ..ListObjectsV2Input::from(input) };
        let page = self.list(request.map_input(with_owner)).await?.output;
        let next = page.next_continuation_token.as_deref().map(token).transpose()?;
        Ok(S3Response::new(ListObjectsOutput {
            next_marker: next.map(|next| named(encoding.as_ref(), next)),
            marker: Some(named(encoding.as_ref(), marker.unwrap_or_default())),
            name: page.name,
            prefix: page.prefix,
            delimiter: page.delimiter,
            max_keys: page.max_keys,
            is_truncated: page.is_truncated,
            contents: page.contents,
            common_prefixes: page.common_prefixes,
            encoding_type: page.encoding_type,
            ..ListObjectsOutput::default()
        }))
    }
}
