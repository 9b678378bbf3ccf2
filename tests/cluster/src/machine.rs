//! What a cluster changes on the machine that it runs on.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

/// Kernel settings that Kubernetes and its network set.
const SETTINGS: [&str; 5] = [
    "net/ipv4/ip_forward",
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
];

/// Kernel settings, and what there is of a cluster's packet filters, bridges and mounts.
///
/// # Panics
/// The machine has no `/proc` or no `/sys`.
#[must_use]
pub fn look() -> BTreeMap<String, String> {
    let setting = |name: &str| fs::read_to_string(format!("/proc/sys/{name}")).unwrap_or_default();
    let mut seen: BTreeMap<_, _> = SETTINGS.iter().map(|name| ((*name).to_owned(), setting(name))).collect();
    let rules = Command::new("iptables-save").output();
    let rules = rules.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    seen.insert("rules".to_owned(), ours(&rules, &["KUBE-", "CNI-", "10.244.", "10.96."]));
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
    seen.insert("mounts".to_owned(), ours(&mounts, &["cluster/state"]));
    let links = fs::read_dir("/sys/class/net").unwrap().flatten();
    let links = links.filter(|entry| !is_dockers(&entry.path())).map(|entry| entry.file_name());
    let links: Vec<_> = links.filter_map(|name| name.into_string().ok()).collect();
    seen.insert("links".to_owned(), ours(&links.join("\n"), &["maily", "cni", "veth"]));
    seen
}

/// The lines with any of these words.
fn ours(text: &str, words: &[&str]) -> String {
    let lines = text.lines().filter(|line| words.iter().any(|word| line.contains(word)));
    lines.collect::<Vec<_>>().join("\n")
}

/// Containers of others come and go meanwhile; their links hang on a bridge of Docker's.
fn is_dockers(link: &Path) -> bool {
    let bridge = fs::read_link(link.join("master")).unwrap_or_default();
    let name = bridge.file_name().unwrap_or_default().to_string_lossy().into_owned();
    name.starts_with("br-") || name.starts_with("docker")
}
