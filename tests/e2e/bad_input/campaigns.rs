//! Campaign folders with a fault of the file: refused before anything is written.

use std::fs;

use maily_tests::{folder, guest::Guest, say};

use crate::stack;

/// `sysexits.h`: the command was used wrongly, and the data is wrong.
const USAGE: i32 = 64;
const DATA: i32 = 65;

/// Runs a folder that has to be refused with this exit code and one sentence with all these words.
fn refused(stack: &Guest, name: &str, code: i32, words: &[&str]) {
    let (folder, out) = (stack.path("bad"), stack.path("bad-out"));
    let outcome = stack.campaign(&folder, &out);
    let sentence = outcome.sentence();
    assert_eq!(outcome.code, Some(code), "{name}: {}", outcome.err);
    let missing: Vec<_> = words.iter().filter(|word| !sentence.contains(*word)).collect();
    assert!(missing.is_empty(), "{name}: no {missing:?} in: {sentence}");
    assert!(sentence.starts_with("maily: ") && !sentence.contains("panicked"), "{name}: {sentence}");
    assert_eq!(outcome.err.trim().lines().count(), 1, "{name}: more than one sentence: {}", outcome.err);
    assert!(sentence.len() < 300, "{name}: {sentence}");
    assert!(outcome.out.is_empty(), "{name}: {}", outcome.out);
    assert!(!out.exists() && !stack.path(".bad-out.partial").exists(), "{name}: something was written");
    say(format_args!("{name}: {sentence}"));
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_fault_in_campaign_yaml_is_refused() {
    let stack = stack();
    for (name, from, to, words) in [
        ("an unknown key", "seed:", "colour: red\nseed:", &["campaign.yaml line 16", "`colour`"][..]),
        ("a missing field", "brand: Fernhill\n", "", &["campaign.yaml", "`brand`"]),
        (
            "a missing nested field",
            "  email: hello@fernhill.example.com\n",
            "",
            &["campaign.yaml", "`email`"],
        ),
        ("a value of another kind", "seed: 20260320", "seed: soon", &["campaign.yaml line 16", "seed"]),
        ("no time", "seed:", "as_of: 2026-03-20\nseed:", &["campaign.yaml line 16", "as_of"]),
        ("no country", "country: GB", "country: Albion", &["campaign.yaml line 14", "sender.country"]),
        ("no https", "https://mail", "http://mail", &["campaign.yaml line 15", "https"]),
        ("a placeholder in the offer", "with the code SPRING20", "{{first_name}}", &["offer", "{{"]),
        ("no YAML", "seed: 20260320", "seed: [20260320", &["campaign.yaml"]),
    ] {
        let folder = stack.path("bad");
        folder::copy(&folder, folder::list(3, 1));
        folder::change(&folder, from, to);
        refused(&stack, name, USAGE, words);
    }
}

#[test]
fn a_send_that_is_planned_too_far_ahead_is_refused_with_the_list() {
    let stack = stack();
    let folder = stack.path("bad");
    folder::copy(&folder, folder::list(3, 1));
    folder::change(&folder, "seed:", "as_of: 2999-03-20T09:00:00Z\nseed:");
    refused(&stack, "a send in a year", DATA, &["as_of", "90 days"]);
}

#[test]
fn a_missing_or_broken_file_of_the_folder_is_refused() {
    let stack = stack();
    for file in ["campaign.yaml", "brand.md", "subscribers.csv"] {
        let folder = stack.path("bad");
        folder::copy(&folder, folder::list(3, 1));
        fs::remove_file(folder.join(file)).unwrap();
        refused(&stack, "a missing file", USAGE, &["cannot read", file]);
    }
    for (name, file, text, words) in [
        ("brand.md not UTF-8", "brand.md", &b"caf\xe9"[..], &["brand.md", "UTF-8"][..]),
        (
            "rails that are unknown",
            "guardrails/config.yml",
            b"rails:\n  inputs:\n    flows: []\n",
            &["config.yml:2", "rails.inputs"],
        ),
        ("rails that are none", "guardrails/config.yml", b"rails: [", &["config.yml"]),
    ] {
        let folder = stack.path("bad");
        folder::copy(&folder, folder::list(3, 1));
        fs::write(folder.join(file), text).unwrap();
        refused(&stack, name, USAGE, words);
    }
}

#[test]
fn a_broken_list_is_refused_as_a_whole() {
    let stack = stack();
    let good = folder::list(3, 1);
    let with = |tail: &[u8]| [good.as_bytes(), tail].concat();
    let row = folder::row(7, "GB", "en-GB", "loyal-customers");
    let huge = row.replace(&folder::name(7), &"x".repeat(10 << 20));
    for (name, list, words) in [
        ("an empty list", Vec::new(), &["is empty"][..]),
        (
            "a wrong header",
            good.replacen("email,", "e-mail,", 1).into_bytes(),
            &["header", "no column email"],
        ),
        // An unknown column is ignored; that no row has it makes each of them one too short.
        (
            "a header with a column more",
            good.replacen(",suppressed", ",suppressed,more", 1).into_bytes(),
            &["no valid row", "3 can't be read"],
        ),
        ("an unclosed quote", with(b"P9,\"a@example.org,Ann,GB\n"), &["line 5", "quote"]),
        ("10 MB in one field", with(huge.as_bytes()), &["line 5"]),
        ("invalid UTF-8", with(b"P9,a@example.org,Ren\xe9e,GB\n"), &["line 5", "UTF-8"]),
        ("invalid UTF-8 at the end", with(b"P9,a@example.org,Ren\xc3"), &["line 5", "UTF-8"]),
        ("a spreadsheet", b"PK\x03\x04\x14\x00\x06\x00\x08\x00\x00\x00!\x00\xff\xfe\x00".to_vec(), &[]),
    ] {
        folder::copy(&stack.path("bad"), list);
        refused(&stack, name, DATA, words);
    }
}
