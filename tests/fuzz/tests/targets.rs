//! Each target, for some two seconds: so many inputs, always the same.

#![allow(clippy::panic, reason = "a test fails by panicking, its helper too")]

use std::process::Command;

/// Runs a target as `cargo xtask fuzz` does, but so many inputs instead of so many minutes.
fn holds(target: &str) {
    // What is found stays, for whoever reads the failure.
    let out = maily_testkit::workspace().join("target/fuzz/brief");
    let mut command = Command::new(maily_testkit::program("maily-fuzz"));
    let ended = command.args([target, "--brief", "--seed", "1", "--minimise", "20"]).arg("--out").arg(out);
    let ended = ended.output().unwrap_or_else(|error| panic!("{error}"));
    let said = String::from_utf8_lossy(&ended.stdout).into_owned() + &String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{said}");
    print!("{said}");
}

#[test]
fn rows_hold() {
    holds("row");
}

#[test]
fn addresses_hold() {
    holds("address");
}

#[test]
fn lists_hold() {
    holds("list");
}

#[test]
fn unsubscribe_links_hold() {
    holds("unsubscribe");
}

#[test]
fn s3_requests_hold() {
    holds("s3");
}

#[test]
fn campaigns_hold() {
    holds("campaign");
}

#[test]
fn messages_hold() {
    holds("mime");
}

#[test]
fn prompts_hold() {
    holds("prompt");
}

#[test]
fn chat_templates_hold() {
    holds("chat");
}

#[test]
fn guardrails_folders_hold() {
    holds("guardrails");
}

#[test]
fn rails_hold() {
    holds("rails");
}

#[test]
fn gguf_headers_hold() {
    holds("gguf");
}

#[test]
fn safetensors_headers_hold() {
    holds("safetensors");
}

#[test]
fn tokenizers_hold() {
    holds("tokenizer");
}

#[test]
fn model_configs_hold() {
    holds("config");
}

#[test]
fn special_tokens_hold() {
    holds("special");
}

#[test]
fn shard_indexes_hold() {
    holds("index");
}

#[test]
fn every_target_is_fuzzed_here() {
    let here = include_str!("targets.rs");
    let forgotten = |kind: &&maily_fuzz::targets::Kind| !here.contains(&format!("holds(\"{}\")", kind.name));
    let forgotten: Vec<_> = maily_fuzz::targets::all().filter(forgotten).map(|kind| kind.name).collect();
    assert!(forgotten.is_empty(), "{forgotten:?}");
    assert!(!here.contains(concat!("#[", "ignore")), "what is ignored is not fuzzed");
}
