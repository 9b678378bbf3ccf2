//! Ranges that s3s would refuse. *GetObject* (Amazon S3 API Reference): "Amazon S3 doesn't support retrieving multiple
//! ranges of data per GET request." It answers the whole object to several ranges, and to what is no range; RFC 9110,
//! 14.2, lets a server do so, and wants it for an unknown unit.
//!
//! s3s parses `Range` before it asks any of ours, and the header is signed, so that it can't be taken out on the way in.
//! So such a request is taken aside once s3s has checked its signature, and served without the header by a second
//! service, which asks for no signature and is reached in no other way. It is counted before that as any other is: s3s asks
//! [`allowed::Allowed`] of no request that is taken aside.

use std::mem;

use async_trait::async_trait;
use http::header::{AUTHORIZATION, RANGE};
use http::{Extensions, HeaderMap, Method, Uri};
use s3s::auth::Credentials;
use s3s::region::Region;
use s3s::route::S3Route;
use s3s::service::S3Service;
use s3s::{Body, S3Request, S3Response, S3Result, s3_error};

use super::allowed;
use crate::access::AccessKeys;

/// Who signed a request, and for what, as s3s found it.
#[derive(Clone)]
struct Verified {
    credentials: Option<Credentials>,
    region: Option<Region>,
    service: Option<String>,
}

/// The request as s3s verified it, if it was taken aside.
pub(super) fn verified<T>(mut request: S3Request<T>) -> S3Request<T> {
    if let Some(verified) = request.extensions.remove::<Verified>() {
        request.credentials = verified.credentials;
        request.region = verified.region;
        request.service = verified.service;
    }
    request
}

/// Serves reads whose `Range` is not one range of bytes.
pub(super) struct WithoutRange {
    pub(super) plain: S3Service,
    pub(super) keys: AccessKeys,
}

/// Whether s3s would refuse the request for its range.
fn is_unusable(headers: &HeaderMap) -> bool {
    let mut ranges = headers.get_all(RANGE).iter();
    let Some(range) = ranges.next() else { return false };
    let one = range.to_str().is_ok_and(|range| s3s::dto::Range::parse(range).is_ok());
    !one || ranges.next().is_some()
}

/// The address without a signature in it.
fn unsigned(uri: &Uri) -> S3Result<Uri> {
    let kept: Vec<&str> =
        uri.query().unwrap_or_default().split('&').filter(|pair| !pair.starts_with("X-Amz-")).collect();
    let address = format!("{}?{}", uri.path(), kept.join("&"));
    address.parse().map_err(|_| s3_error!(InvalidURI, "The address can't be read"))
}

#[async_trait]
impl S3Route for WithoutRange {
    fn is_match(&self, method: &Method, _: &Uri, headers: &HeaderMap, _: &mut Extensions) -> bool {
        (method == Method::GET || method == Method::HEAD) && is_unusable(headers)
    }

    async fn check_access(&self, request: &mut S3Request<Body>) -> S3Result<()> {
        if request.credentials.is_none() {
            return Err(s3_error!(AccessDenied, "Signature is required"));
        }
        let owner = self.keys.owner(request.credentials.as_ref());
        allowed::count(&owner, &request.extensions).await?;
        allowed::check("GetObject", &request.method, &request.headers, request.uri.query())
    }

    async fn call(&self, mut request: S3Request<Body>) -> S3Result<S3Response<Body>> {
        request.headers.remove(RANGE);
        request.headers.remove(AUTHORIZATION);
        let verified = Verified {
            credentials: request.credentials.take(),
            region: request.region.take(),
            service: request.service.take(),
        };
        let mut plain = http::Request::new(Body::empty());
        *plain.method_mut() = request.method.clone();
        *plain.uri_mut() = unsigned(&request.uri)?;
        *plain.headers_mut() = mem::take(&mut request.headers);
        *plain.extensions_mut() = mem::take(&mut request.extensions);
        plain.extensions_mut().insert(verified);
        let answer = self.plain.call(plain).await;
        let answer = answer.map_err(|_| s3_error!(InternalError, "The service failed"))?;
        let (head, output) = answer.into_parts();
        let (status, headers, extensions) = (Some(head.status), head.headers, head.extensions);
        Ok(S3Response { output, status, headers, extensions })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_of_bytes_is_left_to_s3s() {
        let unusable = |ranges: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for range in ranges {
                headers.append(RANGE, http::HeaderValue::from_static(range));
            }
            is_unusable(&headers)
        };
        assert!(!unusable(&[]));
        for one in ["bytes=0-0", "bytes=5-", "bytes=-5"] {
            assert!(!unusable(&[one]), "{one}");
        }
        for none in ["bytes=0-1,3-4", "bytes=", "bytes=a-b", "bytes=5-2", "lines=0-1", "5-6", ""] {
            assert!(unusable(&[none]), "{none}");
        }
        assert!(unusable(&["bytes=0-0", "bytes=1-1"]));
    }

    #[test]
    fn the_signature_goes_and_the_rest_stays() {
        let uri: Uri = "/b/k%20?X-Amz-Signature=0&versionId=null&X-Amz-Date=1".parse().unwrap();
        assert_eq!(unsigned(&uri).unwrap(), "/b/k%20?versionId=null");
    }
}
