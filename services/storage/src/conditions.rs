//! Conditional requests (RFC 9110, section 13), for writes and for reads.

use http::{HeaderMap, HeaderValue, header};
use s3s::dto::{ETag, Timestamp, TimestampFormat};
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};

use crate::rows::Object;

/// The headers that name entity tags.
const TAGGED: [&str; 4] =
    ["if-match", "if-none-match", "x-amz-copy-source-if-match", "x-amz-copy-source-if-none-match"];

/// The conditions of a delete that s3s takes for absent when they are empty, and so would not hold it to.
const NEVER_EMPTY: [&str; 2] = ["x-amz-if-match-last-modified-time", "x-amz-if-match-size"];

/// What lists are padded with (RFC 9110, 5.6.3).
const BLANK: [char; 2] = [' ', '\t'];

/// The entity tags that a condition names.
#[derive(Clone, Debug)]
pub(crate) enum Tags {
    /// `*`: whatever is there.
    Any,
    Of(Vec<ETag>),
}

impl Tags {
    /// Those of a header, of all its lines. s3s makes one tag of a list, and takes an empty header for none at all.
    pub(crate) fn of(headers: &HeaderMap, name: &str) -> S3Result<Option<Self>> {
        if !headers.contains_key(name) {
            return Ok(None);
        }
        let lines: Result<Vec<&str>, _> = headers.get_all(name).iter().map(HeaderValue::to_str).collect();
        match lines.ok().and_then(|lines| Self::parse(&lines.join(","))) {
            Some(tags) => Ok(Some(tags)),
            None => Err(s3_error!(InvalidArgument, "{name} is neither * nor a list of entity tags")),
        }
    }

    /// RFC 9110, 13.1.1: `"*" / #entity-tag`. Alone, a tag may be without its quotes, which many clients of S3 leave out.
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim_matches(BLANK);
        if text == "*" {
            return Some(Self::Any);
        }
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Some(Self::Of(vec![ETag::Strong(text.to_owned())]));
        }
        let (mut tags, mut rest) = (Vec::new(), text);
        loop {
            // 5.6.1.2: empty elements of a list are passed over.
            rest = rest.trim_start_matches([' ', '\t', ',']);
            if rest.is_empty() {
                return (!tags.is_empty()).then_some(Self::Of(tags));
            }
            let (tag, behind) = first_tag(rest)?;
            tags.push(tag);
            rest = behind.trim_start_matches(BLANK);
            if !rest.is_empty() && !rest.starts_with(',') {
                return None;
            }
        }
    }

    /// 13.1.2: `If-None-Match` takes a weak tag for the same.
    fn holds(&self, etag: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Of(tags) => tags.iter().any(|tag| tag.value() == etag),
        }
    }

    /// 13.1.1: `If-Match` doesn't.
    fn holds_strongly(&self, etag: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Of(tags) => tags.iter().any(|tag| tag.as_strong() == Some(etag)),
        }
    }
}

/// The tag that `text` begins with, and what is behind it. RFC 9110, 8.8.3: no quote, space or control character is in one.
fn first_tag(text: &str) -> Option<(ETag, &str)> {
    let (weak, quoted) = match text.strip_prefix("W/") {
        Some(quoted) => (true, quoted),
        None => (false, text),
    };
    let (value, behind) = quoted.strip_prefix('"')?.split_once('"')?;
    if !value.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    let value = value.to_owned();
    Some((if weak { ETag::Weak(value) } else { ETag::Strong(value) }, behind))
}

/// Refuses a condition that can't be read.
pub(crate) fn check(headers: &HeaderMap, name: &str) -> S3Result<()> {
    if TAGGED.contains(&name) {
        Tags::of(headers, name)?;
    }
    if NEVER_EMPTY.contains(&name) && headers.get_all(name).iter().any(HeaderValue::is_empty) {
        return Err(s3_error!(InvalidArgument, "{name} is empty"));
    }
    Ok(())
}

/// Makes one line of a condition that comes in several, of which s3s takes none. RFC 9110, 5.3: they are one list. So they are
/// to Signature Version 4, which signs them with commas between them.
pub(crate) fn join_lines(headers: &mut HeaderMap) {
    for name in TAGGED {
        let lines: Vec<&[u8]> = headers.get_all(name).iter().map(HeaderValue::as_bytes).collect();
        if lines.len() < 2 {
            continue;
        }
        if let Ok(list) = HeaderValue::from_bytes(&lines.join(&b","[..])) {
            headers.insert(name, list);
        }
    }
}

/// Under which an object may be written.
#[derive(Clone, Debug, Default)]
pub(crate) struct WriteIf {
    pub(crate) matches: Option<Tags>,
    pub(crate) none_matches: Option<Tags>,
}

/// Under which an object may be deleted.
#[derive(Clone, Debug, Default)]
pub(crate) struct DeleteIf {
    pub(crate) matches: Option<Tags>,
    pub(crate) modified: Option<Timestamp>,
    pub(crate) size: Option<i64>,
}

fn failed() -> S3Error {
    s3_error!(PreconditionFailed, "At least one of the pre-conditions you specified did not hold")
}

impl WriteIf {
    pub(crate) fn of(headers: &HeaderMap) -> S3Result<Self> {
        Ok(Self {
            matches: Tags::of(headers, "if-match")?,
            none_matches: Tags::of(headers, "if-none-match")?,
        })
    }

    pub(crate) fn check(&self, there: Option<&Object>) -> S3Result<()> {
        match (&self.matches, there) {
            (Some(_), None) => return Err(S3ErrorCode::NoSuchKey.into()),
            (Some(tags), Some(object)) if !tags.holds_strongly(&object.etag) => return Err(failed()),
            _ => {}
        }
        match (&self.none_matches, there) {
            (Some(tags), Some(object)) if tags.holds(&object.etag) => Err(failed()),
            _ => Ok(()),
        }
    }
}

impl DeleteIf {
    /// The condition that an entry of DeleteObjects makes, where `*` stands between the tags.
    pub(crate) fn tag(tag: ETag) -> Tags {
        if tag.value() == "*" { Tags::Any } else { Tags::Of(vec![tag]) }
    }

    pub(crate) fn check(&self, object: &Object) -> S3Result<()> {
        let same_tag = self.matches.as_ref().is_none_or(|tags| tags.holds_strongly(&object.etag));
        // HTTP dates have no fraction of a second.
        let modified = object.modified_ms.div_euclid(1000);
        let same_time = self.modified.as_ref().is_none_or(|time| reckoned(time) == modified);
        let same_size = self.size.is_none_or(|size| u64::try_from(size) == Ok(object.size));
        if same_tag && same_time && same_size { Ok(()) } else { Err(failed()) }
    }
}

/// Under which an object is read.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReadIf {
    pub(crate) matches: Option<Tags>,
    pub(crate) none_matches: Option<Tags>,
    pub(crate) modified_since: Option<Timestamp>,
    pub(crate) unmodified_since: Option<Timestamp>,
}

impl ReadIf {
    /// In the order of RFC 9110, 13.2.2.
    pub(crate) fn check(&self, object: &Object) -> S3Result<()> {
        // HTTP dates have no fraction of a second.
        let modified = object.modified_ms.div_euclid(1000);
        match (&self.matches, &self.unmodified_since) {
            (Some(tags), _) if !tags.holds_strongly(&object.etag) => return Err(failed()),
            (None, Some(since)) if modified > reckoned(since) => return Err(failed()),
            _ => {}
        }
        let fresh = match (&self.none_matches, &self.modified_since) {
            (Some(tags), _) => tags.holds(&object.etag),
            (None, Some(since)) => modified <= reckoned(since),
            (None, None) => false,
        };
        if fresh { Err(not_modified(object)) } else { Ok(()) }
    }

    /// The same for the source of a copy, where nothing is ever "not modified".
    pub(crate) fn check_source(&self, object: &Object) -> S3Result<()> {
        self.check(object).map_err(|_| failed())
    }
}

/// Whether a range of the object may be answered, and not the whole of it. RFC 9110, 13.1.5: where `If-Range` is neither a strong
/// tag of the object nor exactly its `Last-Modified`, `Range` is passed over. So it is where `If-Range` can't be read.
pub(crate) fn holds_for_range(headers: &HeaderMap, object: &Object) -> bool {
    let mut lines = headers.get_all(header::IF_RANGE).iter();
    let Some(line) = lines.next() else { return true };
    let Some(text) = line.to_str().ok().filter(|_| lines.next().is_none()) else { return false };
    match first_tag(text) {
        Some((tag, behind)) => tag.as_strong() == Some(object.etag.as_str()) && behind.is_empty(),
        None => Timestamp::parse(TimestampFormat::HttpDate, text)
            .is_ok_and(|time| reckoned(&time) == object.modified_ms.div_euclid(1000)),
    }
}

/// RFC 9110, 15.4.5: with the headers of the whole by which caches keep it, and when it was modified.
fn not_modified(object: &Object) -> S3Error {
    let mut error = S3Error::new(S3ErrorCode::NotModified);
    let kept = &object.headers;
    // A time before 1970 is shown as that, as it is with the whole.
    let date = |seconds: i64| {
        let time = Timestamp::parse(TimestampFormat::EpochSeconds, &seconds.max(0).to_string());
        http_date(&time.ok()?)
    };
    let named = [
        (header::ETAG, ETag::Strong(object.etag.clone()).to_http_header().ok()),
        (header::LAST_MODIFIED, date(object.modified_ms.div_euclid(1000))),
        (header::CACHE_CONTROL, kept.cache_control.as_deref().and_then(|it| HeaderValue::from_str(it).ok())),
        (header::EXPIRES, kept.expires_s.and_then(date)),
    ];
    error.set_headers(named.into_iter().filter_map(|(name, value)| Some((name, value?))).collect());
    error
}

/// A time as a header has it.
pub(crate) fn http_date(time: &Timestamp) -> Option<HeaderValue> {
    let mut text = Vec::new();
    time.format(TimestampFormat::HttpDate, &mut text).ok()?;
    HeaderValue::from_bytes(&text).ok()
}

/// One that can't be told is later than any.
fn reckoned(time: &Timestamp) -> i64 {
    seconds(time).unwrap_or(i64::MAX)
}

/// Its whole seconds since 1970.
pub(crate) fn seconds(time: &Timestamp) -> Option<i64> {
    let mut text = Vec::new();
    time.format(TimestampFormat::EpochSeconds, &mut text).ok()?;
    str::from_utf8(&text).ok()?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    fn object() -> Object {
        Object { etag: "aa".into(), modified_ms: 1_700_000_000_500, ..Object::default() }
    }

    fn tag(value: &str) -> Option<Tags> {
        Some(Tags::parse(value).unwrap())
    }

    fn code(result: S3Result<()>) -> Option<S3ErrorCode> {
        result.err().map(|error| error.code().clone())
    }

    #[test]
    fn a_list_names_each_of_its_tags() {
        let headers = |lines: &[&str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append("if-match", line.parse().unwrap());
            }
            headers
        };
        let holds = |lines: &[&str]| {
            let tags = Tags::of(&headers(lines), "if-match").unwrap().unwrap();
            (tags.holds("aa"), tags.holds_strongly("aa"))
        };
        for lines in [
            &["\"aa\""][..],
            &["aa"],
            &["*"],
            &["\"bb\", \"aa\""],
            &["\"b,b\" ,\t,\"aa\","],
            &["\"bb\"", "\"aa\""],
            &["W/\"aa\", \"aa\""],
        ] {
            assert_eq!(holds(lines), (true, true), "{lines:?}");
            let mut joined = headers(lines);
            join_lines(&mut joined);
            assert_eq!(joined.get_all("if-match").iter().count(), 1);
            assert!(Tags::of(&joined, "if-match").unwrap().unwrap().holds_strongly("aa"), "{lines:?}");
        }
        assert_eq!(holds(&["\"bb\", W/\"aa\""]), (true, false));
        assert_eq!(holds(&["\"bb\", \"aa,cc\"", "\"\""]), (false, false));
        for lines in [
            &[""][..],
            &[" , "],
            &["*, \"aa\""],
            &["*", "*"],
            &["\"aa\"\"bb\""],
            &["\"aa"],
            &["\"a a\""],
            &["w/\"aa\""],
            &["aa, bb"],
            &["é"],
        ] {
            let refused = Tags::of(&headers(lines), "if-match").unwrap_err();
            assert_eq!(refused.code(), &S3ErrorCode::InvalidArgument, "{lines:?}");
        }
        assert!(Tags::of(&headers(&[]), "if-match").unwrap().is_none());
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

    #[test]
    fn ranges() {
        let holds = |lines: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append("if-range", HeaderValue::from_static(line));
            }
            holds_for_range(&headers, &object())
        };
        // 1,700,000,000 s.
        for same in [&["\"aa\""][..], &[], &["Tue, 14 Nov 2023 22:13:20 GMT"]] {
            assert!(holds(same), "{same:?}");
        }
        for other in [
            &["\"bb\""][..],
            &["W/\"aa\""],
            &["\"aa\", \"bb\""],
            &["\"aa\"", "\"aa\""],
            &["aa"],
            &["*"],
            &[""],
            &["Tue, 14 Nov 2023 22:13:19 GMT"],
            &["Tue, 14 Nov 2023 22:13:21 GMT"],
            &["yesterday"],
        ] {
            assert!(!holds(other), "{other:?}");
        }
    }
}
