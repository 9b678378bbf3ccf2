//! What is told of an object without its bytes, and the checksums of its parts.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumMode, CompletedMultipartUpload, CompletedPart, ObjectAttributes,
};

use crate::support::{Served, code, noise};

const ALL: [ObjectAttributes; 5] = [
    ObjectAttributes::Checksum,
    ObjectAttributes::Etag,
    ObjectAttributes::ObjectParts,
    ObjectAttributes::ObjectSize,
    ObjectAttributes::StorageClass,
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_of_parts_tells_of_each() {
    let served = Served::new().await;
    let objects = served.objects("eu");
    objects.ensure_bucket("things").await.unwrap();
    let sdk = objects.sdk();
    let made = sdk.create_multipart_upload().bucket("things").key("big");
    let made = made.checksum_algorithm(ChecksumAlgorithm::Sha256).send().await.unwrap();
    let id = made.upload_id().unwrap();
    let (mut parts, mut sums) = (Vec::new(), Vec::new());
    for (number, length) in [(1, 5 << 20), (2, 100)] {
        let part = sdk.upload_part().bucket("things").key("big").upload_id(id).part_number(number);
        let part = part.checksum_algorithm(ChecksumAlgorithm::Sha256);
        let part = part.body(ByteStream::from(noise(1, length))).send().await.unwrap();
        sums.push(part.checksum_sha256().unwrap().to_owned());
        let named = CompletedPart::builder().part_number(number).set_e_tag(part.e_tag);
        parts.push(named.set_checksum_sha256(part.checksum_sha256).build());
    }
    let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
    let complete = sdk.complete_multipart_upload().bucket("things").key("big").upload_id(id);
    let done = complete.multipart_upload(parts).send().await.unwrap();

    let tell = || sdk.get_object_attributes().bucket("things").key("big");
    let told = tell().set_object_attributes(Some(ALL.to_vec())).send().await.unwrap();
    // Without quotes, as S3 has it there.
    assert_eq!(told.e_tag(), done.e_tag().map(|tag| tag.trim_matches('"')));
    assert_eq!(told.object_size(), Some((5 << 20) + 100));
    assert_eq!(told.storage_class().map(|class| class.as_str()), Some("STANDARD"));
    assert_eq!(told.checksum().and_then(|sum| sum.checksum_sha256()), done.checksum_sha256());
    let shown = told.object_parts().unwrap();
    assert_eq!((shown.total_parts_count(), shown.is_truncated()), (Some(2), Some(false)));
    let shown: Vec<_> = shown.parts().iter().map(|part| part.checksum_sha256().unwrap()).collect();
    assert_eq!(shown, sums);
    let page = tell().object_attributes(ObjectAttributes::ObjectParts).max_parts(1).send().await.unwrap();
    assert_eq!(page.e_tag(), None, "only what was asked for");
    assert_eq!(page.object_parts().unwrap().next_part_number_marker(), Some("1"));

    let second = sdk.get_object().bucket("things").key("big").part_number(2);
    let second = second.checksum_mode(ChecksumMode::Enabled).send().await.unwrap();
    assert_eq!(second.checksum_sha256(), Some(sums[1].as_str()));
    assert_eq!(second.checksum_type().map(|kind| kind.as_str()), Some("COMPOSITE"));
    assert_eq!(second.body.collect().await.unwrap().into_bytes(), noise(1, 100));
}

#[tokio::test]
async fn an_object_put_at_once_has_no_parts() {
    let served = Served::new().await;
    let objects = served.objects("eu");
    objects.ensure_bucket("things").await.unwrap();
    objects.put("things", "a", "hello".into()).await.unwrap();
    let tell = |key: &str| objects.sdk().get_object_attributes().bucket("things").key(key);
    let told = tell("a").set_object_attributes(Some(ALL.to_vec())).send().await.unwrap();
    assert_eq!(told.e_tag(), Some("5d41402abc4b2a76b9719d911017c592"));
    assert!(told.object_parts().is_none() && told.checksum().is_some());
    let absent = tell("absent").object_attributes(ObjectAttributes::Etag).send().await;
    assert_eq!(code(absent), "NoSuchKey");
    let unknown = tell("a").object_attributes(ObjectAttributes::from("Owner")).send().await;
    assert_eq!(code(unknown), "InvalidArgument");
}
