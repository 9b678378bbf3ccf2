//! Buckets addressed by the host (`BUCKET.domain`).

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use maily_objects::Objects;

use crate::support::{Served, client, code, key, serve};

/// The SDK as it is unless told to put the bucket into the path: its host is `BUCKET.storage.maily.internal`.
fn by_host(objects: &Objects) -> Client {
    Client::from_conf(objects.sdk().config().to_builder().force_path_style(false).build())
}

#[tokio::test]
async fn a_bucket_in_the_host_is_served_where_a_domain_is_configured() {
    let Served { dir: _dir, storage, .. } = Served::new().await;
    let storage = storage.at_domain("storage.maily.internal").unwrap();
    let objects = client(serve(&storage).await, &key("both", &[]), "eu");
    objects.ensure_bucket("things").await.unwrap();
    let sdk = by_host(&objects);
    let put = sdk.put_object().bucket("things").key("a/b c").body(ByteStream::from_static(b"hello"));
    put.send().await.unwrap();
    assert_eq!(objects.get("things", "a/b c").await.unwrap(), "hello", "the same object by the path");
    let listed = sdk.list_objects_v2().bucket("things").send().await.unwrap();
    assert_eq!(listed.contents()[0].key(), Some("a/b c"));
    let got = sdk.get_object().bucket("things").key("a/b c").send().await.unwrap();
    assert_eq!(got.body.collect().await.unwrap().into_bytes(), "hello");
    assert_eq!(code(sdk.list_objects_v2().bucket("no-such").send().await), "NoSuchBucket");
}

#[tokio::test]
async fn without_a_domain_it_is_refused_and_the_key_is_no_bucket() {
    let served = Served::new().await;
    let objects = served.objects("eu");
    objects.ensure_bucket("things").await.unwrap();
    objects.ensure_bucket("other").await.unwrap();
    let sdk = by_host(&objects);
    let put = |key: &str| {
        sdk.put_object().bucket("things").key(key).body(ByteStream::from_static(b"astray")).send()
    };
    assert_eq!(code(put("other/a").await), "InvalidRequest");
    assert_eq!(code(put("made-by-mistake").await), "InvalidRequest");
    assert!(objects.list("other", "").await.unwrap().is_empty());
    let buckets = objects.sdk().list_buckets().send().await.unwrap();
    let buckets: Vec<_> = buckets.buckets().iter().filter_map(|bucket| bucket.name()).collect();
    assert_eq!(buckets, ["other", "things"]);
}
