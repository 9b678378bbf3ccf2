//! What the cluster changes on the machine: kernel settings, a bridge, packet filter rules, mounts. All of it is put back.

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use super::layout::{API, BRIDGE, Layout};
use crate::{
    packages,
    shell::{Result, run, say},
};

/// Settings that the cluster's parts change: the CNI plugins, kube-proxy, the kubelet.
const SETTINGS: [&str; 9] = [
    "net/ipv4/ip_forward",
    "net/ipv6/conf/all/forwarding",
    "net/ipv4/conf/all/route_localnet",
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
];
/// Debian packages, and a file of each.
const PACKAGES: [(&str, &str); 6] = [
    ("containerd", "/usr/bin/containerd"),
    ("runc", "/usr/sbin/runc"),
    ("containernetworking-plugins", "/usr/lib/cni/ptp"),
    ("iptables", "/usr/sbin/iptables"),
    ("conntrack", "/usr/sbin/conntrack"),
    ("iproute2", "/usr/sbin/ip"),
];
/// Chains of kube-proxy, the kubelet and the CNI plugins begin so.
const CHAINS: [&str; 2] = ["KUBE-", "CNI-"];
/// The file of the settings as they were before the first cluster.
const BEFORE: &str = "settings.json";

/// Installs what is missing.
pub(super) fn packages() -> Result<()> {
    let missing: Vec<&str> =
        PACKAGES.iter().filter(|(_, file)| !Path::new(file).exists()).map(|(name, _)| *name).collect();
    packages::install(&missing)
}

/// Notes how things are, then makes the bridge.
pub(super) fn prepare(layout: &Layout) -> Result<()> {
    let state = layout.state();
    fs::create_dir_all(&state).map_err(|error| format!("{}: {error}", state.display()))?;
    let before = layout.file(BEFORE);
    if !before.exists() {
        let settings: BTreeMap<_, _> =
            SETTINGS.iter().filter_map(|name| Some((*name, read(name)?))).collect();
        let text = serde_json::to_vec(&settings).unwrap_or_default();
        fs::write(&before, text).map_err(|error| format!("{}: {error}", before.display()))?;
    }
    write("net/ipv4/ip_forward", "1");
    if !Path::new("/sys/class/net").join(BRIDGE).exists() {
        ip(&["link", "add", BRIDGE, "type", "bridge"])?;
        ip(&["address", "add", &format!("{API}/32"), "dev", BRIDGE])?;
    }
    ip(&["link", "set", BRIDGE, "up"])
}

/// Puts everything back and forgets the state.
pub(super) fn restore(layout: &Layout) -> Result<()> {
    say("Putting the machine back as it was");
    unmount(&layout.state())?;
    for program in ["iptables", "ip6tables"] {
        clear_rules(program)?;
    }
    remove_namespaces();
    if Path::new("/sys/class/net").join(BRIDGE).exists() {
        ip(&["link", "delete", BRIDGE])?;
    }
    remove_groups();
    let before: BTreeMap<String, String> = fs::read(layout.file(BEFORE))
        .ok()
        .and_then(|text| serde_json::from_slice(&text).ok())
        .unwrap_or_default();
    for (name, value) in before {
        write(&name, &value);
    }
    // The kubelet and the CNI library keep these outside of their own folders; other things stay.
    for folder in ["/var/log/containers", "/var/lib/cni/results", "/var/lib/cni/cache", "/var/lib/cni"] {
        remove_ours(Path::new(folder));
    }
    fs::remove_dir_all(layout.state()).map_err(|error| format!("{}: {error}", layout.state().display()))
}

fn read(name: &str) -> Option<String> {
    fs::read_to_string(Path::new("/proc/sys").join(name)).ok().map(|text| text.trim().to_owned())
}

fn write(name: &str, value: &str) {
    if read(name).is_some_and(|now| now != value)
        && let Err(error) = fs::write(Path::new("/proc/sys").join(name), value)
    {
        say(&format!("{name} can't be set to {value}: {error}"));
    }
}

fn ip(arguments: &[&str]) -> Result<()> {
    run(Command::new("ip").args(arguments))
}

/// Everything mounted below the state: volumes, secrets, containers' root file systems. The innermost first.
fn unmount(state: &Path) -> Result<()> {
    let mounts =
        fs::read_to_string("/proc/self/mounts").map_err(|error| format!("/proc/self/mounts: {error}"))?;
    let below = mounts
        .lines()
        .filter_map(|line| line.split(' ').nth(1))
        .filter(|path| Path::new(path).starts_with(state));
    for path in below.collect::<Vec<_>>().into_iter().rev() {
        run(Command::new("umount").arg("--lazy").arg(path))?;
    }
    Ok(())
}

/// Takes our rules and chains out and leaves everybody else's as they are now.
fn clear_rules(program: &str) -> Result<()> {
    let saved = Command::new(format!("{program}-save")).stderr(Stdio::null()).output();
    let Ok(saved) = saved.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()) else {
        return Ok(());
    };
    if !CHAINS.iter().any(|chain| saved.contains(chain)) {
        return Ok(());
    }
    let kept = saved.lines().filter(|line| !CHAINS.iter().any(|chain| line.contains(chain)));
    let mut text = kept.collect::<Vec<_>>().join("\n");
    text.push('\n');
    let mut command = Command::new(format!("{program}-restore"));
    let mut child =
        command.stdin(Stdio::piped()).spawn().map_err(|error| format!("{program}-restore: {error}"))?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(text.as_bytes()).map_err(|error| format!("{program}-restore: {error}"))?;
    }
    match child.wait().map_err(|error| format!("{program}-restore: {error}"))?.success() {
        true => Ok(()),
        false => {
            Err(format!("{program}-restore refused the rules without ours; `{program}-save` shows them"))
        }
    }
}

/// Network namespaces of pods that were not ended in order.
fn remove_namespaces() {
    for entry in fs::read_dir("/run/netns").into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("cni-") {
            let _ = ip(&["netns", "delete", &name]);
        }
    }
}

/// The kubelet's control groups, in each hierarchy; the kernel refuses to remove one that is in use.
fn remove_groups() {
    let hierarchies =
        fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten().map(|entry| entry.path());
    for root in hierarchies.chain(["/sys/fs/cgroup".into()]) {
        remove_group(&root.join("kubepods"));
    }
}

fn remove_group(group: &Path) {
    for entry in fs::read_dir(group).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_group(&entry.path());
        }
    }
    let _ = fs::remove_dir(group);
}

/// Removes the entries of a folder that are ours (logs of pods that are gone, results of our network), and the folder
/// if it is then empty.
fn remove_ours(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let ours = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("maily-"));
        if ours || (path.is_symlink() && !path.exists()) {
            let _ = fs::remove_file(path);
        }
    }
    let _ = fs::remove_dir(folder);
}
