//! What a request asks for by a header is done, or the request is refused.

use std::time::Duration;

use aws_sdk_s3::config::http::HttpRequest;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::{ByteStream, DateTime};
use aws_sdk_s3::types::{Delete, ObjectIdentifier};

use crate::support::{Served, code, fetch_with};

/// Adds a header to a request before it is signed.
fn with(name: &'static str, value: &'static str) -> impl Fn(&mut HttpRequest) + Send + Sync + 'static {
    move |request: &mut HttpRequest| {
        request.headers_mut().insert(name, value);
    }
}

#[tokio::test]
async fn what_is_not_obeyed_is_refused() {
    let served = Served::new().await;
    let objects = served.objects("eu");
    objects.ensure_bucket("things").await.unwrap();
    objects.put("things", "a", "stays".into()).await.unwrap();
    let (sdk, refused) = (objects.sdk(), "NotImplemented");

    let delete = || sdk.delete_object().bucket("things").key("a");
    assert_eq!(code(delete().mfa("1 2").send().await), refused);
    assert_eq!(code(delete().bypass_governance_retention(true).send().await), refused);
    assert_eq!(code(delete().expected_bucket_owner("123456789012").send().await), "AccessDenied");
    for (name, value) in [
        ("if-none-match", "*"),
        ("if-unmodified-since", "Thu, 01 Jan 2026 00:00:00 GMT"),
        ("x-amz-never-heard-of", "1"),
    ] {
        let asked = delete().customize().mutate_request(with(name, value)).send().await;
        assert_eq!(code(asked), refused, "{name}");
    }
    let entry = ObjectIdentifier::builder().key("a").build().unwrap();
    let entries = Delete::builder().objects(entry).build().unwrap();
    let delete = || sdk.delete_objects().bucket("things").delete(entries.clone());
    assert_eq!(code(delete().mfa("1 2").send().await), refused);
    assert_eq!(code(delete().expected_bucket_owner("123456789012").send().await), "AccessDenied");
    let asked = delete().customize().mutate_request(with("if-match", "\"other\"")).send().await;
    assert_eq!(code(asked), refused);
    assert_eq!(objects.get("things", "a").await.unwrap(), "stays");

    let complete = sdk.complete_multipart_upload().bucket("things").key("a").upload_id("any");
    assert_eq!(code(complete.expected_bucket_owner("123456789012").send().await), "AccessDenied");
    let put = || sdk.put_object().bucket("things").key("b").body(ByteStream::from_static(b"b"));
    assert_eq!(code(put().expected_bucket_owner("123456789012").send().await), "AccessDenied");
    let asked = put().customize().mutate_request(with("x-amz-grant-read-acp", "id=1")).send().await;
    assert_eq!(code(asked), refused);
    assert!(matches!(objects.get("things", "b").await, Err(maily_objects::Error::NotFound)));
}

#[tokio::test]
async fn a_head_has_the_headers_of_its_get() {
    let served = Served::new().await;
    let objects = served.objects("eu");
    objects.ensure_bucket("things").await.unwrap();
    let put = objects.sdk().put_object().bucket("things").key("a").body(ByteStream::from_static(b"hello"));
    put.content_type("text/plain").cache_control("no-store").content_language("en").send().await.unwrap();
    let soon = || PresigningConfig::expires_in(Duration::from_secs(60)).unwrap();
    macro_rules! link {
        ($call:ident) => {{
            let call = objects.sdk().$call().bucket("things").key("a").response_cache_control("max-age=60");
            let call = call.response_content_disposition("attachment").response_content_encoding("br");
            let call = call.response_content_type("text/html").response_expires(DateTime::from_secs(1));
            call.presigned(soon()).await.unwrap()
        }};
    }
    let (get, head) = (link!(get_object), link!(head_object));
    let ranges: [&[(&str, &str)]; 3] = [&[], &[("range", "bytes=1-2")], &[("range", "bytes=0-1,3-4")]];
    for range in ranges {
        let of = async |method: &str, uri: &str| {
            let mut headers = fetch_with(served.address, method, uri, range).await.headers().clone();
            for own in ["date", "x-amz-request-id"] {
                headers.remove(own);
            }
            headers
        };
        let (got, headed) = (of("GET", get.uri()).await, of("HEAD", head.uri()).await);
        assert_eq!(got, headed, "{range:?}");
        let names = ["cache-control", "content-type", "content-language", "expires"];
        let values = ["max-age=60", "text/html", "en", "Thu, 01 Jan 1970 00:00:01 GMT"];
        assert_eq!(names.map(|name| headed[name].to_str().unwrap()), values);
    }
}

#[tokio::test]
async fn how_a_body_came_is_not_what_it_is() {
    let served = Served::new().await;
    let objects = served.objects("eu");
    objects.ensure_bucket("things").await.unwrap();
    let sdk = objects.sdk();
    let put = sdk.put_object().bucket("things").key("a").content_encoding("deflate, gzip,aws-chunked");
    put.body(ByteStream::from_static(b"a")).send().await.unwrap();
    let head = sdk.head_object().bucket("things").key("a").send().await.unwrap();
    assert_eq!(head.content_encoding(), Some("deflate, gzip"));
}
