//! Put, get, head, copy, delete.

use std::time::Duration;

use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumMode, Delete, MetadataDirective, ObjectIdentifier};
use axum::body::Body;
use bytes::Bytes;
use http::{Request, Uri};
use maily_objects::Error;
use tower::ServiceExt;

use crate::support::{Served, client, code, key, noise, plain, serve_router, text};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_put_is_got() {
    let served = Served::new().await;
    let objects = served.objects("eu");
    objects.ensure_bucket("things").await.unwrap();
    objects.ensure_bucket("things").await.unwrap();
    // Around the borders of chunks (16 KiB), windows (1 MiB), whole fetches (4 MiB) and parts (6 MiB).
    let lengths = [0, 1, 16_383, 16_384, 16_385, 1 << 20, (4 << 20) - 72, 4 << 20, (6 << 20) + 1, 13 << 20];
    for (seed, length) in lengths.into_iter().enumerate() {
        let bytes = Bytes::from(noise(seed as u64, length));
        let key = format!("of/{length} bytes, ünïcode");
        objects.put("things", &key, bytes.clone()).await.unwrap();
        assert!(objects.get("things", &key).await.unwrap() == bytes, "{length} bytes");
    }
    assert!(matches!(objects.get("things", "absent").await, Err(Error::NotFound)));
    assert!(matches!(
        objects.get_within("things", "of/16384 bytes, ünïcode", 16_383).await,
        Err(Error::TooLong(_))
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ranges_are_exact() {
    let served = Served::new().await;
    let objects = served.objects("eu");
    objects.ensure_bucket("things").await.unwrap();
    let bytes = noise(1, 9 << 20);
    objects.put("things", "long", bytes.clone().into()).await.unwrap();
    let last = bytes.len() - 1;
    for (from, to) in [(0, 0), (16_383, 16_384), ((1 << 20) - 1, 3 << 20), (last - 5, last), (0, last)] {
        let call =
            objects.sdk().get_object().bucket("things").key("long").range(format!("bytes={from}-{to}"));
        let got = call.send().await.unwrap();
        assert_eq!(got.content_range(), Some(format!("bytes {from}-{to}/{}", bytes.len()).as_str()));
        assert!(got.body.collect().await.unwrap().into_bytes() == bytes[from..=to], "{from}-{to}");
    }
    let call = objects.sdk().get_object().bucket("things").key("long").range("bytes=-7");
    assert_eq!(
        call.send().await.unwrap().body.collect().await.unwrap().into_bytes(),
        bytes[bytes.len() - 7..]
    );
    let beyond =
        objects.sdk().get_object().bucket("things").key("long").range(format!("bytes={}-", bytes.len()));
    assert_eq!(code(beyond.send().await), "InvalidRange");
}

#[tokio::test]
async fn headers_and_checksums_come_back() {
    let served = Served::new().await;
    let objects = served.objects("eu");
    objects.ensure_bucket("things").await.unwrap();
    let put = objects.sdk().put_object().bucket("things").key("a").body(ByteStream::from_static(b"hello"));
    let put = put.content_type("text/plain").cache_control("no-store").metadata("colour", "blue");
    let put = put.checksum_algorithm(ChecksumAlgorithm::Crc64Nvme).send().await.unwrap();
    assert_eq!(put.e_tag(), Some("\"5d41402abc4b2a76b9719d911017c592\""));
    let head = objects.sdk().head_object().bucket("things").key("a").checksum_mode(ChecksumMode::Enabled);
    let head = head.send().await.unwrap();
    // What every object is sealed with, whether asked for or not.
    for answered in [put.server_side_encryption(), head.server_side_encryption()] {
        assert_eq!(answered.map(|it| it.as_str()), Some("AES256"));
    }
    assert_eq!((head.content_length(), head.content_type()), (Some(5), Some("text/plain")));
    assert_eq!(head.cache_control(), Some("no-store"));
    assert_eq!(head.metadata().unwrap()["colour"], "blue");
    // CRC-64/NVME of "hello", as `aws s3api put-object` answers it.
    assert_eq!(head.checksum_crc64_nvme(), put.checksum_crc64_nvme());
    assert!(put.checksum_crc64_nvme().is_some());

    let wrong = objects.sdk().put_object().bucket("things").key("b").body(ByteStream::from_static(b"hello"));
    assert_eq!(code(wrong.checksum_crc32("AAAAAA==").send().await), "BadDigest");
    let wrong = objects.sdk().put_object().bucket("things").key("b").body(ByteStream::from_static(b"hello"));
    assert_eq!(code(wrong.content_md5("AAAAAAAAAAAAAAAAAAAAAA==").send().await), "BadDigest");
    assert!(matches!(objects.get("things", "b").await, Err(Error::NotFound)));
    let tagged = objects.sdk().put_object().bucket("things").key("b").tagging("a=b").send().await;
    assert_eq!(code(tagged), "NotImplemented");
}

#[tokio::test]
async fn a_body_that_is_not_what_was_signed_is_refused_for_good() {
    let served = Served::new().await;
    let objects = served.objects("eu");
    objects.ensure_bucket("things").await.unwrap();
    objects.put("things", "a", "hello".into()).await.unwrap();
    let put = objects.sdk().put_object().bucket("things").key("b").content_length(5);
    let link = put.presigned(PresigningConfig::expires_in(Duration::from_secs(60)).unwrap()).await.unwrap();
    let host = link.uri().parse::<Uri>().unwrap().authority().unwrap().to_string();
    let mut request = Request::put(link.uri()).header("host", host);
    for (name, value) in link.headers() {
        request = request.header(name, value);
    }
    let request = request.header("x-amz-content-sha256", "0".repeat(64)).body(Body::from("hello")).unwrap();
    let answer = plain(served.address).oneshot(request).await.unwrap();
    assert_eq!(answer.status(), 400);
    let said = text(answer).await;
    assert!(said.contains("<Code>XAmzContentSHA256Mismatch</Code>"), "{said}");
    assert!(matches!(objects.get("things", "b").await, Err(Error::NotFound)));

    // The same of a list, whose last byte is changed on its way.
    let changed = axum::middleware::map_request(|request: Request<Body>| async move {
        let (head, body) = request.into_parts();
        let mut list = axum::body::to_bytes(body, 1 << 20).await.unwrap().to_vec();
        if let Some(last) = list.last_mut() {
            *last ^= 1;
        }
        Request::from_parts(head, Body::from(list))
    });
    let address = serve_router(served.storage.router().layer(changed)).await;
    let list = Delete::builder().objects(ObjectIdentifier::builder().key("a").build().unwrap()).build();
    let sdk = client(address, &key("both", &[]), "eu");
    let refused = sdk.sdk().delete_objects().bucket("things").delete(list.unwrap()).send().await;
    assert_eq!(code(refused), "XAmzContentSHA256Mismatch");
    assert_eq!(objects.get("things", "a").await.unwrap(), "hello");
}

#[tokio::test]
async fn copies_are_objects_of_their_own() {
    let served = Served::new().await;
    let objects = served.objects("eu");
    objects.ensure_bucket("things").await.unwrap();
    objects.put("things", "a", noise(1, 5 << 20).into()).await.unwrap();
    let copy = || objects.sdk().copy_object().bucket("things").copy_source("things/a");
    copy().key("b").send().await.unwrap();
    objects.delete("things", "a").await.unwrap();
    assert!(objects.get("things", "b").await.unwrap() == noise(1, 5 << 20));
    assert_eq!(code(copy().key("c").send().await), "NoSuchKey");
    let summed =
        objects.sdk().put_object().bucket("things").key("s").checksum_algorithm(ChecksumAlgorithm::Sha256);
    let summed = summed.body(ByteStream::from_static(b"hello")).send().await.unwrap();
    let sums = async |key: &str| {
        let head = objects.sdk().head_object().bucket("things").key(key);
        let head = head.checksum_mode(ChecksumMode::Enabled).send().await.unwrap();
        (head.checksum_sha256().map(str::to_owned), head.checksum_crc32().is_some())
    };
    let again = |key: &str| objects.sdk().copy_object().bucket("things").copy_source("things/s").key(key);
    let kept = again("kept").send().await.unwrap();
    assert_eq!(kept.server_side_encryption().map(|it| it.as_str()), Some("AES256"));
    assert_eq!(sums("kept").await, (summed.checksum_sha256().map(str::to_owned), false));
    again("other").checksum_algorithm(ChecksumAlgorithm::Crc32).send().await.unwrap();
    assert_eq!(sums("other").await, (None, true));
    let onto_itself = objects.sdk().copy_object().bucket("things").copy_source("things/b").key("b");
    assert_eq!(code(onto_itself.clone().send().await), "InvalidRequest");
    let renamed = onto_itself.metadata_directive(MetadataDirective::Replace).metadata("x", "y");
    renamed.send().await.unwrap();
    let head = objects.sdk().head_object().bucket("things").key("b").send().await.unwrap();
    assert_eq!(head.metadata().unwrap()["x"], "y");
}

#[tokio::test]
async fn deleted_is_deleted_and_a_full_bucket_stays() {
    let served = Served::new().await;
    let objects = served.objects("eu");
    objects.ensure_bucket("things").await.unwrap();
    for key in ["a", "b", "c"] {
        objects.put("things", key, key.into()).await.unwrap();
    }
    assert_eq!(code(objects.sdk().delete_bucket().bucket("things").send().await), "BucketNotEmpty");
    objects.delete("things", "a").await.unwrap();
    objects.delete("things", "a").await.unwrap();
    let none =
        Delete::builder().objects(ObjectIdentifier::builder().key("").build().unwrap()).build().unwrap();
    let none = objects.sdk().delete_objects().bucket("things").delete(none).send().await;
    assert_eq!(code(none), "MalformedXML", "no key is no deletion");
    let both = ["b", "c"].map(|key| ObjectIdentifier::builder().key(key).build().unwrap());
    let both = Delete::builder().set_objects(Some(both.to_vec())).build().unwrap();
    let done = objects.sdk().delete_objects().bucket("things").delete(both).send().await.unwrap();
    assert_eq!((done.deleted().len(), done.errors().len()), (2, 0));
    objects.sdk().delete_bucket().bucket("things").send().await.unwrap();
    assert_eq!(code(objects.sdk().get_object().bucket("things").key("b").send().await), "NoSuchBucket");
}
