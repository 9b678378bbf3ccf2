//! SIGKILL at any moment: what was acknowledged is there, whole; what was not is there whole or not at all; and nothing
//! is left on the disk that nobody names.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use maily_objects::Objects;
use rand::{RngExt, SeedableRng};

use crate::child::Process;
use crate::support::{client, files, key, moving, noise};

const KILLS: u64 = 8;
const KEYS: u64 = 6;

/// What may be there under one key.
#[derive(Default)]
struct Writes {
    /// The seed of the last write that was acknowledged, or that was found after a kill.
    acknowledged: Option<u64>,
    /// The seed of the write that got no answer.
    unanswered: Option<u64>,
}

type Possible = Arc<Mutex<HashMap<u64, Writes>>>;

/// The bytes of the write with this seed; some are long enough to be written in parts.
fn bytes(seed: u64) -> Vec<u8> {
    noise(seed, if seed.is_multiple_of(3) { 7 << 20 } else { 200_000 })
}

async fn in_parts(objects: &Objects, name: &str, seed: u64) -> bool {
    let call = async || -> Result<(), aws_sdk_s3::Error> {
        let sdk = objects.sdk();
        let made = sdk.create_multipart_upload().bucket("things").key(name).send().await?;
        let id = made.upload_id().unwrap_or_default();
        let mut parts = CompletedMultipartUpload::builder();
        for (number, part) in (1..).zip(bytes(seed).chunks(5 << 20)) {
            let put = sdk.upload_part().bucket("things").key(name).upload_id(id).part_number(number);
            let put = put.body(ByteStream::from(part.to_vec())).send().await?;
            parts = parts.parts(CompletedPart::builder().part_number(number).set_e_tag(put.e_tag).build());
        }
        let done = sdk.complete_multipart_upload().bucket("things").key(name).upload_id(id);
        done.multipart_upload(parts.build()).send().await?;
        Ok(())
    };
    call().await.is_ok()
}

/// Writes one key again and again until the service is gone.
async fn write(objects: Objects, slot: u64, first: u64, possible: Possible) {
    for seed in first.. {
        possible.lock().unwrap().entry(slot).or_default().unanswered = Some(seed);
        let name = format!("key {slot}");
        let written = match seed % 2 {
            0 => in_parts(&objects, &name, seed).await,
            _ => objects.put("things", &name, bytes(seed).into()).await.is_ok(),
        };
        if !written {
            return;
        }
        possible.lock().unwrap().insert(slot, Writes { acknowledged: Some(seed), unanswered: None });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_means_there() {
    let dir = tempfile::tempdir().unwrap();
    let mut random = rand::rngs::StdRng::seed_from_u64(11);
    let possible = Possible::default();
    let mut process = Process::start(dir.path());
    let connect =
        |process: &Process| client(process.address, &key("both", &[]), "eu").with_deadline(Duration::ZERO);
    connect(&process).ensure_bucket("things").await.unwrap();
    for round in 0..KILLS {
        let objects = connect(&process);
        let writers: Vec<_> = (0..KEYS)
            .map(|slot| {
                let first = round * 1_000_000 + slot * 100_000 + 1;
                tokio::spawn(write(objects.clone(), slot, first, Arc::clone(&possible)))
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(random.random_range(5..400))).await;
        process.kill();
        for writer in writers {
            writer.await.unwrap();
        }
        process = Process::start(dir.path());
        let objects = connect(&process);
        let after = std::mem::take(&mut *possible.lock().unwrap());
        for (slot, writes) in after {
            let found = check(&objects, slot, &writes).await;
            possible.lock().unwrap().insert(slot, Writes { acknowledged: found, unanswered: None });
        }
    }
    clean_up(&process, dir.path()).await;
}

/// Which of the possible writes is there, whole.
async fn check(objects: &Objects, slot: u64, writes: &Writes) -> Option<u64> {
    match objects.get("things", &format!("key {slot}")).await {
        Ok(there) => {
            let possible = writes.acknowledged.into_iter().chain(writes.unanswered);
            let found = possible.into_iter().find(|seed| bytes(*seed) == there);
            assert!(found.is_some(), "key {slot} holds {} bytes that nobody wrote last", there.len());
            found
        }
        Err(error) => {
            assert!(writes.acknowledged.is_none(), "key {slot} was acknowledged: {error}");
            None
        }
    }
}

/// When all objects and uploads are deleted, no blob may be left.
async fn clean_up(process: &Process, dir: &std::path::Path) {
    let objects = client(process.address, &key("both", &[]), "eu");
    for entry in objects.list("things", "").await.unwrap() {
        objects.delete("things", &entry.key).await.unwrap();
    }
    let uploads = objects.sdk().list_multipart_uploads().bucket("things").send().await.unwrap();
    for upload in uploads.uploads() {
        let abort = objects.sdk().abort_multipart_upload().bucket("things").key(upload.key().unwrap());
        abort.upload_id(upload.upload_id().unwrap()).send().await.unwrap();
    }
    objects.sdk().delete_bucket().bucket("things").send().await.unwrap();
    let sweeping = async {
        while !files(dir, "/blobs/").is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let swept = tokio::time::timeout(Duration::from_secs(20), sweeping).await;
    assert!(swept.is_ok(), "left: {:?}", files(dir, "/blobs/"));
}

/// A client holds on while the service is killed and comes back, and knows its own object again where a kill swallowed
/// the answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_holds_on_and_knows_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let mut process = Process::start(dir.path());
    let address = Arc::new(Mutex::new(process.address));
    let objects = Objects::over(moving(Arc::clone(&address)), &key("both", &[]), "eu");
    objects.ensure_bucket("things").await.unwrap();
    let done = Arc::new(Mutex::new(0));
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let (objects, done) = (objects.clone(), Arc::clone(&done));
            tokio::spawn(async move {
                for number in 0..60 {
                    let name = format!("{writer} {number}");
                    let body = noise(number, 300_000);
                    assert!(
                        objects.put_if_absent("things", &name, body.clone().into()).await.unwrap(),
                        "{name}"
                    );
                    assert!(objects.get("things", &name).await.unwrap() == body);
                    *done.lock().unwrap() += 1;
                }
            })
        })
        .collect();
    for kills in 1..=4 {
        while *done.lock().unwrap() < kills * 45 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        process.kill();
        process = Process::start(dir.path());
        *address.lock().unwrap() = process.address;
    }
    for writer in writers {
        writer.await.unwrap();
    }
    assert!(!objects.put_if_absent("things", "0 0", "another's".into()).await.unwrap());
}
