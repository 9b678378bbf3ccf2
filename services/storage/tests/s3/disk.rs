//! What lies on the disk: ciphertext, all of it needed, none of it forgotten.

use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use maily_objects::Error;
use tokio::time::timeout;

use crate::support::{Served, files, noise, open, serve};

/// Waits until the sweeper has left `count` blobs.
pub(crate) async fn until_blobs(served: &Served, count: usize) {
    let sweeping = async {
        // The sweeper tells nobody when it is done, so this looks now and then.
        while served.files("/blobs/").len() != count {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(20), sweeping).await.expect("the sweeper should have come round");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_but_names_lies_there_in_the_clear() {
    let served = Served::new().await;
    let objects = served.objects("eu");
    objects.ensure_bucket("things").await.unwrap();
    let telling = b"a telling sentence that no file may hold; ".repeat(100_000);
    let put = objects.sdk().put_object().bucket("things").key("a").metadata("note", "a telling sentence");
    put.body(telling.clone().into()).send().await.unwrap();
    served.storage.close().await.unwrap();
    let all = files(served.dir.path(), "");
    assert!(all.len() > 5);
    for path in all {
        let bytes = std::fs::read(&path).unwrap();
        assert!(!bytes.windows(18).any(|window| window == b"a telling sentence"), "{}", path.display());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_is_noticed_before_it_is_served() {
    let served = Served::new().await;
    let objects = served.objects("eu").with_deadline(Duration::ZERO);
    objects.ensure_bucket("things").await.unwrap();
    for length in [100, 16_384 * 3, 5 << 20] {
        let bytes = Bytes::from(noise(1, length));
        objects.put("things", "a", bytes.clone()).await.unwrap();
        until_blobs(&served, 1).await;
        let path = &served.files("/blobs/")[0];
        let whole = std::fs::read(path).unwrap();
        let mut flipped = whole.clone();
        flipped[60] ^= 1;
        let mut flipped_late = whole.clone();
        flipped_late[whole.len() - 1] ^= 1;
        let at_a_border = 56 + (whole.len() - 56) / 16_400 * 16_400;
        for damaged in
            [&flipped[..], &flipped_late[..], &whole[..whole.len() - 1], &whole[..at_a_border], &[]]
        {
            std::fs::write(path, damaged).unwrap();
            // Also where the beginning was sent: who is away says nothing of the kind.
            let error = objects.get("things", "a").await.unwrap_err();
            let told = matches!(error, Error::Damaged | Error::Broke);
            assert!(told, "{length} bytes, {} left: {error}", damaged.len());
        }
        std::fs::remove_file(path).unwrap();
        assert!(objects.get("things", "a").await.is_err());
        std::fs::write(path, &whole).unwrap();
        assert!(objects.get("things", "a").await.unwrap() == bytes);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_replaced_is_deleted_but_not_under_a_reader() {
    let served = Served::new().await;
    let objects = served.objects("eu");
    objects.ensure_bucket("things").await.unwrap();
    let bytes = noise(1, 24 << 20);
    objects.put("things", "a", bytes.clone().into()).await.unwrap();
    let mut reading = Box::pin(objects.get_stream("things", "a").await.unwrap());
    let mut read = reading.next().await.unwrap().unwrap().to_vec();
    objects.put("things", "a", "replaced".into()).await.unwrap();
    while let Some(piece) = reading.next().await {
        read.extend_from_slice(&piece.unwrap());
    }
    assert!(read == bytes);
    until_blobs(&served, 1).await;
    assert_eq!(objects.get("things", "a").await.unwrap(), "replaced");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_copy_can_be_read_by_nobody_after_the_epoch_turned() {
    let served = Served::new().await;
    let objects = served.objects("eu");
    objects.ensure_bucket("things").await.unwrap();
    let bytes = Bytes::from(noise(1, 100_000));
    objects.put("things", "kept", bytes.clone()).await.unwrap();
    objects.put("things", "gone", "forget me".into()).await.unwrap();
    let copy = tempfile::tempdir().unwrap();
    for path in files(served.dir.path(), "") {
        let target = copy.path().join(path.strip_prefix(served.dir.path()).unwrap());
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::copy(path, target).unwrap();
    }
    objects.delete("things", "gone").await.unwrap();
    assert_eq!(served.storage.turn().await.unwrap(), 1);
    assert!(objects.get("things", "kept").await.unwrap() == bytes);

    // The copy's files with today's keyring: the epoch key that they need is no more.
    std::fs::copy(served.dir.path().join("keyring.json"), copy.path().join("keyring.json")).unwrap();
    let roots =
        std::sync::Arc::new(maily_keys::LocalKeyring::open(copy.path().join("keyring.json")).unwrap());
    let folders = maily_storage::folders(&copy.path().join("objects")).unwrap();
    let opened = maily_storage::Storage::open(folders, "acme", roots, Vec::new(), 1).await;
    assert!(matches!(opened, Err(maily_storage::Error::Keys(maily_keys::Error::RootVersionGone { .. }))));

    // While what is there now opens again.
    served.storage.close().await.unwrap();
    let storage = open(served.dir.path()).await;
    let address = serve(&storage).await;
    let objects = crate::support::client(address, &crate::support::key("both", &[]), "eu");
    assert!(objects.get("things", "kept").await.unwrap() == bytes);
}
