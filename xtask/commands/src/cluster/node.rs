//! The node: containerd, the kubelet, kube-proxy.
//!
//! Its own containerd, beside Docker's. Without CAP_SYS_RESOURCE, as in many virtual machines, a negative
//! `oom_score_adj` can't be set; the settings about it below avoid that.

use std::{
    fs,
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};

use super::{
    layout::{API, DNS, Layout, NODE, PODS},
    pods, processes,
};
use crate::{
    kubectl::Kubectl,
    shell::{Result, say},
};

const READY: Duration = Duration::from_secs(60);
/// Containers of a node are gone after this.
const GONE: Duration = Duration::from_secs(30);

pub(super) fn start(layout: &Layout) -> Result<()> {
    write(layout, "cni/10-maily.conflist", &network(layout).to_string())?;
    write(layout, "containerd/config.toml", &containerd(layout))?;
    write(layout, "kubelet.json", &kubelet(layout).to_string())?;
    write(layout, "proxy.json", &proxy(layout).to_string())?;
    let config = format!("--config={}", layout.text("containerd/config.toml"));
    let process = processes::start(layout, "containerd", "/usr/bin/containerd".into(), &[config])?;
    if let Some(mut process) = process {
        let look = || ctr(layout, &["version"]).map(drop);
        process.wait_ready(READY, look).map_err(|error| error.to_string())?;
    }
    pods::import_own(layout)?;
    Kubectl::cluster(layout).apply(KUBELET_ACCESS)?;
    processes::start(layout, "kubelet", layout.bin().join("kubelet"), &kubelet_arguments(layout))?;
    let config = format!("--config={}", layout.text("proxy.json"));
    processes::start(layout, "kube-proxy", layout.bin().join("kube-proxy"), &[config])?;
    Ok(())
}

/// Lets the API server read logs and run commands through the kubelet.
const KUBELET_ACCESS: &str = r#"{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRoleBinding",
"metadata":{"name":"kubelet-api"},
"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"system:kubelet-api-admin"},
"subjects":[{"apiGroup":"rbac.authorization.k8s.io","kind":"User","name":"kube-apiserver-kubelet-client"}]}"#;

fn kubelet_arguments(layout: &Layout) -> Vec<String> {
    vec![
        format!("--config={}", layout.text("kubelet.json")),
        format!("--kubeconfig={}", layout.text("kubelet.kubeconfig")),
        format!("--root-dir={}", layout.text("kubelet")),
        format!("--hostname-override={NODE}"),
        format!("--node-ip={API}"),
    ]
}

/// Ends every container that is left, so that nothing holds a mount.
pub(super) fn remove_containers(layout: &Layout) -> Result<()> {
    if !processes::alive(layout, "containerd") {
        return Ok(());
    }
    let list = |what: &str| -> Result<Vec<String>> {
        Ok(ctr(layout, &[what, "list", "--quiet"])?.lines().map(ToOwned::to_owned).collect())
    };
    let end = std::time::Instant::now() + GONE;
    loop {
        let tasks = list("task")?;
        if tasks.is_empty() || std::time::Instant::now() > end {
            break;
        }
        for task in &tasks {
            // Gone already, or not yet: the next round sees.
            let _ = ctr(layout, &["task", "delete", "--force", task]);
        }
        maily_testkit::pause();
    }
    for container in list("container")? {
        let _ = ctr(layout, &["container", "delete", &container]);
    }
    Ok(())
}

/// Runs `ctr` against our containerd.
pub(super) fn ctr(layout: &Layout, arguments: &[&str]) -> Result<String> {
    let output = ctr_command(layout).args(arguments).stderr(Stdio::piped()).output();
    let output = output.map_err(|error| format!("ctr: {error}"))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => {
            Err(format!("ctr {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim()))
        }
    }
}

pub(super) fn ctr_command(layout: &Layout) -> Command {
    let mut command = Command::new("ctr");
    command.arg("--address").arg(layout.containerd()).args(["--namespace", "k8s.io"]);
    command
}

/// A point-to-point link for each pod: all traffic goes through the host's filter, also between pods.
fn network(layout: &Layout) -> Value {
    json!({ "cniVersion": "0.4.0", "name": "maily", "plugins": [
        { "type": "ptp", "ipMasq": true, "ipam": {
            "type": "host-local", "dataDir": layout.text("cni/addresses"),
            "ranges": [[{ "subnet": PODS }]], "routes": [{ "dst": "0.0.0.0/0" }],
        }},
        { "type": "portmap", "capabilities": { "portMappings": true } },
        { "type": "firewall" },
    ]})
}

fn containerd(layout: &Layout) -> String {
    format!(
        r#"version = 2
root = "{root}"
state = "{state}"
oom_score = 0
[grpc]
  address = "{socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  restrict_oom_score_adj = true
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{cni}"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
"#,
        root = layout.text("containerd/root"),
        state = layout.text("containerd/state"),
        socket = layout.containerd().display(),
        pause = pods::PAUSE,
        cni = layout.text("cni"),
    )
}

fn kubelet(layout: &Layout) -> Value {
    json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "containerRuntimeEndpoint": format!("unix://{}", layout.containerd().display()),
        "cgroupDriver": "cgroupfs",
        "address": API,
        "readOnlyPort": 0,
        "authentication": {
            "anonymous": { "enabled": false },
            "webhook": { "enabled": true },
            "x509": { "clientCAFile": layout.text("pki/ca.crt") },
        },
        "authorization": { "mode": "Webhook" },
        "tlsCertFile": layout.text("pki/kubelet.crt"),
        "tlsPrivateKeyFile": layout.text("pki/kubelet.key"),
        "oomScoreAdj": 0,
        "failSwapOn": false,
        "evictionHard": { "memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%" },
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "podLogsDir": layout.text("logs/pods"),
        "clusterDomain": "cluster.local",
        "clusterDNS": [DNS],
        "podCIDR": PODS,
        "enforceNodeAllocatable": ["pods"],
        "syncFrequency": "10s",
        // A killed container is tried again soon: tests kill many.
        "crashLoopBackOff": { "maxContainerRestartPeriod": "10s" },
        "featureGates": { "KubeletCrashLoopBackOffMax": true },
    })
}

fn proxy(layout: &Layout) -> Value {
    json!({
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        "clientConnection": { "kubeconfig": layout.text("proxy.kubeconfig") },
        "clusterCIDR": PODS,
        "hostnameOverride": NODE,
        "healthzBindAddress": "127.0.0.1:10256",
        "metricsBindAddress": "127.0.0.1:10249",
        "iptables": { "localhostNodePorts": false },
        // The machine's connection tracking stays as it is.
        "conntrack": { "maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s" },
    })
}

fn write(layout: &Layout, name: &str, text: &str) -> Result<()> {
    let path = layout.file(name);
    let folder = path.parent().map(fs::create_dir_all).transpose();
    folder.and_then(|_| fs::write(&path, text)).map_err(|error| format!("{}: {error}", path.display()))
}

/// Waits until the node takes pods.
pub(super) fn wait_ready(layout: &Layout) -> Result<()> {
    say("Waiting for the node");
    Kubectl::cluster(layout).run(&[
        "wait",
        "--for=condition=Ready",
        &format!("node/{NODE}"),
        "--timeout=120s",
    ])
}
