//! Conditional requests (RFC 9110, section 13), for writes and for reads.

use http::HeaderMap;
use s3s::dto::{ETag, ETagCondition, Timestamp, TimestampFormat};
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};

use crate::rows::Object;

/// Under which an object may be written.
#[derive(Clone, Debug, Default)]
pub(crate) struct WriteIf {
    pub(crate) matches: Option<ETagCondition>,
    pub(crate) none_matches: Option<ETagCondition>,
}

/// Under which an object may be deleted.
#[derive(Clone, Debug, Default)]
pub(crate) struct DeleteIf {
    pub(crate) matches: Option<ETagCondition>,
    pub(crate) modified: Option<Timestamp>,
    pub(crate) size: Option<i64>,
}

fn holds(condition: &ETagCondition, etag: &str) -> bool {
    match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(tag) => tag.value() == etag,
    }
}

/// RFC 9110, 13.1.1: `If-Match` takes no weak tag for the same.
fn matches(condition: &ETagCondition, etag: &str) -> bool {
    !matches!(condition, ETagCondition::ETag(ETag::Weak(_))) && holds(condition, etag)
}

fn failed() -> S3Error {
    s3_error!(PreconditionFailed, "At least one of the pre-conditions you specified did not hold")
}

impl WriteIf {
    /// From the headers themselves, where s3s has no field for them.
    pub(crate) fn of(headers: &HeaderMap) -> S3Result<Self> {
        let read = |name| match headers.get(name) {
            Some(value) => ETagCondition::parse_http_header(value.as_bytes())
                .map(Some)
                .map_err(|_| s3_error!(InvalidArgument, "{name} is not an entity tag")),
            None => Ok(None),
        };
        Ok(Self { matches: read("if-match")?, none_matches: read("if-none-match")? })
    }

    pub(crate) fn check(&self, there: Option<&Object>) -> S3Result<()> {
        match (&self.matches, there) {
            (Some(_), None) => return Err(S3ErrorCode::NoSuchKey.into()),
            (Some(condition), Some(object)) if !matches(condition, &object.etag) => return Err(failed()),
            _ => {}
        }
        match (&self.none_matches, there) {
            (Some(condition), Some(object)) if holds(condition, &object.etag) => Err(failed()),
            _ => Ok(()),
        }
    }
}

impl DeleteIf {
    /// The condition that an entry of DeleteObjects makes, where `*` stands between the tags.
    pub(crate) fn tag(tag: ETag) -> ETagCondition {
        if tag.value() == "*" { ETagCondition::Any } else { ETagCondition::ETag(tag) }
    }

    pub(crate) fn check(&self, object: &Object) -> S3Result<()> {
        let same_tag = self.matches.as_ref().is_none_or(|condition| matches(condition, &object.etag));
        // HTTP dates have no fraction of a second.
        let modified = object.modified_ms.div_euclid(1000);
        let same_time = self.modified.as_ref().is_none_or(|time| seconds(time) == modified);
        let same_size = self.size.is_none_or(|size| u64::try_from(size) == Ok(object.size));
        if same_tag && same_time && same_size { Ok(()) } else { Err(failed()) }
    }
}

/// Under which an object is read.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReadIf {
    pub(crate) matches: Option<ETagCondition>,
    pub(crate) none_matches: Option<ETagCondition>,
    pub(crate) modified_since: Option<Timestamp>,
    pub(crate) unmodified_since: Option<Timestamp>,
}

impl ReadIf {
    /// In the order of RFC 9110, 13.2.2.
    pub(crate) fn check(&self, object: &Object) -> S3Result<()> {
        // HTTP dates have no fraction of a second.
        let modified = object.modified_ms.div_euclid(1000);
        match (&self.matches, &self.unmodified_since) {
            (Some(condition), _) if !matches(condition, &object.etag) => return Err(failed()),
            (None, Some(since)) if modified > seconds(since) => return Err(failed()),
            _ => {}
        }
        let fresh = match (&self.none_matches, &self.modified_since) {
            (Some(condition), _) => holds(condition, &object.etag),
            (None, Some(since)) => modified <= seconds(since),
            (None, None) => false,
        };
        if fresh { Err(not_modified(object)) } else { Ok(()) }
    }

    /// The same for the source of a copy, where nothing is ever "not modified".
    pub(crate) fn check_source(&self, object: &Object) -> S3Result<()> {
        self.check(object).map_err(|_| failed())
    }
}

fn not_modified(object: &Object) -> S3Error {
    let mut error = S3Error::new(S3ErrorCode::NotModified);
    let mut headers = HeaderMap::new();
    if let Ok(etag) = ETag::Strong(object.etag.clone()).to_http_header() {
        headers.insert(http::header::ETAG, etag);
    }
    error.set_headers(headers);
    error
}

fn seconds(time: &Timestamp) -> i64 {
    let mut text = Vec::new();
    let formatted = time.format(TimestampFormat::EpochSeconds, &mut text).is_ok();
    let text = str::from_utf8(&text).ok().filter(|_| formatted);
    text.and_then(|text| text.split('.').next()?.parse().ok()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    fn object() -> Object {
        Object { etag: "aa".into(), modified_ms: 1_700_000_000_500, ..Object::default() }
    }

    fn tag(value: &str) -> Option<ETagCondition> {
        Some(ETagCondition::parse_http_header(value.as_bytes()).unwrap())
    }

    fn code(result: S3Result<()>) -> Option<S3ErrorCode> {
        result.err().map(|error| error.code().clone())
    }

    #[test]
    fn writes() {
        let check = |matches, none_matches, there: Option<&Object>| {
            code(WriteIf { matches, none_matches }.check(there))
        };
        assert_eq!(check(None, tag("*"), None), None);
        assert_eq!(check(None, tag("*"), Some(&object())), Some(S3ErrorCode::PreconditionFailed));
        assert_eq!(check(tag("\"aa\""), None, Some(&object())), None);
        assert_eq!(check(tag("\"bb\""), None, Some(&object())), Some(S3ErrorCode::PreconditionFailed));
        assert_eq!(check(tag("\"aa\""), None, None), Some(S3ErrorCode::NoSuchKey));
    }

    #[test]
    fn deletes() {
        let check = |condition: DeleteIf| code(condition.check(&object()));
        let failed = Some(S3ErrorCode::PreconditionFailed);
        assert_eq!(check(DeleteIf::default()), None);
        assert_eq!(check(DeleteIf { matches: tag("\"aa\""), ..DeleteIf::default() }), None);
        assert_eq!(check(DeleteIf { matches: tag("bb"), ..DeleteIf::default() }), failed);
        assert_eq!(check(DeleteIf { matches: tag("W/\"aa\""), ..DeleteIf::default() }), failed);
        let any = Some(DeleteIf::tag(ETag::Strong("*".into())));
        assert_eq!(check(DeleteIf { matches: any, ..DeleteIf::default() }), None);
        assert_eq!(check(DeleteIf { size: Some(0), ..DeleteIf::default() }), None);
        for size in [1, -1] {
            assert_eq!(check(DeleteIf { size: Some(size), ..DeleteIf::default() }), failed);
        }
        let at = |seconds| Some(Timestamp::from(UNIX_EPOCH + Duration::from_secs(seconds)));
        assert_eq!(check(DeleteIf { modified: at(1_700_000_000), ..DeleteIf::default() }), None);
        assert_eq!(check(DeleteIf { modified: at(1_700_000_001), ..DeleteIf::default() }), failed);
    }

    #[test]
    fn reads() {
        let at = |seconds| Some(Timestamp::from(UNIX_EPOCH + Duration::from_secs(seconds)));
        let check = |condition: ReadIf| code(condition.check(&object()));
        let not_modified = Some(S3ErrorCode::NotModified);
        let failed = Some(S3ErrorCode::PreconditionFailed);
        assert_eq!(check(ReadIf { none_matches: tag("\"aa\""), ..ReadIf::default() }), not_modified);
        assert_eq!(check(ReadIf { none_matches: tag("\"bb\""), ..ReadIf::default() }), None);
        assert_eq!(check(ReadIf { matches: tag("\"bb\""), ..ReadIf::default() }), failed);
        assert_eq!(check(ReadIf { modified_since: at(1_700_000_000), ..ReadIf::default() }), not_modified);
        assert_eq!(check(ReadIf { modified_since: at(1_699_999_999), ..ReadIf::default() }), None);
        assert_eq!(check(ReadIf { unmodified_since: at(1_699_999_999), ..ReadIf::default() }), failed);
        // If-Match decides alone where both are given.
        let both = ReadIf { matches: tag("\"aa\""), unmodified_since: at(1), ..ReadIf::default() };
        assert_eq!(check(both), None);
    }
}
