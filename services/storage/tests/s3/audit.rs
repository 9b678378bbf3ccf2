//! The audit record: whatever changes something has a line with the name of its key, also where the key may not do that.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart, Delete, ObjectIdentifier};
use maily_contracts::log::Log;
use maily_keys::AccessAction::{List, Read};
use maily_objects::Objects;
use serde_json::Value;

use crate::support::{Served, client, code, key, told};

/// What is logged on this thread, on which client and service run.
#[derive(Default)]
struct Record(Log);

impl Record {
    fn keep(&self) -> tracing::subscriber::DefaultGuard {
        let lines = tracing_subscriber::fmt().json().flatten_event(true).with_writer(self.0.writer());
        tracing::subscriber::set_default(lines.finish())
    }

    /// The lines of the record since the last call: action, owner, subject, outcome.
    fn record(&self) -> Vec<String> {
        let text = self.0.take();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let said = |line: Value| {
            ["action", "owner", "subject", "outcome"]
                .map(|field| line[field].as_str().unwrap().to_owned())
                .join(" ")
        };
        lines.filter(|line| line["target"] == "audit").map(said).collect()
    }
}

async fn delete_many(objects: &Objects, name: &str) {
    let object = ObjectIdentifier::builder().key(name).build().unwrap();
    let list = Delete::builder().objects(object).build().unwrap();
    objects.sdk().delete_objects().bucket("things").delete(list).send().await.unwrap();
}

async fn upload_in_parts(objects: &Objects, name: &str) {
    let sdk = objects.sdk();
    let made = sdk.create_multipart_upload().bucket("things").key(name).send().await.unwrap();
    let id = made.upload_id().unwrap();
    let part = sdk.upload_part().bucket("things").key(name).upload_id(id).part_number(1);
    let done = part.body(ByteStream::from_static(b"part")).send().await.unwrap();
    let part = CompletedPart::builder().part_number(1).set_e_tag(done.e_tag).build();
    let parts = CompletedMultipartUpload::builder().parts(part).build();
    let complete = sdk.complete_multipart_upload().bucket("things").key(name).upload_id(id);
    complete.multipart_upload(parts).send().await.unwrap();
}

#[tokio::test]
async fn every_change_has_a_line_with_its_owner() {
    let log = Record::default();
    let _kept = log.keep();
    let served = Served::new().await;
    let reader = told("reader", &[("things", "", &[Read, List])]);
    served.storage.use_keys(vec![key("both", &["eu"]), reader]).unwrap();
    let both = served.objects("eu");
    log.record();

    both.ensure_bucket("things").await.unwrap();
    both.put("things", "a", "hello".into()).await.unwrap();
    both.sdk().copy_object().bucket("things").key("b").copy_source("things/a").send().await.unwrap();
    upload_in_parts(&both, "c").await;
    both.delete("things", "b").await.unwrap();
    delete_many(&both, "c").await;
    let new = both.sdk().put_object().bucket("things").key("a").if_none_match("*");
    assert_eq!(code(new.body(ByteStream::from_static(b"x")).send().await), "PreconditionFailed");
    assert_eq!(
        log.record(),
        [
            "create_bucket both things done",
            "put_object both things/a done",
            "copy_object both things/b done",
            "create_multipart_upload both things/c done",
            "upload_part both things/c done",
            "complete_multipart_upload both things/c done",
            "delete_object both things/b done",
            "delete_objects both things/c done",
            "delete_objects both things (1) done",
            "put_object both things/a PreconditionFailed",
        ]
    );

    // The other key may read, which leaves no line, and is denied everything else, which does.
    let reader = client(served.address, &key("reader", &[]), "eu");
    assert_eq!(reader.get("things", "a").await.unwrap(), "hello");
    assert!(reader.put("things", "a", "x".into()).await.is_err());
    let copy = reader.sdk().copy_object().bucket("things").key("b").copy_source("things/a");
    assert_eq!(code(copy.send().await), "AccessDenied");
    assert!(reader.delete("things", "a").await.is_err());
    delete_many(&reader, "a").await;
    assert!(reader.ensure_bucket("mine").await.is_err());
    assert_eq!(
        log.record(),
        [
            "put_object reader things/a AccessDenied",
            "copy_object reader things/b AccessDenied",
            "delete_object reader things/a AccessDenied",
            "delete_objects reader things/a AccessDenied",
            "delete_objects reader things (1) done",
            "create_bucket reader mine AccessDenied",
        ]
    );

    // Who proves no key has no name, and no line.
    let mut forged = key("both", &[]);
    forged.secret = "not the secret of that key".to_owned().into();
    assert!(client(served.address, &forged, "eu").put("things", "a", "x".into()).await.is_err());
    assert_eq!(log.record(), [""; 0]);
    assert_eq!(both.get("things", "a").await.unwrap(), "hello");
}

#[tokio::test]
async fn what_is_refused_as_a_whole_has_a_line_too() {
    let log = Record::default();
    let _kept = log.keep();
    let served = Served::new().await;
    let blind = told("blind", &[("elsewhere", "", &[Read])]);
    served.storage.use_keys(vec![key("both", &["eu"]), blind]).unwrap();
    let both = served.objects("eu");
    both.ensure_bucket("things").await.unwrap();
    both.put("things", "a", "stays".into()).await.unwrap();
    let made = both.sdk().create_multipart_upload().bucket("things").key("a").send().await.unwrap();
    let id = made.upload_id().unwrap();
    log.record();

    let sdk = client(served.address, &key("blind", &[]), "eu").sdk().clone();
    let object = ObjectIdentifier::builder().key("a").build().unwrap();
    let list = Delete::builder().objects(object).build().unwrap();
    assert_eq!(code(sdk.delete_objects().bucket("things").delete(list.clone()).send().await), "AccessDenied");
    assert_eq!(code(sdk.create_multipart_upload().bucket("things").key("a").send().await), "AccessDenied");
    let part = sdk.upload_part().bucket("things").key("a").upload_id(id).part_number(1);
    assert_eq!(code(part.body(ByteStream::from_static(b"part")).send().await), "AccessDenied");
    let copy = sdk.upload_part_copy().bucket("things").key("a").upload_id(id).part_number(1);
    assert_eq!(code(copy.copy_source("things/a").send().await), "AccessDenied");
    let abort = sdk.abort_multipart_upload().bucket("things").key("a").upload_id(id);
    assert_eq!(code(abort.send().await), "AccessDenied");
    assert_eq!(
        log.record(),
        [
            "delete_objects blind things (1) AccessDenied",
            "create_multipart_upload blind things/a AccessDenied",
            "upload_part blind things/a AccessDenied",
            "upload_part_copy blind things/a AccessDenied",
            "abort_multipart_upload blind things/a AccessDenied",
        ]
    );

    // By its head alone, which the key has signed.
    let (sdk, account) = (both.sdk(), "123456789012");
    let delete = sdk.delete_object().bucket("things").key("a").expected_bucket_owner(account);
    assert_eq!(code(delete.send().await), "AccessDenied");
    let many = sdk.delete_objects().bucket("things").delete(list).expected_bucket_owner(account);
    assert_eq!(code(many.send().await), "AccessDenied");
    let get = sdk.get_object().bucket("things").key("a").expected_bucket_owner(account);
    assert_eq!(code(get.send().await), "AccessDenied");
    sdk.abort_multipart_upload().bucket("things").key("a").upload_id(id).send().await.unwrap();
    assert_eq!(
        log.record(),
        [
            "delete_object both things/a AccessDenied",
            "delete_objects both things AccessDenied",
            "abort_multipart_upload both things/a done",
        ]
    );
}
