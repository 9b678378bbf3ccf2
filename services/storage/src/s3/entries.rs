//! Lists in XML on their way to s3s: of what to delete, and of the parts of an upload.
//!
//! s3s reads a list as a whole before anybody here sees it, and an item of seven bytes becomes 160. So items are counted as they come.
//! The list of what to delete is kept besides: it is checked against its checksums, and must be what s3s reads of it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::{Body, HttpBody as _};
use axum::extract::Request;
use bytes::Bytes;
use futures::StreamExt;
use s3s::{S3Request, S3Result, s3_error};

use crate::sums::Claimed;

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

    /// Whether the list was cut off because of its many items.
    pub(super) fn is_too_long(&self) -> bool {
        self.list().items > ITEMS
    }
}

impl List {
    /// Whether it may go on with this piece.
    fn takes(&mut self, piece: &[u8]) -> bool {
        piece.iter().for_each(|byte| self.count(*byte));
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

/// The same request, whose list, if it has one, is counted as it is read; [`check`] can look at one of what to delete later.
pub(super) fn watched(request: Request) -> (Request, Passing) {
    let passing = Passing::default();
    if request.method() != http::Method::POST {
        return (request, passing);
    }
    let (mut head, body) = request.into_parts();
    let mut asked = head.uri.query().unwrap_or_default().split('&');
    if asked.any(|pair| pair.split('=').next().is_some_and(|name| name == "delete")) {
        passing.list().kept = Some(Vec::new());
        head.extensions.insert(passing.clone());
    }
    // What has no body keeps its length, which s3s asks for.
    if body.is_end_stream() {
        return (Request::from_parts(head, body), passing);
    }
    let seen = passing.clone();
    let pieces = body.into_data_stream().map(move |piece| piece.and_then(|piece| seen.pass(piece)));
    (Request::from_parts(head, Body::from_stream(pieces)), passing)
}

/// Refuses a list that is not what its checksums say, or of which s3s has read only a part.
pub(super) fn check<T>(request: &S3Request<T>) -> S3Result<()> {
    let passing = request.extensions.get::<Passing>();
    let Some(passing) = passing else {
        return Err(s3_error!(InvalidRequest, "The query must have the plain word delete"));
    };
    check_list(&request.headers, passing.list().kept.as_deref().unwrap_or_default())
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
