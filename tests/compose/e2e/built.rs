//! What an image has to be.

use std::{collections::BTreeSet, fs, time::Duration};

use maily_compose_tests::{
    docker,
    images::{Images, OURS},
    root,
};
use maily_tests::{peers::run, say};
use serde_json::Value;

use crate::images;

const LARGEST: u64 = 60_000_000;
/// A start that hangs: how quick one is, is measured on a quiet machine (docker/README.md) and not here.
const SLOWEST: Duration = Duration::from_secs(60);

#[test]
fn an_image_is_small_locked_labelled_and_quick_to_start() {
    let (_lease, images) = images();
    for name in OURS {
        let image = docker::inspect(&[&images.reference(name)]).remove(0);
        assert_eq!(image["Config"]["User"], "65532:65532", "{name}");
        let labels = &image["Config"]["Labels"];
        // Of whatever is checked out when it is built.
        let revision = labels["org.opencontainers.image.revision"].as_str().unwrap();
        let mut git = std::process::Command::new("git");
        assert!(
            run(git.args(["cat-file", "-e", revision]).current_dir(root()), b"").ok(),
            "{name}: {revision}"
        );
        assert_eq!(labels["org.opencontainers.image.licenses"], "Apache-2.0", "{name}");
        let (compressed, start) = (images.compressed(name), images.start(name));
        let megabytes = |bytes: u64| format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10);
        let size = image["Size"].as_u64().unwrap();
        say(format_args!(
            "{name}: {}, compressed {}, a container starts and ends in {:.2} s",
            megabytes(size),
            megabytes(compressed),
            start.as_secs_f32()
        ));
        assert!(compressed < LARGEST, "{name} is too large");
        assert!(start < SLOWEST, "{name} starts too slowly");
    }
}

/// No shell, no package manager, nothing that could be run but the program.
#[test]
fn an_image_holds_no_program_but_its_own() {
    let (_lease, images) = images();
    let container = docker::ask(&["create", &images.reference("guardrails")]);
    let files = run(
        std::process::Command::new("sh")
            .args(["-c", r#""$0" export "$1" | tar -t"#])
            .arg(docker::client())
            .arg(&container),
        b"",
    );
    let _ = docker::ask(&["rm", &container]);
    let programs: Vec<&str> =
        files.out.lines().filter(|file| file.contains("bin/") && !file.ends_with('/')).collect();
    assert_eq!(programs, ["usr/bin/maily"], "{}", files.all());
}

/// Built again from the first layer on, it is the same image.
#[test]
fn an_image_built_twice_is_the_same() {
    // Both now: between the fixture's images and this test the tree may have been edited.
    let build = |name: &str, options: &[&str]| {
        let tag = format!("{name}-{}", std::process::id());
        Images::build(&tag, &[&["guardrails"], options].concat())
    };
    let (once, again) = (build("once", &[]), build("again", &["--no-cache"]));
    assert_eq!(again.id("guardrails"), once.id("guardrails"));
    say(format_args!("guardrails twice: {}", once.id("guardrails")));
}

#[test]
fn an_image_has_a_bill_of_materials() {
    let (_lease, images) = images();
    let text = fs::read_to_string(images.bill("storage")).unwrap();
    let bill: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&bill["bomFormat"], &bill["specVersion"]), (&"CycloneDX".into(), &"1.5".into()));
    let names: BTreeSet<&str> =
        bill["components"].as_array().unwrap().iter().filter_map(|part| part["name"].as_str()).collect();
    for name in ["slatedb", "rustls", "aws-lc-rs", "maily-keys"] {
        assert!(names.contains(name), "{name} is not in the bill");
    }
    assert!(!names.contains("burn") && !names.contains("proptest"), "what the program does not have");
    assert!(
        !text.contains(&*root().to_string_lossy()) && !text.contains("/.cache/"),
        "a path of this machine"
    );
    say(format_args!("storage is made of {} crates", names.len()));
}
