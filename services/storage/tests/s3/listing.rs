//! Listing.

use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_sdk_s3::types::EncodingType;
use futures::{StreamExt, TryStreamExt, stream};

use crate::support::{Served, code};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_prefixes_and_groups() {
    let served = Served::new().await;
    let objects = served.objects("eu");
    objects.ensure_bucket("things").await.unwrap();
    objects.ensure_bucket("things-too").await.unwrap();
    objects.put("things-too", "a/elsewhere", "".into()).await.unwrap();
    let keys: BTreeSet<String> = (0..60)
        .flat_map(|n| [format!("a/{n:02}/x"), format!("b{n}"), format!("a/é{n}")])
        .chain(["a".into(), "a/".into(), "c d&<>".into()])
        .collect();
    let puts = keys.iter().map(|key| objects.put("things", key, "v".into()));
    stream::iter(puts.collect::<Vec<_>>()).buffer_unordered(16).try_collect::<Vec<_>>().await.unwrap();

    let listed = objects.list("things", "").await.unwrap();
    assert!(listed.iter().map(|entry| &entry.key).eq(keys.iter()), "all, in the order of bytes");
    let some = objects.list("things", "a/é").await.unwrap();
    assert_eq!(some.len(), 60);

    // A page of 7 at a time, grouped: every object and every common prefix once.
    let (mut found, mut token) = (Vec::new(), None);
    loop {
        let page = objects.sdk().list_objects_v2().bucket("things").prefix("a/").delimiter("/").max_keys(7);
        let page = page.set_continuation_token(token).send().await.unwrap();
        assert!(page.key_count().unwrap() <= 7);
        found.extend(page.contents().iter().map(|object| object.key().unwrap().to_owned()));
        found.extend(page.common_prefixes().iter().map(|prefix| prefix.prefix().unwrap().to_owned()));
        token = page.next_continuation_token;
        assert_eq!(page.is_truncated, Some(token.is_some()));
        if token.is_none() {
            break;
        }
    }
    let expected: BTreeSet<String> =
        (0..60).flat_map(|n| [format!("a/{n:02}/"), format!("a/é{n}")]).chain(["a/".into()]).collect();
    assert_eq!(found.len(), expected.len());
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected);

    let page =
        objects.sdk().list_objects_v2().bucket("things").start_after("b59").encoding_type(EncodingType::Url);
    let page = page.send().await.unwrap();
    let rest: Vec<_> = page.contents().iter().map(|object| object.key().unwrap()).collect();
    assert_eq!(rest, ["b6", "b7", "b8", "b9", "c%20d%26%3C%3E"]);
    let bad = objects.sdk().list_objects_v2().bucket("things").continuation_token("!").send().await;
    assert_eq!(code(bad), "InvalidArgument");
    let ungrouped = objects.sdk().list_objects_v2().bucket("things").delimiter("").send().await.unwrap();
    assert_eq!(ungrouped.delimiter(), None);
    let owned = objects.sdk().list_objects_v2().bucket("things").fetch_owner(true).send().await.unwrap();
    assert_eq!(owned.contents()[0].owner().unwrap().id(), Some("maily"));
    let first = objects.sdk().list_objects().bucket("things").prefix("b").max_keys(2).send().await.unwrap();
    assert_eq!(first.next_marker(), Some("b1"));
}

#[tokio::test]
async fn names_are_encoded_for_an_url_or_not_at_all() {
    let served = Served::new().await;
    let objects = served.objects("eu");
    objects.ensure_bucket("things").await.unwrap();
    let sdk = objects.sdk();
    for encoding in ["base64", "URL", ""] {
        let asked = || EncodingType::from(encoding);
        let first = sdk.list_objects().bucket("things").encoding_type(asked()).send().await;
        assert_eq!(code(first), "InvalidArgument", "{encoding}");
        let second = sdk.list_objects_v2().bucket("things").encoding_type(asked()).send().await;
        assert_eq!(code(second), "InvalidArgument", "{encoding}");
        let uploads = sdk.list_multipart_uploads().bucket("things").encoding_type(asked()).send().await;
        assert_eq!(code(uploads), "InvalidArgument", "{encoding}");
    }
}

#[tokio::test]
async fn buckets_come_a_page_at_a_time() {
    let served = Served::new().await;
    let objects = served.objects("eu");
    for bucket in ["a-one", "a-two", "b-one"] {
        objects.ensure_bucket(bucket).await.unwrap();
    }
    let sdk = objects.sdk();
    let (mut found, mut token) = (Vec::new(), None);
    // Bounded: three buckets make three pages.
    for _ in 0..4 {
        let page = sdk.list_buckets().max_buckets(1).set_continuation_token(token).send().await.unwrap();
        found.extend(page.buckets().iter().filter_map(|bucket| bucket.name().map(str::to_owned)));
        token = page.continuation_token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(found, ["a-one", "a-two", "b-one"]);
    let two = sdk.list_buckets().prefix("a-").max_buckets(2).send().await.unwrap();
    assert_eq!((two.buckets().len(), two.continuation_token()), (2, None));
    assert_eq!(code(sdk.list_buckets().max_buckets(0).send().await), "InvalidArgument");
    assert_eq!(code(sdk.list_buckets().bucket_region("us").send().await), "InvalidArgument");
    assert_eq!(code(sdk.create_bucket().bucket("foo.-bar").send().await), "InvalidBucketName");
}

/// More than a page holds, and each is removed before the next page is asked for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn folders_come_page_by_page_also_while_they_go() {
    let served = Served::new().await;
    let objects = served.objects("eu");
    assert!(matches!(objects.folders("things", None).await, Err(maily_objects::Error::NotFound)));
    objects.ensure_bucket("things").await.unwrap();
    let keys: Vec<_> =
        (0..1_001).map(|n| format!("c{n:04}/00000/1.seg")).chain(["alone".to_owned()]).collect();
    let puts = keys.iter().map(|key| objects.put("things", key, "v".into()));
    stream::iter(puts.collect::<Vec<_>>()).buffer_unordered(16).try_collect::<Vec<_>>().await.unwrap();
    let (mut found, mut pages, mut from) = (0, 0, None);
    loop {
        let page = objects.folders("things", from).await.unwrap();
        for name in &page.names {
            assert_eq!(*name, format!("c{found:04}/"));
            objects.delete("things", &format!("{name}00000/1.seg")).await.unwrap();
            found += 1;
        }
        pages += 1;
        from = page.next;
        if from.is_none() {
            break;
        }
    }
    assert_eq!((found, pages), (1_001, 2));
    let left = objects.list("things", "").await.unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64;
    assert_eq!(left.len(), 1);
    assert!(left[0].modified.is_some_and(|at| (now - 600..=now).contains(&at)), "{:?}", left[0].modified);
}
