//! Multipart uploads.

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumType, CompletedMultipartUpload, CompletedPart, EncodingType,
};

use crate::support::{Served, code, noise};

async fn create(sdk: &Client, key: &str) -> String {
    let made = sdk.create_multipart_upload().bucket("things").key(key);
    let made = made.checksum_algorithm(ChecksumAlgorithm::Crc32).send().await.unwrap();
    made.upload_id().unwrap().to_owned()
}

async fn put(sdk: &Client, key: &str, id: &str, number: i32, bytes: &[u8]) -> CompletedPart {
    let part = sdk.upload_part().bucket("things").key(key).upload_id(id).part_number(number);
    let part = part.checksum_algorithm(ChecksumAlgorithm::Crc32).body(ByteStream::from(bytes.to_vec()));
    let part = part.send().await.unwrap();
    CompletedPart::builder()
        .part_number(number)
        .set_e_tag(part.e_tag)
        .set_checksum_crc32(part.checksum_crc32)
        .build()
}

fn list(parts: &[CompletedPart]) -> CompletedMultipartUpload {
    CompletedMultipartUpload::builder().set_parts(Some(parts.to_vec())).build()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_mebibytes_in_four_parts() {
    let served = Served::new().await;
    let objects = served.objects("eu");
    objects.ensure_bucket("things").await.unwrap();
    let sdk = objects.sdk();
    let bytes = noise(5, 16 << 20);
    let id = create(sdk, "big").await;
    let size = 5 << 20;
    let mut parts = Vec::new();
    // Out of order, and one of them twice.
    put(sdk, "big", &id, 2, b"replaced").await;
    for number in [3, 1, 4, 2] {
        let at = (number - 1) * size;
        parts.push(put(sdk, "big", &id, number as i32, &bytes[at..bytes.len().min(at + size)]).await);
    }
    put(sdk, "big", &id, 9, b"never named").await;
    let listed =
        sdk.list_parts().bucket("things").key("big").upload_id(&id).max_parts(2).send().await.unwrap();
    assert_eq!(listed.parts().iter().filter_map(|part| part.part_number()).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(listed.is_truncated(), Some(true));
    let running = sdk.list_multipart_uploads().bucket("things").send().await.unwrap();
    assert_eq!(running.uploads()[0].upload_id(), Some(id.as_str()));

    let complete = || sdk.complete_multipart_upload().bucket("things").key("big").upload_id(&id);
    assert_eq!(code(complete().multipart_upload(list(&parts)).send().await), "InvalidPartOrder");
    parts.sort_by_key(|part| part.part_number());
    let mut wrong = parts.clone();
    wrong[1] = CompletedPart::builder().part_number(2).e_tag("\"00000000000000000000000000000000\"").build();
    assert_eq!(code(complete().multipart_upload(list(&wrong)).send().await), "InvalidPart");
    let done = complete().multipart_upload(list(&parts)).send().await.unwrap();
    assert!(done.e_tag().unwrap().ends_with("-4\""), "{:?}", done.e_tag());

    assert!(objects.get("things", "big").await.unwrap() == bytes);
    let over_a_border =
        sdk.get_object().bucket("things").key("big").range(format!("bytes={}-{}", size - 10, size + 9));
    let got = over_a_border.send().await.unwrap().body.collect().await.unwrap().into_bytes();
    assert_eq!(got, bytes[size - 10..size + 10]);
    let third = sdk.get_object().bucket("things").key("big").part_number(3).send().await.unwrap();
    assert_eq!(third.parts_count(), Some(4));
    assert!(third.body.collect().await.unwrap().into_bytes() == bytes[2 * size..3 * size]);
    // A client that heard no answer asks again; with other parts it would be another object.
    let again = complete().if_none_match("*").multipart_upload(list(&parts)).send().await.unwrap();
    assert_eq!(again.e_tag(), done.e_tag());
    assert_eq!(code(complete().multipart_upload(list(&parts[..3])).send().await), "NoSuchUpload");
    objects.put("things", "big", "replaced".into()).await.unwrap();
    assert_eq!(code(complete().multipart_upload(list(&parts)).send().await), "NoSuchUpload");
    assert_eq!(objects.get("things", "big").await.unwrap(), "replaced");
}

#[tokio::test]
async fn parts_are_as_long_as_s3s() {
    let served = Served::new().await;
    let objects = served.objects("eu");
    objects.ensure_bucket("things").await.unwrap();
    let sdk = objects.sdk();
    let id = create(sdk, "a").await;
    let complete = || sdk.complete_multipart_upload().bucket("things").key("a").upload_id(&id);
    let mut parts = vec![put(sdk, "a", &id, 1, &noise(1, (5 << 20) - 1)).await];
    parts.push(put(sdk, "a", &id, 2, b"and the last").await);
    assert_eq!(code(complete().multipart_upload(list(&parts)).send().await), "EntityTooSmall");
    parts[0] = put(sdk, "a", &id, 1, &noise(1, 5 << 20)).await;
    let wrong = complete().mpu_object_size(7).multipart_upload(list(&parts)).send().await;
    assert_eq!(code(wrong), "InvalidRequest");
    let right = complete().mpu_object_size((5 << 20) + 12).multipart_upload(list(&parts));
    right.send().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parts_are_copied_from_objects() {
    let served = Served::new().await;
    let (objects, elsewhere) = (served.objects("eu"), served.objects("us"));
    objects.ensure_bucket("things").await.unwrap();
    elsewhere.ensure_bucket("over-there").await.unwrap();
    elsewhere.put("over-there", "a", "stays".into()).await.unwrap();
    let (sdk, bytes) = (objects.sdk(), noise(7, 6 << 20));
    objects.put("things", "from %25 é", bytes.clone().into()).await.unwrap();
    let id = create(sdk, "to").await;
    let copy = |number| {
        let copy = sdk.upload_part_copy().bucket("things").key("to").upload_id(&id).part_number(number);
        copy.copy_source("things/from%20%2525%20%C3%A9")
    };
    let whole = copy(1).send().await.unwrap().copy_part_result.unwrap();
    let end = copy(2).copy_source_range(format!("bytes={}-{}", bytes.len() - 5, bytes.len() - 1));
    let end = end.send().await.unwrap().copy_part_result.unwrap();
    let part = |number, part: aws_sdk_s3::types::CopyPartResult| {
        let named = CompletedPart::builder().part_number(number).set_e_tag(part.e_tag);
        named.set_checksum_crc32(part.checksum_crc32).build()
    };
    let parts = list(&[part(1, whole), part(2, end)]);
    assert_eq!(code(copy(3).copy_source_range("bytes=0-6291456").send().await), "InvalidRange");
    assert_eq!(code(copy(3).copy_source_range("bytes=0-").send().await), "InvalidArgument");
    assert_eq!(code(copy(3).copy_source_if_match("\"other\"").send().await), "PreconditionFailed");
    assert_eq!(code(copy(3).copy_source("things/absent").send().await), "NoSuchKey");
    assert_eq!(code(copy(3).copy_source("over-there/a").send().await), "AccessDenied");
    assert_eq!(code(copy(3).upload_id("none").send().await), "NoSuchUpload");
    let complete = sdk.complete_multipart_upload().bucket("things").key("to").upload_id(&id);
    complete.multipart_upload(parts).send().await.unwrap();
    objects.delete("things", "from %25 é").await.unwrap();
    let made = objects.get("things", "to").await.unwrap();
    assert!(made == [&bytes[..], &bytes[bytes.len() - 5..]].concat());
}

#[tokio::test]
async fn unfinished_uploads_are_listed_a_page_at_a_time() {
    let served = Served::new().await;
    let objects = served.objects("eu");
    objects.ensure_bucket("things").await.unwrap();
    let sdk = objects.sdk();
    let mut all = Vec::new();
    for key in ["a", "b/1", "b/1", "b/1!", "b/2", "c"] {
        all.push((key.to_owned(), create(sdk, key).await));
    }
    all.sort();
    let (mut found, mut marker) = (Vec::new(), (None, None));
    // Bounded: six uploads make three pages.
    for _ in 0..4 {
        let page = sdk.list_multipart_uploads().bucket("things").max_uploads(2);
        let page = page.set_key_marker(marker.0).set_upload_id_marker(marker.1).send().await.unwrap();
        let entry = |upload: &aws_sdk_s3::types::MultipartUpload| {
            (upload.key().unwrap().to_owned(), upload.upload_id().unwrap().to_owned())
        };
        found.extend(page.uploads().iter().map(entry));
        marker = (page.next_key_marker().map(Into::into), page.next_upload_id_marker().map(Into::into));
        if page.is_truncated() != Some(true) {
            break;
        }
    }
    assert_eq!(found, all);
    let keys = async |prefix: &str, after: Option<&str>| {
        let page = sdk.list_multipart_uploads().bucket("things").prefix(prefix);
        let page = page.set_key_marker(after.map(Into::into)).send().await.unwrap();
        page.uploads().iter().map(|upload| upload.key().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(keys("b/", None).await, ["b/1", "b/1", "b/1!", "b/2"]);
    assert_eq!(keys("", Some("b/1")).await, ["b/1!", "b/2", "c"]);
    assert_eq!(keys("b/", Some("c")).await, Vec::<String>::new());
    create(sdk, "d\r%").await;
    let page = sdk.list_multipart_uploads().bucket("things").prefix("d").encoding_type(EncodingType::Url);
    assert_eq!(page.send().await.unwrap().uploads()[0].key(), Some("d%0D%25"));
}

#[tokio::test]
async fn an_upload_has_one_type_of_checksum() {
    let served = Served::new().await;
    let objects = served.objects("eu");
    objects.ensure_bucket("things").await.unwrap();
    let sdk = objects.sdk();
    let made = |kind: &str| {
        sdk.create_multipart_upload().bucket("things").key("a").checksum_type(ChecksumType::from(kind))
    };
    for kind in ["COMPOSITE", "FULL_OBJECT"] {
        assert_eq!(code(made(kind).send().await), "InvalidRequest", "{kind} of no algorithm");
    }
    let crc32 = async |kind| {
        let made = made(kind).checksum_algorithm(ChecksumAlgorithm::Crc32).send().await.unwrap();
        (made.checksum_type().map(|kind| kind.as_str().to_owned()), made.upload_id.unwrap())
    };
    let complete = async |id: &str, part: &CompletedPart, kind: &str| {
        let complete = sdk.complete_multipart_upload().bucket("things").key("a").upload_id(id);
        let complete = complete.checksum_type(ChecksumType::from(kind));
        complete.multipart_upload(list(std::slice::from_ref(part))).send().await
    };
    for (asked, kind, other) in [
        ("COMPOSITE", "COMPOSITE", "FULL_OBJECT"),
        ("FULL_OBJECT", "FULL_OBJECT", "COMPOSITE"),
        ("full_object", "FULL_OBJECT", "COMPOSITE"),
    ] {
        let (answered, id) = crc32(asked).await;
        assert_eq!(answered.as_deref(), Some(kind), "{asked}");
        let part = put(sdk, "a", &id, 1, b"part").await;
        assert_eq!(code(complete(&id, &part, other).await), "BadDigest", "{asked}");
        let done = complete(&id, &part, kind).await.unwrap();
        assert_eq!(done.checksum_type().map(ChecksumType::as_str), Some(kind), "{asked}");
    }
    // Where no checksum was asked for, none is made of the whole, of neither type.
    let made = sdk.create_multipart_upload().bucket("things").key("a").send().await.unwrap();
    let id = made.upload_id().unwrap();
    let part = put(sdk, "a", id, 1, b"part").await;
    for kind in ["COMPOSITE", "FULL_OBJECT"] {
        assert_eq!(code(complete(id, &part, kind).await), "BadDigest", "{kind}");
    }
    let complete = sdk.complete_multipart_upload().bucket("things").key("a").upload_id(id);
    complete.multipart_upload(list(&[part])).send().await.unwrap();
}

#[tokio::test]
async fn parts_are_listed_behind_any_marker() {
    let served = Served::new().await;
    let objects = served.objects("eu");
    objects.ensure_bucket("things").await.unwrap();
    let sdk = objects.sdk();
    let id = create(sdk, "a").await;
    for number in [1, 2, 10_000] {
        put(sdk, "a", &id, number, b"part").await;
    }
    let page = async |marker: i32, most: i32| {
        let page = sdk.list_parts().bucket("things").key("a").upload_id(&id).max_parts(most);
        page.part_number_marker(marker.to_string()).send().await
    };
    let numbers = async |marker: i32, most: i32| {
        let page = page(marker, most).await.unwrap();
        let next = page.next_part_number_marker().map(str::to_owned);
        let numbers: Vec<_> = page.parts().iter().filter_map(|part| part.part_number()).collect();
        (numbers, page.is_truncated(), next)
    };
    assert_eq!(numbers(0, 1_000).await, (vec![1, 2, 10_000], Some(false), None));
    assert_eq!(numbers(1, 1).await, (vec![2], Some(true), Some("2".to_owned())));
    assert_eq!(numbers(9_999, 1).await, (vec![10_000], Some(false), None));
    for marker in [10_000, 10_001, 65_534, 65_535, i32::MAX] {
        assert_eq!(numbers(marker, 1_000).await, (vec![], Some(false), None), "{marker}");
    }
    for marker in [-1, -2, i32::MIN] {
        assert_eq!(code(page(marker, 1_000).await), "InvalidArgument", "{marker}");
    }
    // Who asks for none has all of it.
    assert_eq!(numbers(0, 0).await, (vec![], Some(false), None));
}

#[tokio::test]
async fn an_aborted_upload_is_gone_with_its_bytes() {
    let served = Served::new().await;
    let objects = served.objects("eu");
    objects.ensure_bucket("things").await.unwrap();
    let sdk = objects.sdk();
    let id = create(sdk, "a").await;
    put(sdk, "a", &id, 1, &noise(1, 100_000)).await;
    assert_eq!(served.files("/blobs/").len(), 1);
    assert_eq!(code(sdk.delete_bucket().bucket("things").send().await), "BucketNotEmpty");
    sdk.abort_multipart_upload().bucket("things").key("a").upload_id(&id).send().await.unwrap();
    let late = sdk.upload_part().bucket("things").key("a").upload_id(&id).part_number(2);
    assert_eq!(code(late.body(ByteStream::from_static(b"late")).send().await), "NoSuchUpload");
    crate::disk::until_blobs(&served, 0).await;
    sdk.delete_bucket().bucket("things").send().await.unwrap();
}

/// Read whole, each of them would take some twenty times what it was sent in.
#[tokio::test]
async fn a_list_of_more_parts_than_an_upload_can_have_is_not_read() {
    let served = Served::new().await;
    let objects = served.objects("eu");
    objects.ensure_bucket("things").await.unwrap();
    let sdk = objects.sdk();
    let id = create(sdk, "a").await;
    let complete = async |parts: usize| {
        let parts = vec![CompletedPart::builder().part_number(1).build(); parts];
        let complete = sdk.complete_multipart_upload().bucket("things").key("a").upload_id(&id);
        code(complete.multipart_upload(list(&parts)).send().await)
    };
    assert_ne!(complete(10_000).await, "MalformedXML", "it is read, and all of it is part 1");
    assert_eq!(complete(10_001).await, "MalformedXML");
}
