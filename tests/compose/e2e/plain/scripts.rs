//! `scripts/`, for real: on the platform that the campaign ran on.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use maily_compose_tests::{docker, project::holds, root, script};
use maily_tests::{folder, mail, peers::run, report::timeless};
use serde_json::Value;

use super::plain;
use crate::platform::Finished;

const ALL: [&str; 5] = [
    "setup/model-store.sh",
    "maintenance/backup.sh",
    "maintenance/restore.sh",
    "maintenance/rotate.sh",
    "maintenance/diagnose.sh",
];

/// What every message says.
const MESSAGE: &str = "List-Unsubscribe";

#[test]
fn shellcheck_finds_nothing_and_every_script_says_how_it_is_used() {
    let mut shellcheck = Command::new("shellcheck");
    shellcheck.args(["--external-sources", "--source-path=SCRIPTDIR"]).args(ALL);
    shellcheck.args(["lib/common.sh", "lib/s3.sh"]);
    let said = run(shellcheck.current_dir(root().join("scripts")), b"");
    assert!(said.ok(), "{}", said.all());
    for name in ALL {
        let said = run(script(name).arg("--help"), b"");
        assert!(
            said.ok() && said.out.contains(Path::new(name).file_name().unwrap().to_str().unwrap()),
            "{name}: {}",
            said.all()
        );
        let said = run(script(name).arg("--nonsense"), b"");
        assert_eq!(said.code, Some(64), "{name}: {}", said.all());
        assert!(
            fs::read_to_string(root().join("scripts/README.md")).unwrap().contains(name),
            "README.md: {name}"
        );
    }
}

#[test]
fn a_model_store_takes_what_is_whole_once() {
    let room = tempfile::tempdir().unwrap();
    let (store, file) = (room.path().join("store"), room.path().join("tiny.gguf"));
    fs::write(&file, "a checkpoint").unwrap();
    let add = |more: &[&str]| {
        run(script("setup/model-store.sh").arg("--store").arg(&store).arg("--add").arg(&file).args(more), b"")
    };
    let verify = || run(script("setup/model-store.sh").arg("--store").arg(&store).arg("--verify"), b"");
    let wrong = add(&["--sha256", &"0".repeat(64)]);
    assert!(!wrong.ok() && !store.join("tiny.gguf").exists(), "{}", wrong.all());
    for _ in 0..2 {
        assert!(add(&[]).ok() && verify().ok());
    }
    assert_eq!(fs::read_to_string(store.join("SHA256SUMS")).unwrap().lines().count(), 1);
    fs::write(&file, "another").unwrap();
    assert!(!add(&[]).ok(), "another file took its place");
    fs::write(store.join("tiny.gguf"), "spoilt").unwrap();
    assert!(!verify().ok());
}

#[test]
fn a_diagnosis_holds_no_secret_and_no_address() {
    let plain = plain();
    let (archive, folder) = (plain.project.path("diagnosis.tar.gz"), plain.project.path("diagnosis"));
    // A client that is there still, with a message to a person on its standard output.
    let client = format!("{}-client", plain.project.name());
    assert!(plain.project.compose(&["run", "--name", &client, "campaign"]).out.contains(MESSAGE));
    let said = plain.project.script("maintenance/diagnose.sh", &["--to", &archive.to_string_lossy()]);
    let _ = docker::ask(&["rm", &client]);
    assert!(said.ok(), "{}", said.all());
    fs::create_dir(&folder).unwrap();
    assert!(run(Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(&folder), b"").ok());
    let files: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    for (name, what) in [
        ("metrics-storage.txt", "http_server_request_duration_seconds_bucket"),
        ("metrics-orchestrator.txt", "http_server_request_duration_seconds_bucket"),
        ("states.txt", "healthy"),
        ("volumes.txt", "storage-data"),
    ] {
        let text = fs::read_to_string(folder.join(name)).unwrap();
        assert!(text.contains(what), "{name}: {text}");
    }
    assert_eq!(files.iter().filter(|file| file.to_string_lossy().contains("/log-")).count(), 9, "{files:?}");
    let read = |volume: &str, file: &str| plain.project.read(volume, file);
    let secrets = [
        read("client-secrets", "edge.key"),
        read("authority", "secrets/redis.password"),
        read("authority", "secrets/backups.secret"),
        read("storage-secrets", "service.key").lines().nth(1).unwrap().to_owned(),
        "PRIVATE KEY".to_owned(),
        "secret = ".to_owned(),
        MESSAGE.to_owned(),
    ];
    let list = fs::read_to_string(folder::sample().join("subscribers.csv")).unwrap();
    let people =
        list.lines().skip(1).filter_map(|row| row.split(',').nth(1)).filter(|address| address.contains('@'));
    let words: Vec<&str> = secrets.iter().map(String::as_str).chain(people).collect();
    assert!(words.len() > 150);
    for file in files {
        assert_eq!(holds(&file, &words), None, "{}", file.display());
    }
}

/// Backed up to a folder and to the store, destroyed, and restored from the store.
#[test]
fn what_was_backed_up_comes_back() {
    let plain = plain();
    let project = &plain.project;
    let path = |name: &str| project.path(name).to_string_lossy().into_owned();
    let keys_of_store = path("s3.keys");
    fs::write(&keys_of_store, project.read("s3-secrets", "keys")).unwrap();
    let bucket = format!("http://{}/backups", project.address("S3"));
    make_bucket(&keys_of_store, &bucket);
    let store = format!("{bucket}/monday");
    let before = known(&plain, "before");
    assert!(before.0 == fs::read(plain.out.join("report.json")).unwrap(), "the campaign ran again");
    let (to, keys) = (path("backup"), path("keys"));
    let arguments = ["--to", &to, "--keys", &keys, "--s3", &store, "--s3-keys", &keys_of_store];
    let said = project.script("maintenance/backup.sh", &arguments);
    assert!(said.ok(), "{}", said.all());
    project.wait();
    let said = project.script("maintenance/backup.sh", &arguments);
    assert!(!said.ok() && said.err.contains("there already"), "{}", said.all());
    separate(&project.path("backup"), &project.path("keys"));

    // A restore into what holds something, or beside what runs, is refused.
    let said = project.script("maintenance/restore.sh", &["--from", &to, "--keys", &keys]);
    assert!(!said.ok() && said.err.contains("runs"), "{}", said.all());
    // Everything is lost, but for the store, which is elsewhere in earnest.
    project.compose(&["rm", "--stop", "--force", "-v"]);
    for volume in
        ["authority", "storage-data", "compliance-data", "restate-data", "storage-secrets", "client-secrets"]
    {
        let _ = docker::ask(&["volume", "rm", &format!("{}_{volume}", project.name())]);
    }
    project.compose(&["up", "-d", "--no-build", "bootstrap", "s3"]);
    project.wait();
    let fetched = path("fetched");
    fs::write(&keys_of_store, project.read("s3-secrets", "keys")).unwrap();
    let get = ["--s3", &store, "--s3-keys", &keys_of_store];
    let said = project
        .script("maintenance/restore.sh", &[&["--from", &fetched, "--keys", &keys][..], &get].concat());
    assert!(!said.ok() && said.err.contains("runs"), "{}", said.all());
    project.compose(&["stop"]);
    let said = project.script("maintenance/restore.sh", &["--from", &fetched, "--keys", &keys]);
    assert!(said.ok(), "{}", said.all());
    project.up();
    assert!(known(&plain, "after") == before, "what was restored is not what was backed up");
}

/// Report, with the timings of the one real run, and mail of the campaign that is done already: from what is kept.
fn known(plain: &Finished, out: &str) -> (Vec<u8>, BTreeMap<String, Vec<mail::Message>>) {
    let out = plain.project.path(out);
    plain.project.campaign(&out);
    (fs::read(out.join("report.json")).unwrap(), mail::read(&out))
}

/// The data holds no key, and neither is for others to read.
fn separate(data: &Path, keys: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    for (dir, name) in [(data, "storage.tar"), (data, "compliance.tar"), (keys, "keys.tar")] {
        let file = dir.join(name);
        let list = run(Command::new("tar").arg("-tf").arg(&file), b"");
        assert_eq!(list.out.contains("keyring.json"), name == "keys.tar", "{name}");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o077, 0, "{name}");
    }
}

fn make_bucket(keys: &str, bucket: &str) {
    let put = "set -euo pipefail; source scripts/lib/common.sh; source scripts/lib/s3.sh; s3_make_bucket \"$2\" \"$1\"";
    let said = run(Command::new("bash").args(["-c", put, "bash", keys, bucket]).current_dir(root()), b"");
    assert!(said.ok(), "{}", said.all());
}

#[test]
fn with_new_certificates_and_new_keys_the_campaign_is_still_there() {
    let plain = plain();
    let project = &plain.project;
    let certificate = || project.read("storage-secrets", "service.pem");
    let key = || project.read("client-secrets", "edge.key");
    let status = |key: &str| project.https("ORCHESTRATOR", key).get("/v1/campaigns/nothing").unwrap().status;
    let (old_certificate, old_key) = (certificate(), key());
    let rotate = |what: &str| {
        let said = project.script("maintenance/rotate.sh", &[what]);
        assert!(said.ok(), "{}", said.all());
        project.wait();
    };
    rotate("certificates");
    assert_ne!(certificate(), old_certificate);
    assert_eq!((key() == old_key, status(&old_key)), (true, 404));
    rotate("keys");
    assert_eq!((status(&old_key), status(&key())), (401, 404));
    // Services trust each other again, Restate's signature included: the same campaign, answered from what is kept.
    let again = project.path("again");
    project.campaign(&again);
    let read = |out: &Path| serde_json::from_slice(&fs::read(out.join("report.json")).unwrap()).unwrap();
    let (first, second): (Value, Value) = (read(&plain.out), read(&again));
    assert_eq!(timeless(&second), timeless(&first));
    assert!(mail::read(&again) == mail::read(&plain.out));
}
