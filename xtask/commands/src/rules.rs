//! Rules of this repository that no linter knows.

use std::{fs, path::Path, process::Command};

use crate::shell::{Result, output, root};

/// Longest source file; the habit is about 150 lines.
const LONGEST: usize = 500;
/// Longest file of tests beside the code.
const LONGEST_SNAPSHOTS: usize = 700;
/// Largest file of any kind, in bytes; Git keeps each for good.
const LARGEST: u64 = 1 << 20;
/// Longest `main.rs` of a service.
const LONGEST_MAIN: usize = 130;
/// Hosts of package registries are never named: packages are fetched by name, from wherever the user's client
/// is set up to. Written in halves, so that this file keeps the rule.
const HOSTS: [&str; 6] = [
    "registry.npmjs|.org",
    "pypi|.org",
    "files.pythonhosted|.org",
    "static.crates|.io",
    "proxy.golang|.org",
    "deb.debian|.org",
];

pub(crate) fn check() -> Result<()> {
    let root = root();
    let files = output(
        Command::new("git")
            .args(["ls-files", "--cached", "--others", "--exclude-standard"])
            .current_dir(&root),
    )?;
    let mut faults = Vec::new();
    for file in files.lines().filter(|file| root.join(file).is_file()) {
        let bytes = fs::metadata(root.join(file)).map_err(|error| format!("{file}: {error}"))?.len();
        faults.extend(too_large(bytes).map(|fault| format!("{file}: {fault}")));
        let Ok(text) = fs::read_to_string(root.join(file)) else { continue };
        faults.extend(faults_of(file, &text).into_iter().map(|fault| format!("{file}: {fault}")));
    }
    match faults.is_empty() {
        true => Ok(()),
        false => Err(format!("{} faults\n  {}", faults.len(), faults.join("\n  "))),
    }
}

fn too_large(bytes: u64) -> Option<String> {
    (bytes > LARGEST).then(|| format!("{bytes} bytes; the limit is {LARGEST}"))
}

/// What is wrong with a file.
fn faults_of(file: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if !file.ends_with("Cargo.lock") {
        for host in HOSTS.map(|host| host.replace('|', "")).iter().filter(|host| text.contains(*host)) {
            faults.push(format!("names the registry host {host}"));
        }
    }
    if text.lines().any(|line| line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> ")) {
        faults.push("has the marks of a merge".to_owned());
    }
    // What a program wrote follows its habits, and a test says that it is what the program writes.
    let written = file.contains("/src/generated/");
    if Path::new(file).extension().is_some_and(|extension| extension == "rs") && !written {
        faults.extend(source_faults(file, text));
    }
    faults
}

fn source_faults(file: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let lines = text.lines().count();
    let limit = match file {
        _ if file.ends_with("src/main.rs") => LONGEST_MAIN,
        // Snapshots of messages are long and read fast.
        _ if file.ends_with("tests.rs") => LONGEST_SNAPSHOTS,
        _ => LONGEST,
    };
    if lines > limit {
        faults.push(format!("{lines} lines; the limit is {limit}"));
    }
    if !text.trim_start().starts_with("//!") {
        faults.push("does not begin with `//!` saying what it is for".to_owned());
    }
    // With a reason it is a child process that another test starts.
    if text.contains(concat!("#[ign", "ore]")) {
        faults.push("a test is ignored without a reason; it runs or it goes".to_owned());
    }
    if text.contains("unsafe {") && !text.contains("SAFETY:") {
        faults.push("`unsafe` without its SAFETY".to_owned());
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_finds_its_fault() {
        let host = ["pypi", ".org"].concat();
        assert_eq!(faults_of("a.md", &format!("get it from {host}")).len(), 1);
        assert!(faults_of("Cargo.lock", &host).is_empty());
        assert_eq!(faults_of("a.md", "a\n<<<<<<< HEAD\nb\n=======\nc\n>>>>>>> other\n").len(), 1);
        assert_eq!(faults_of("a.rs", "fn main() {}").len(), 1, "no //!");
        assert_eq!(faults_of("src/main.rs", &format!("//! Main.\n{}", "\n".repeat(LONGEST_MAIN))).len(), 1);
        assert_eq!(faults_of("a.rs", &format!("//! A.\n{}\n", concat!("#[ign", "ore]"))).len(), 1);
        assert!(faults_of("a.rs", "//! A.\nfn a() {}\n").is_empty());
        assert_eq!((too_large(LARGEST), too_large(LARGEST + 1).is_some()), (None, true));
        assert!(faults_of("libs/a/src/generated/a.rs", "fn a() {}\n").is_empty());
    }
}
