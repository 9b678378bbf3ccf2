//! Lists in XML on their way to s3s: of what to delete, and of the parts of an upload.
//!
//! s3s reads a list as a whole before anybody here sees it, and an item of seven bytes becomes 160. So items are counted as they come.
//! The list of what to delete is kept besides: it is checked against its checksums, and must be what s3s reads of it.
//!
//! Whatever ends the reading of a body, s3s answers `InternalError`, 500. So it is noted what ended it, which mostly is the caller's.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::{Body, HttpBody as _};
use axum::extract::Request;
use bytes::Bytes;
use futures::StreamExt;
use s3s::crypto::{Checksum as _, Sha256};
use s3s::{S3Request, S3Result, s3_error};

use super::service::MAX_XML;
use crate::sums::{Claimed, WRONG_CONTENT};

/// Items of a list: as many parts as an upload may have (S3's limit). Fewer may be deleted at once, which is seen behind s3s.
const ITEMS: usize = 10_000;
/// What s3s reads as an item.
const NAMES: [&[u8]; 2] = [b"Object", b"Part"];
/// The longest of them.
const LONGEST: usize = 6;

/// What has passed of a request's list: as much as s3s takes itself, once the signature is checked.
#[derive(Clone, Default)]
pub(super) struct Passing(Arc<Mutex<List>>);

#[derive(Default)]
struct List {
    items: usize,
    /// Whether the name of a tag is passing, and what has come of it.
    naming: bool,
    name: Vec<u8>,
    /// All of it, where it is of what to delete.
    kept: Option<Vec<u8>>,
    /// Bytes that have passed.
    length: usize,
    /// Whether there is none to be read.
    empty: bool,
    /// The digest that `x-amz-content-sha256` says it has, and that of what has passed.
    claimed: Option<(String, Sha256)>,
    /// Whether it broke off.
    broken: bool,
    /// Whether s3s has read it to its end, and found it good.
    served: bool,
}

#[derive(Debug, thiserror::Error)]
#[error("the list has too many items")]
struct TooMany;

impl Passing {
    fn list(&self) -> MutexGuard<'_, List> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pass(&self, piece: Bytes) -> Result<Bytes, axum::Error> {
        let within = self.list().takes(&piece);
        if within { Ok(piece) } else { Err(axum::Error::new(TooMany)) }
    }

    /// The piece, if the list may go on with it. A body that broke off is noted.
    fn go_on(&self, piece: Result<Bytes, axum::Error>) -> Result<Bytes, axum::Error> {
        match piece {
            Ok(piece) => self.pass(piece),
            Err(error) => {
                self.list().broken = true;
                Err(error)
            }
        }
    }

    /// Whether the list was cut off because of its many items.
    pub(super) fn is_too_long(&self) -> bool {
        self.list().items > ITEMS
    }

    /// What is wrong with a body that s3s could not read: the error's code and message. Nothing, if it could.
    pub(super) fn unread(&self) -> Option<(&'static str, &'static str)> {
        let mut list = self.list();
        if list.served {
            return None;
        }
        if list.broken {
            return Some(("IncompleteBody", "The request body broke off."));
        }
        if list.length > MAX_XML {
            return Some(("MaxMessageLengthExceeded", "Your request was too large: it may have 4 MiB."));
        }
        if list.length == 0 && !list.empty {
            // Nobody read it.
            return None;
        }
        if list.claimed.take().is_some_and(|(claimed, sum)| hex::encode(sum.finalize()) != claimed) {
            return Some(WRONG_CONTENT);
        }
        // In chunks: of the wrong form, or signed wrongly.
        (!list.empty).then_some(("InvalidRequest", "The chunks of the request's body can't be read."))
    }
}

impl List {
    /// Whether it may go on with this piece.
    fn takes(&mut self, piece: &[u8]) -> bool {
        piece.iter().for_each(|byte| self.count(*byte));
        self.length = self.length.saturating_add(piece.len());
        if let Some((_, sum)) = &mut self.claimed {
            sum.update(piece);
        }
        if let Some(kept) = &mut self.kept {
            kept.extend_from_slice(piece);
        }
        self.items <= ITEMS
    }

    /// A tag in a comment or in quotes counts, too, which nobody sends.
    fn count(&mut self, byte: u8) {
        match byte {
            b'<' => {
                self.name.clear();
                self.naming = true;
            }
            b'>' | b'/' | b' ' | b'\t' | b'\r' | b'\n' if self.naming => {
                self.naming = false;
                self.items += usize::from(NAMES.contains(&self.name.as_slice()));
            }
            _ if self.naming && self.name.len() == LONGEST => self.naming = false,
            _ if self.naming => self.name.push(byte),
            _ => {}
        }
    }
}

/// The same request, whose list, if it has one, is counted as it is read; [`served`] notes that it was, and [`check`] can look at
/// one of what to delete later.
pub(super) fn watched(request: Request) -> (Request, Passing) {
    let passing = Passing::default();
    if request.method() != http::Method::POST {
        return (request, passing);
    }
    let (mut head, body) = request.into_parts();
    let mut asked = head.uri.query().unwrap_or_default().split('&');
    if asked.any(|pair| pair.split('=').next().is_some_and(|name| name == "delete")) {
        passing.list().kept = Some(Vec::new());
    }
    passing.list().claimed = claimed(&head.headers).map(|claimed| (claimed, Sha256::new()));
    head.extensions.insert(passing.clone());
    // What has no body keeps its length, which s3s asks for.
    if body.is_end_stream() {
        passing.list().empty = true;
        return (Request::from_parts(head, body), passing);
    }
    let seen = passing.clone();
    let pieces = body.into_data_stream().map(move |piece| seen.go_on(piece));
    (Request::from_parts(head, Body::from_stream(pieces)), passing)
}

/// The digest of the body that a request is signed with, where it is one. Other values say how the body comes.
fn claimed(headers: &http::HeaderMap) -> Option<String> {
    let claimed = headers.get("x-amz-content-sha256")?.to_str().ok()?;
    let is_digest = claimed.len() == 64 && claimed.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_digest.then(|| claimed.to_ascii_lowercase())
}

/// Notes that the request has come as a whole: what fails from here on is no fault of its body.
pub(super) fn served(extensions: &http::Extensions) {
    if let Some(passing) = extensions.get::<Passing>() {
        passing.list().served = true;
    }
}

/// Refuses a list that is not what its checksums say, or of which s3s has read only a part.
pub(super) fn check<T>(request: &S3Request<T>) -> S3Result<()> {
    let kept = request.extensions.get::<Passing>().and_then(|passing| passing.list().kept.take());
    let Some(kept) = kept else {
        return Err(s3_error!(InvalidRequest, "The query must have the plain word delete"));
    };
    check_list(&request.headers, &kept)
}

fn check_list(headers: &http::HeaderMap, list: &[u8]) -> S3Result<()> {
    // s3s passes over these sections: what is left of a key would be another's.
    if list.windows(CDATA.len()).any(|window| window == CDATA) {
        return Err(s3_error!(MalformedXML, "CDATA is not read here: write keys with references"));
    }
    Claimed::new(headers, None, None).check_bytes(list)
}

const CDATA: &[u8] = b"<![CDATA[";

#[cfg(test)]
mod tests {
    use super::*;

    fn code(headers: &[(&'static str, &'static str)], list: &str) -> Option<String> {
        let mut map = http::HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, http::HeaderValue::from_static(value));
        }
        check_list(&map, list.as_bytes()).err().map(|error| error.code().as_str().to_owned())
    }

    #[test]
    fn a_list_is_what_was_sent() {
        assert_eq!(code(&[], "<Delete/>"), None);
        assert_eq!(code(&[("x-amz-checksum-crc32", "AAAAAA==")], "<Delete/>").as_deref(), Some("BadDigest"));
        assert_eq!(
            code(&[("content-md5", "AAAAAAAAAAAAAAAAAAAAAA==")], "<Delete/>").as_deref(),
            Some("BadDigest")
        );
        assert_eq!(code(&[("content-md5", "AAAA")], "<Delete/>").as_deref(), Some("InvalidDigest"));
        let astray = "<Delete><Object><Key>a<![CDATA[/b]]></Key></Object></Delete>";
        assert_eq!(code(&[], astray).as_deref(), Some("MalformedXML"));
    }

    #[test]
    fn items_are_counted_whatever_pieces_they_come_in() {
        let list = "<?xml version=\"1.0\"?><Delete xmlns=\"Part\"><Object><Key>Part/Object</Key></Object><Object ><Key/>\
                    </Object><Object\n/><Objects/><Part><PartNumber>1</PartNumber></Part><Part/><x:Part/></Delete>";
        for size in 1..list.len() {
            let mut seen = List { kept: Some(Vec::new()), ..List::default() };
            list.as_bytes().chunks(size).for_each(|piece| assert!(seen.takes(piece)));
            assert_eq!((seen.items, seen.kept.as_deref()), (5, Some(list.as_bytes())), "{size}");
        }
    }

    #[tokio::test]
    async fn what_ended_the_reading_is_noted() {
        let hello = hex::encode(Sha256::checksum(b"hello"));
        let unread = async |claimed: &str, pieces: Vec<Result<Bytes, std::io::Error>>| {
            let body = match pieces.is_empty() {
                true => Body::empty(),
                false => Body::from_stream(futures::stream::iter(pieces)),
            };
            let request = http::Request::post("/b?delete").header("x-amz-content-sha256", claimed);
            let (request, passing) = watched(request.body(body).unwrap());
            let (head, body) = request.into_parts();
            let _ = axum::body::to_bytes(body, usize::MAX).await;
            let code = passing.unread().map(|(code, _)| code);
            served(&head.extensions);
            assert_eq!(passing.unread(), None);
            code
        };
        let piece = |bytes: &'static [u8]| Ok(Bytes::from_static(bytes));
        let wrong = Some("XAmzContentSHA256Mismatch");
        assert_eq!(unread(&hello, vec![piece(b"hel"), piece(b"lo!")]).await, wrong);
        assert_eq!(unread(&hello, vec![]).await, wrong);
        let broken = || Err(std::io::Error::other("reset"));
        assert_eq!(unread(&hello, vec![piece(b"hel"), broken()]).await, Some("IncompleteBody"));
        assert_eq!(unread("UNSIGNED-PAYLOAD", vec![broken()]).await, Some("IncompleteBody"));
        let long = Ok(Bytes::from(vec![b' '; MAX_XML + 1]));
        assert_eq!(unread("UNSIGNED-PAYLOAD", vec![long]).await, Some("MaxMessageLengthExceeded"));
        let chunks = unread("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", vec![piece(b"x")]).await;
        assert_eq!(chunks, Some("InvalidRequest"));
        assert_eq!(unread("UNSIGNED-PAYLOAD", vec![]).await, None);
        let unseen = http::Request::post("/b/k?uploads").header("x-amz-content-sha256", &hello);
        let (_request, passing) = watched(unseen.body(Body::from("hello")).unwrap());
        assert_eq!(passing.unread(), None, "what nobody reads is not what failed");
    }

    #[tokio::test]
    async fn a_list_of_too_many_is_cut_off() {
        for (query, kept) in [("uploadId=u", false), ("delete", true)] {
            for (items, cut) in [(ITEMS, false), (ITEMS + 1, true)] {
                let list = format!("<List>{}</List>", "<Part/>".repeat(items));
                let length = list.len();
                let request = http::Request::post(format!("/b/k?{query}")).body(Body::from(list)).unwrap();
                let (request, passing) = watched(request);
                let read = axum::body::to_bytes(request.into_body(), usize::MAX).await;
                assert_eq!((read.is_err(), passing.is_too_long()), (cut, cut), "{items}");
                assert_eq!(passing.list().kept.as_ref().map(Vec::len), kept.then_some(length));
            }
        }
    }
}
