//! Signatures, and what a key may do.

use std::time::{Duration, SystemTime};

use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use maily_keys::AccessAction::{Delete as Deletes, List, Read, Write};
use maily_keys::AccessKey;

use crate::support::{Served, client, code, fetch, key, orchestrator, text, told};

#[tokio::test]
async fn presigned_links_work_until_they_are_touched() {
    let served = Served::new().await;
    let objects = served.objects("eu");
    objects.ensure_bucket("things").await.unwrap();
    objects.put("things", "a", "hello".into()).await.unwrap();
    objects.put("things", "b", "other".into()).await.unwrap();
    let get = objects.sdk().get_object().bucket("things").key("a");
    let link =
        get.clone().presigned(PresigningConfig::expires_in(Duration::from_secs(60)).unwrap()).await.unwrap();
    let good = fetch(served.address, "GET", link.uri()).await;
    assert_eq!((good.status().as_u16(), text(good).await.as_str()), (200, "hello"));
    let longer = link.uri().replace("X-Amz-Expires=60", "X-Amz-Expires=6000");
    for tampered in [link.uri().replace("/a?", "/b?"), longer] {
        assert_ne!(tampered, link.uri());
        let refused = fetch(served.address, "GET", &tampered).await;
        assert_eq!(refused.status(), 403);
        assert!(text(refused).await.contains("<Code>SignatureDoesNotMatch</Code>"));
    }
    assert_eq!(fetch(served.address, "PUT", link.uri()).await.status(), 403);
    let endless = fetch(served.address, "GET", &link.uri().replace("Expires=60", "Expires=604801")).await;
    assert_eq!(endless.status(), 400);
    assert!(text(endless).await.contains("<Code>AuthorizationQueryParametersError</Code>"));
    let old = PresigningConfig::builder().start_time(SystemTime::now() - Duration::from_secs(120));
    let old = old.expires_in(Duration::from_secs(60)).build().unwrap();
    let expired = fetch(served.address, "GET", get.presigned(old).await.unwrap().uri()).await;
    assert!(text(expired).await.contains("Request has expired"));
}

#[tokio::test]
async fn without_a_valid_key_nothing_is_served() {
    let served = Served::new().await;
    served.objects("eu").ensure_bucket("things").await.unwrap();
    let anonymous = fetch(served.address, "GET", "/things").await;
    assert_eq!(anonymous.status(), 403);
    assert!(text(anonymous).await.contains("<Code>AccessDenied</Code>"));
    let mut wrong = key("both", &[]);
    wrong.secret = "not the secret of that key".to_owned().into();
    // An unknown key and a wrong secret look alike, and take the same way.
    for bad in [wrong, key("nobody-knows", &[])] {
        let refused = client(served.address, &bad, "eu").list("things", "").await.unwrap_err();
        assert_eq!(refused.code(), Some("SignatureDoesNotMatch"));
    }
    let v2 =
        fetch(served.address, "GET", "/things/a?AWSAccessKeyId=both&Signature=x&Expires=99999999999").await;
    assert!(text(v2).await.contains("AWS4-HMAC-SHA256"));
}

const DENIED: Option<&str> = Some("AccessDenied");

/// A storage with two buckets, and keys that may do a little of it.
async fn shared() -> Served {
    let served = Served::new().await;
    let keys = vec![
        key("both", &["eu"]),
        orchestrator(&["eu"]),
        told("reader", &[("things", "a/", &[Read, List])]),
        told("writer", &[("things", "b/", &[Write])]),
        told("cleaner", &[("*", "b/", &[Deletes])]),
    ];
    served.storage.use_keys(keys).unwrap();
    let objects = served.objects("eu");
    for bucket in ["things", "others"] {
        objects.ensure_bucket(bucket).await.unwrap();
        for name in ["a/1", "b/1"] {
            objects.put(bucket, name, "hello".into()).await.unwrap();
        }
    }
    served
}

#[tokio::test]
async fn a_key_does_what_it_may_and_nothing_else() {
    let served = shared().await;
    let of = |id: &str| client(served.address, &key(id, &[]), "eu");
    let (reader, writer) = (of("reader"), of("writer"));
    assert_eq!(&reader.get("things", "a/1").await.unwrap()[..], b"hello");
    assert_eq!(reader.list("things", "a/").await.unwrap().len(), 1);
    assert_eq!(reader.get("things", "b/1").await.unwrap_err().code(), DENIED);
    assert_eq!(reader.get("others", "a/1").await.unwrap_err().code(), DENIED);
    assert_eq!(reader.list("things", "").await.unwrap_err().code(), DENIED);
    assert_eq!(reader.put("things", "a/1", "x".into()).await.unwrap_err().code(), DENIED);
    assert_eq!(reader.delete("things", "a/1").await.unwrap_err().code(), DENIED);
    assert_eq!(reader.ensure_bucket("mine").await.unwrap_err().code(), DENIED);
    writer.put("things", "b/2", "written".into()).await.unwrap();
    assert_eq!(writer.put("things", "a/2", "x".into()).await.unwrap_err().code(), DENIED);
    assert_eq!(writer.get("things", "b/2").await.unwrap_err().code(), DENIED);
    let seen = reader.sdk().list_buckets().send().await.unwrap();
    assert_eq!(seen.buckets().iter().filter_map(|bucket| bucket.name()).collect::<Vec<_>>(), ["things"]);
    // A range that s3s would refuse goes another way, and is asked for the same.
    let elsewhere = reader.sdk().get_object().bucket("things").key("b/1").range("bytes=0-1,3-4").send().await;
    assert_eq!(code(elsewhere), "AccessDenied");
}

#[tokio::test]
async fn who_copies_has_to_be_allowed_to_read() {
    let served = shared().await;
    let writer = client(served.address, &key("writer", &[]), "eu");
    let copy = writer.sdk().copy_object().bucket("things").key("b/2").copy_source("things/a/1");
    assert_eq!(code(copy.send().await), "AccessDenied");
    let upload = writer.sdk().create_multipart_upload().bucket("things").key("b/2").send().await.unwrap();
    let part = writer.sdk().upload_part_copy().bucket("things").key("b/2").part_number(1);
    let part = part.upload_id(upload.upload_id().unwrap()).copy_source("things/a/1");
    assert_eq!(code(part.send().await), "AccessDenied");
}

#[tokio::test]
async fn each_object_of_a_list_to_delete_is_asked_for() {
    let served = shared().await;
    let cleaner = client(served.address, &key("cleaner", &[]), "eu");
    let object = |name: &str| ObjectIdentifier::builder().key(name).build().unwrap();
    let list = Delete::builder().objects(object("a/1")).objects(object("b/1")).build().unwrap();
    let done = cleaner.sdk().delete_objects().bucket("things").delete(list).send().await.unwrap();
    assert_eq!(done.deleted().iter().filter_map(|deleted| deleted.key()).collect::<Vec<_>>(), ["b/1"]);
    let errors: Vec<_> = done.errors().iter().map(|error| (error.key(), error.code())).collect();
    assert_eq!(errors, [(Some("a/1"), DENIED)]);
    let left = served.objects("eu").list("things", "").await.unwrap();
    assert_eq!(left.len(), 1);
}

#[tokio::test]
async fn what_is_the_orchestrators_is_nobody_elses() {
    let served = shared().await;
    let orchestrator = client(served.address, &orchestrator(&[]), "eu");
    for bucket in ["maily-campaigns", "maily-mail-eu"] {
        orchestrator.ensure_bucket(bucket).await.unwrap();
        orchestrator.put(bucket, "b/1", "sealed".into()).await.unwrap();
        for id in ["both", "cleaner"] {
            let other = client(served.address, &key(id, &[]), "eu");
            assert_eq!(other.get(bucket, "b/1").await.unwrap_err().code(), DENIED);
            assert_eq!(other.list(bucket, "").await.unwrap_err().code(), DENIED);
            assert_eq!(other.put(bucket, "b/1", "x".into()).await.unwrap_err().code(), DENIED);
            assert_eq!(other.delete(bucket, "b/1").await.unwrap_err().code(), DENIED);
        }
        let copy = served.objects("eu");
        let copy = copy.sdk().copy_object().bucket("things").key("c").copy_source(format!("{bucket}/b/1"));
        assert_eq!(code(copy.send().await), "AccessDenied");
        assert_eq!(&orchestrator.get(bucket, "b/1").await.unwrap()[..], b"sealed");
    }
    let seen = served.objects("eu").sdk().list_buckets().send().await.unwrap();
    assert_eq!(seen.buckets().len(), 2);
}

#[tokio::test]
async fn a_key_without_rules_does_nothing() {
    let served = shared().await;
    let untold = AccessKey { allow: None, ..key("untold", &["eu"]) };
    served.storage.use_keys(vec![untold, orchestrator(&["eu"])]).unwrap();
    for id in ["untold", "orchestrator"] {
        let of = client(served.address, &key(id, &[]), "eu");
        assert_eq!(of.get("things", "a/1").await.unwrap_err().code(), DENIED, "{id}");
        assert_eq!(of.list("things", "").await.unwrap_err().code(), DENIED, "{id}");
        assert_eq!(of.put("things", "a/1", "x".into()).await.unwrap_err().code(), DENIED, "{id}");
        assert_eq!(of.delete("things", "a/1").await.unwrap_err().code(), DENIED, "{id}");
        assert_eq!(of.ensure_bucket("mine").await.unwrap_err().code(), DENIED, "{id}");
        assert!(of.sdk().list_buckets().send().await.unwrap().buckets().is_empty(), "{id}");
    }
}

#[tokio::test]
async fn keys_change_while_storage_runs() {
    let served = Served::new().await;
    served.objects("eu").ensure_bucket("things").await.unwrap();
    let new = client(served.address, &key("new", &[]), "eu");
    assert_eq!(new.list("things", "").await.unwrap_err().code(), Some("SignatureDoesNotMatch"));
    assert!(served.storage.use_keys(vec![key("new", &["mars"])]).is_err());
    assert!(served.objects("eu").list("things", "").await.is_ok(), "bad keys change nothing");
    served.storage.use_keys(vec![key("new", &["eu"])]).unwrap();
    assert!(new.list("things", "").await.is_ok());
    let old = served.objects("eu").list("things", "").await.unwrap_err();
    assert_eq!(old.code(), Some("SignatureDoesNotMatch"), "taken out");
}
