//! Who may call: SigV4 with a known access key, every header that changes a request's meaning signed, nothing older.
//!
//! s3s computes and compares signatures (in constant time) and limits the clock's skew. What it leaves open is closed
//! here: it also takes SigV2 and form uploads, does not ask which headers were signed, and would answer an unknown key
//! sooner than a wrong signature.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::{Arc, PoisonError, RwLock};

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::header::{AUTHORIZATION, CONTENT_TYPE, DATE, HOST};
use http::uri::{Authority, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use maily_keys::{AccessAction, AccessKey};
use s3s::auth::{Credentials, S3Auth, SecretKey};
use s3s::{S3Request, S3Result, s3_error};
use secrecy::{ExposeSecret, SecretString};

use crate::conditions;
use crate::config::REGIONS;
use crate::error::Error;
use crate::rights;
use crate::s3::refuse;

/// Seconds that a signed link may be good for. *Authenticating Requests: Using Query Parameters* (Amazon S3 API
/// Reference): "The minimum value you can set is 1, and the maximum is 604800 (seven days)."
const LIFE: RangeInclusive<u32> = 1..=604_800;

const AMZ_DATE: HeaderName = HeaderName::from_static("x-amz-date");

/// The access keys that are known.
#[derive(Clone)]
pub(crate) struct AccessKeys(Arc<Known>);

struct Known {
    keys: RwLock<HashMap<String, Arc<AccessKey>>>,
    /// Checked against when the key is unknown, so that this takes as long; nobody can know it.
    nobody: SecretString,
}

impl AccessKeys {
    pub(crate) fn new(keys: Vec<AccessKey>) -> Result<Self, Error> {
        let nobody = hex::encode(maily_crypto::DataKey::generate()?.expose()).into();
        Ok(Self(Arc::new(Known { keys: RwLock::new(by_id(keys)?), nobody })))
    }

    /// From here on these are known, and no others.
    pub(crate) fn replace(&self, keys: Vec<AccessKey>) -> Result<(), Error> {
        let keys = by_id(keys)?;
        *self.0.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        Ok(())
    }

    fn find(&self, id: &str) -> Option<Arc<AccessKey>> {
        self.0.keys.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    fn signer(&self, credentials: Option<&Credentials>) -> Option<Arc<AccessKey>> {
        credentials.and_then(|credentials| self.find(&credentials.access_key))
    }

    /// Whose key signed, for the audit record.
    pub(crate) fn owner(&self, credentials: Option<&Credentials>) -> String {
        self.signer(credentials).map_or_else(|| "nobody".to_owned(), |key| key.name.clone())
    }

    /// Refuses, unless the key that signed may do this with the object, or with all whose names begin so.
    pub(crate) fn may(
        &self,
        credentials: Option<&Credentials>,
        action: AccessAction,
        bucket: &str,
        name: &str,
    ) -> S3Result<()> {
        match self.signer(credentials).is_some_and(|key| rights::may(&key, action, bucket, name)) {
            true => Ok(()),
            false => Err(s3_error!(AccessDenied, "This access key may not do that there.")),
        }
    }

    /// Whether the key that signed may know of the bucket.
    pub(crate) fn sees(&self, credentials: Option<&Credentials>, bucket: &str) -> bool {
        self.signer(credentials).is_some_and(|key| rights::sees(&key, bucket))
    }

    /// The region that the request is signed for, if its key may be used there.
    pub(crate) fn region<T>(&self, request: &S3Request<T>) -> S3Result<&'static str> {
        let signed = request.region.as_ref().map(s3s::region::Region::as_str).unwrap_or_default();
        let service = request.service.as_deref();
        if service != Some("s3") {
            return Err(s3_error!(AuthorizationHeaderMalformed, "The credential scope must be for s3."));
        }
        let Some(region) = REGIONS.into_iter().find(|region| *region == signed) else {
            let known = REGIONS.join(", ");
            return Err(s3_error!(
                AuthorizationHeaderMalformed,
                "The request's region must be one of {known}."
            ));
        };
        self.may_use(request, region)?;
        Ok(region)
    }

    /// Refuses, unless the request's key may be used in `region`.
    pub(crate) fn may_use<T>(&self, request: &S3Request<T>, region: &str) -> S3Result<()> {
        let key = self.signer(request.credentials.as_ref());
        if key.is_some_and(|key| key.regions.iter().any(|allowed| allowed == region)) {
            return Ok(());
        }
        Err(s3_error!(AccessDenied, "This access key may not be used in region {region}."))
    }
}

fn by_id(keys: Vec<AccessKey>) -> Result<HashMap<String, Arc<AccessKey>>, Error> {
    for key in &keys {
        if let Some(region) = key.regions.iter().find(|region| !REGIONS.contains(&region.as_str())) {
            return Err(Error::Config(format!("access key {}: {region:?} is not a region", key.id)));
        }
        if key.allow.is_none() && !rights::needs_no_rules(key) {
            tracing::warn!(key = key.id, "an access key may do nothing: it has no `allow`");
        }
    }
    Ok(keys.into_iter().map(|key| (key.id.clone(), Arc::new(key))).collect())
}

#[async_trait::async_trait]
impl S3Auth for AccessKeys {
    async fn get_secret_key(&self, id: &str) -> S3Result<SecretKey> {
        let key = self.find(id);
        let secret = key.as_ref().map_or(&self.0.nobody, |key| &key.secret);
        Ok(SecretKey::from(secret.expose_secret()))
    }
}

/// Refuses what s3s would let pass; see the module.
pub(crate) async fn guard(mut request: Request, next: Next) -> Response {
    match refusal(&request) {
        Some((status, code, message)) => refuse(status, code, message),
        None => {
            date(request.headers_mut());
            conditions::join_lines(request.headers_mut());
            next.run(request).await
        }
    }
}

/// Has a `Date` stand where s3s wants `x-amz-date`. *Handling dates in Signature Version 4* (AWS General Reference): "If AWS
/// can't find a value for x-amz-date, it looks for the date header." Nothing rests on the header itself, because the time is
/// in what is signed.
fn date(headers: &mut HeaderMap) {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    if headers.contains_key(AMZ_DATE) || !text(AUTHORIZATION).is_some_and(|it| it.starts_with("AWS4-")) {
        return;
    }
    let Some(at) = text(DATE) else { return };
    let at = match jiff::fmt::rfc2822::parse(at) {
        Ok(at) => at.timestamp().strftime("%Y%m%dT%H%M%SZ").to_string(),
        // In Amazon's own form, or in none.
        Err(_) => at.to_owned(),
    };
    if let Ok(at) = HeaderValue::from_str(&at) {
        headers.insert(AMZ_DATE, at);
    }
}

type Refusal = (StatusCode, &'static str, &'static str);

fn refusal(request: &Request) -> Option<Refusal> {
    let headers = request.headers();
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let query: Vec<(String, String)> =
        url::form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes())
            .into_owned()
            .collect();
    if !names_one_host(request) {
        return Some((
            StatusCode::BAD_REQUEST,
            "InvalidRequest",
            "The request names several hosts: it must have one Host, which is that of its address.",
        ));
    }
    let asked = |name: &str| query.iter().any(|(key, _)| key == name);
    if text(AUTHORIZATION).starts_with("AWS ") || asked("Signature") || asked("AWSAccessKeyId") {
        return Some((
            StatusCode::BAD_REQUEST,
            "InvalidRequest",
            "Only AWS4-HMAC-SHA256 signatures are accepted.",
        ));
    }
    if request.method() == http::Method::POST && is_form(headers) {
        return Some((StatusCode::NOT_IMPLEMENTED, "NotImplemented", "Form uploads are not supported."));
    }
    let expires = query.iter().find(|(key, _)| key == "X-Amz-Expires").map(|(_, seconds)| seconds);
    let lives = |seconds: &String| seconds.parse::<u32>().is_ok_and(|seconds| LIFE.contains(&seconds));
    if expires.is_some_and(|seconds| !lives(seconds)) {
        return Some((
            StatusCode::BAD_REQUEST,
            "AuthorizationQueryParametersError",
            "X-Amz-Expires must be between 1 and 604800 seconds, which are seven days.",
        ));
    }
    let presigned =
        query.iter().find(|(key, _)| key == "X-Amz-SignedHeaders").map(|(_, names)| names.as_str());
    let signed = presigned.or_else(|| signed_headers(text(AUTHORIZATION)));
    match signed {
        Some(signed) if !all_signed(headers, signed, presigned.is_some()) => Some((
            StatusCode::FORBIDDEN,
            "AccessDenied",
            "There were headers present in the request which were not signed.",
        )),
        _ => None,
    }
}

/// Whether s3s might take the body for a form, which it reads before it knows whose it is. RFC 9110, 8.3.1: types are
/// case-insensitive. And a boundary need not be ASCII.
fn is_form(headers: &HeaderMap) -> bool {
    const MULTIPART: &[u8] = b"multipart/";
    let kinds = headers.get_all(CONTENT_TYPE).iter();
    kinds
        .map(|kind| kind.as_bytes().trim_ascii_start())
        .any(|kind| kind.get(..MULTIPART.len()).is_some_and(|kind| kind.eq_ignore_ascii_case(MULTIPART)))
}

/// Whether all that names the request's host names the same. s3s would take the first `Host` there is, and find the bucket in it.
/// RFC 9112, 3.2: several are a bad request. RFC 9113, 8.3.1, and so it is here for an absolute address of HTTP/1.1: a `Host` that
/// differs from the authority is malformed, once both are made alike.
fn names_one_host(request: &Request) -> bool {
    let mut hosts = request.headers().get_all(HOST).iter();
    let Some(host) = hosts.next() else { return true };
    let port = if request.uri().scheme() == Some(&Scheme::HTTP) { ":80" } else { ":443" };
    let named = |host: &str| host.strip_suffix(port).unwrap_or(host).to_ascii_lowercase();
    let same = |of: &Authority| host.to_str().is_ok_and(|host| named(host) == named(of.as_str()));
    hosts.next().is_none() && request.uri().authority().is_none_or(same)
}

fn signed_headers(authorization: &str) -> Option<&str> {
    let (_, rest) = authorization.split_once("SignedHeaders=")?;
    Some(rest.split(',').next().unwrap_or_default().trim())
}

/// Whether the host and every `x-amz-` header is signed, as AWS asks: an unsigned `x-amz-copy-source` would turn
/// another's presigned upload into a copy.
fn all_signed(headers: &HeaderMap, signed: &str, presigned: bool) -> bool {
    let is_signed = |name: &str| signed.split(';').any(|signed| signed.eq_ignore_ascii_case(name));
    let harmless = |name: &str| {
        name == "x-amz-user-agent" || (presigned && (name == "x-amz-content-sha256" || name == "x-amz-date"))
    };
    let weighty = |name: &str| name.starts_with("x-amz-") && !harmless(name);
    is_signed("host") && headers.keys().all(|name| !weighty(name.as_str()) || is_signed(name.as_str()))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn status(request: http::request::Builder) -> Option<StatusCode> {
        refusal(&request.body(Body::empty()).unwrap()).map(|(status, _, _)| status)
    }

    const V4: &str = "AWS4-HMAC-SHA256 Credential=k/20260101/eu/s3/aws4_request, SignedHeaders=host;x-amz-date, Signature=00";

    #[test]
    fn a_date_stands_for_amazons() {
        let dated = |headers: &[(&'static str, &'static str)]| {
            let pairs = headers
                .iter()
                .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
            let mut headers: HeaderMap = pairs.collect();
            date(&mut headers);
            headers.get(AMZ_DATE).map(|value| value.to_str().unwrap().to_owned())
        };
        let signed = ("authorization", V4);
        // As Python's email.utils.formatdate, with which boto3 makes it, and HTTP write it.
        for date in ["Thu, 01 Jan 2026 12:30:05 -0000", "Thu, 01 Jan 2026 12:30:05 GMT"] {
            assert_eq!(dated(&[signed, ("date", date)]).as_deref(), Some("20260101T123005Z"), "{date}");
            assert_eq!(dated(&[("date", date)]), None);
        }
        let own = "20260101T123005Z";
        assert_eq!(dated(&[signed, ("date", own)]).as_deref(), Some(own));
        let both = [signed, ("date", "Thu, 01 Jan 2026 12:30:05 GMT"), ("x-amz-date", "kept")];
        assert_eq!(dated(&both).as_deref(), Some("kept"));
    }

    #[test]
    fn a_request_names_one_host() {
        let refused = Some(StatusCode::BAD_REQUEST);
        let named: [(&str, &[&str], Option<StatusCode>); 12] = [
            ("/b/k", &["a"], None),
            ("/b/k", &["a", "a"], refused),
            ("/b/k", &["a", "b"], refused),
            ("https://a/b/k", &[], None),
            ("https://a/b/k", &["a"], None),
            ("https://a:443/b/k", &["A"], None),
            ("http://a/b/k", &["a:80"], None),
            ("https://a:7421/b/k", &["a:7421"], None),
            ("https://a/b/k", &["things.a"], refused),
            ("https://a/b/k", &["a:7421"], refused),
            ("https://a/b/k", &["a:80"], refused),
            ("https://a/b/k", &[""], refused),
        ];
        for (uri, hosts, told) in named {
            let request = Request::builder().uri(uri);
            let request = hosts.iter().fold(request, |request, host| request.header("host", *host));
            assert_eq!(status(request), told, "{uri} {hosts:?}");
        }
    }

    #[test]
    fn refuses_what_s3s_would_let_pass() {
        let request = || Request::builder().uri("/bucket/key");
        assert_eq!(status(request().header("authorization", V4).header("x-amz-date", "d")), None);
        assert_eq!(status(request()), None, "anonymous requests are refused by s3s");
        assert_eq!(status(request().header("authorization", "AWS k:sig")), Some(StatusCode::BAD_REQUEST));
        let v2 = Request::builder().uri("/b/k?AWSAccessKeyId=k&Signature=s&Expires=1");
        assert_eq!(status(v2), Some(StatusCode::BAD_REQUEST));
        let copy = request().header("authorization", V4).header("x-amz-copy-source", "/other/secret");
        assert_eq!(status(copy), Some(StatusCode::FORBIDDEN));
        let presigned = "/b/k?X-Amz-Signature=0&X-Amz-SignedHeaders=host";
        let copy = Request::builder().uri(presigned).header("x-amz-copy-source", "/other/secret");
        assert_eq!(status(copy), Some(StatusCode::FORBIDDEN));
        assert_eq!(status(Request::builder().uri(presigned)), None);
        for (seconds, refused) in [
            ("1", None),
            ("604800", None),
            ("0", Some(StatusCode::BAD_REQUEST)),
            ("604801", Some(StatusCode::BAD_REQUEST)),
            ("-7", Some(StatusCode::BAD_REQUEST)),
            ("", Some(StatusCode::BAD_REQUEST)),
        ] {
            let link = format!("{presigned}&X-Amz-Expires={seconds}");
            assert_eq!(status(Request::builder().uri(link)), refused, "{seconds}");
        }
        for kind in [
            "multipart/form-data; boundary=x",
            "Multipart/Form-Data; boundary=x",
            "MULTIPART/mixed",
            "multipart/form-data; boundary=\"é\"",
        ] {
            let form = Request::builder().method("POST").uri("/b").header("content-type", kind);
            assert_eq!(status(form), Some(StatusCode::NOT_IMPLEMENTED), "{kind}");
        }
        for kind in ["application/xml", "multipart", ""] {
            let list = Request::builder().method("POST").uri("/b?delete").header("content-type", kind);
            assert_eq!(status(list), None, "{kind}");
        }
    }
}
