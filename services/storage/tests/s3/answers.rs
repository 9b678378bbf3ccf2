//! What every answer says: an id, a message, and keys as they are.

use std::sync::{Arc, Mutex};

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::operation::RequestId;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{Delete, EncodingType, ObjectIdentifier};
use axum::body::Body;
use http::Response;

use crate::support::{Served, client, fetch, key, serve_router, text};

#[tokio::test]
async fn errors_have_a_message_and_every_answer_an_id() {
    let served = Served::new().await;
    let objects = served.objects("eu");
    objects.ensure_bucket("things").await.unwrap();
    let sdk = objects.sdk();
    let put = sdk.put_object().bucket("things").key("a").body(ByteStream::from_static(b"a")).send();
    let first = put.await.unwrap().request_id().unwrap().to_owned();
    let absent = sdk.list_parts().bucket("things").key("a").upload_id("none").send().await.unwrap_err();
    assert_eq!(absent.code(), Some("NoSuchUpload"));
    assert!(absent.message().unwrap().contains("multipart upload"), "{absent:?}");
    let second = absent.request_id().unwrap().to_owned();
    assert_ne!(first, second);
    let anonymous = fetch(served.address, "GET", "/things/a").await;
    let id = anonymous.headers()["x-amz-request-id"].to_str().unwrap().to_owned();
    let said = text(anonymous).await;
    assert!(said.contains(&format!("<RequestId>{id}</RequestId>")) && said.contains("<Message>"), "{said}");
    let guarded = fetch(served.address, "GET", "/things/a?AWSAccessKeyId=a&Signature=b").await;
    assert!(text(guarded).await.contains("<RequestId>"));
}

#[tokio::test]
async fn an_error_to_a_head_has_no_body() {
    let served = Served::new().await;
    let head = fetch(served.address, "HEAD", "/things/a").await;
    assert_eq!(head.status(), 403);
    assert!(head.headers().get("content-type").is_none());
    assert_eq!(text(head).await, "");
}

#[tokio::test]
async fn keys_with_control_characters_are_listed_and_deleted_as_they_are() {
    let served = Served::new().await;
    let objects = served.objects("eu");
    objects.ensure_bucket("things").await.unwrap();
    let keys = ["a\tb", "a\nb", "a\r\nb", "a\rb"];
    for key in keys {
        objects.put("things", key, key.into()).await.unwrap();
    }
    // One that must outlive the deletion of `a\r\nb` and `a\rb`.
    objects.put("things", "a\n\nb", "stays".into()).await.unwrap();
    let listed = objects.list("things", "").await.unwrap();
    let mut found: Vec<_> = listed.into_iter().map(|entry| entry.key).collect();
    found.retain(|key| key != "a\n\nb");
    let mut expected: Vec<_> = keys.map(str::to_owned).to_vec();
    expected.sort();
    assert_eq!(found, expected);
    let page =
        objects.sdk().list_objects_v2().bucket("things").prefix("a\r").encoding_type(EncodingType::Url);
    let page = page.send().await.unwrap();
    let encoded: Vec<_> = page.contents().iter().filter_map(|object| object.key()).collect();
    assert_eq!(encoded, ["a%0D%0Ab", "a%0Db"]);

    let entries = keys.map(|key| ObjectIdentifier::builder().key(key).build().unwrap());
    let delete = Delete::builder().set_objects(Some(entries.to_vec())).build().unwrap();
    let done = objects.sdk().delete_objects().bucket("things").delete(delete).send().await.unwrap();
    let mut deleted: Vec<_> = done.deleted().iter().map(|entry| entry.key().unwrap().to_owned()).collect();
    deleted.sort();
    assert_eq!(deleted, expected);
    let left: Vec<_> = objects.list("things", "").await.unwrap().into_iter().map(|entry| entry.key).collect();
    assert_eq!(left, ["a\n\nb"]);
}

#[tokio::test]
async fn control_characters_are_references_and_an_objects_bytes_stay() {
    let served = Served::new().await;
    let said = Arc::new(Mutex::new(String::new()));
    let heard = Arc::clone(&said);
    let router =
        served.storage.router().layer(axum::middleware::map_response(move |answer: Response<Body>| {
            let heard = Arc::clone(&heard);
            async move {
                let (head, body) = answer.into_parts();
                let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
                *heard.lock().unwrap() = String::from_utf8_lossy(&bytes).into_owned();
                Response::from_parts(head, Body::from(bytes))
            }
        }));
    let objects = client(serve_router(router).await, &key("both", &[]), "eu");
    objects.ensure_bucket("things").await.unwrap();
    let sdk = objects.sdk();
    for key in ["a\rb", "a\u{1}b"] {
        let xml = sdk.put_object().bucket("things").key(key).content_type("application/xml");
        xml.body(ByteStream::from_static(b"<a>\r\n</a>\n")).send().await.unwrap();
    }
    // What a client makes of a character that XML 1.0 has not is its own affair; `encoding-type=url` is for that.
    let _ = sdk.list_objects_v2().bucket("things").send().await;
    let xml = said.lock().unwrap().clone();
    assert!(xml.contains("<Key>a&#xD;b</Key>") && xml.contains("<Key>a&#x1;b</Key>"), "{xml}");
    assert_eq!(objects.get("things", "a\rb").await.unwrap(), "<a>\r\n</a>\n");
}
