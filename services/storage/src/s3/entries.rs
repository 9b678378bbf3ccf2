//! The list of what to delete, as it was sent: it is checked against its checksums, and must be what s3s reads of it.

use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::extract::Request;
use bytes::Bytes;
use futures::TryStreamExt;
use s3s::{S3Request, S3Result, s3_error};

use crate::sums::Claimed;

/// The pieces of a body that s3s has read: as many as it takes itself, once the signature is checked.
#[derive(Clone, Default)]
struct Read(Arc<Mutex<Vec<Bytes>>>);

impl Read {
    fn pieces(&self) -> std::sync::MutexGuard<'_, Vec<Bytes>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The same request, whose body [`check`] can look at later, if it is a list of what to delete.
pub(super) fn watched(request: Request) -> Request {
    let mut asked = request.uri().query().unwrap_or_default().split('&');
    let lists = request.method() == http::Method::POST
        && asked.any(|pair| pair.split('=').next().is_some_and(|name| name == "delete"));
    if !lists {
        return request;
    }
    let read = Read::default();
    let (mut head, body) = request.into_parts();
    head.extensions.insert(read.clone());
    let watched = body.into_data_stream().inspect_ok(move |piece| read.pieces().push(piece.clone()));
    Request::from_parts(head, Body::from_stream(watched))
}

/// Refuses a list that is not what its checksums say, or of which s3s has read only a part.
pub(super) fn check<T>(request: &S3Request<T>) -> S3Result<()> {
    let read = request.extensions.get::<Read>();
    let Some(read) = read else {
        return Err(s3_error!(InvalidRequest, "The query must have the plain word delete"));
    };
    check_list(&request.headers, &read.pieces().concat())
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
}
