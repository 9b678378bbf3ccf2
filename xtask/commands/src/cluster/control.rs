//! The control plane: etcd, the API server, the controllers, the scheduler.

use std::time::Duration;

use maily_testkit::Process;

use super::{
    layout::{API, API_PORT, Layout, PODS, SERVICES},
    pki::FRONT_PROXY,
    processes,
};
use crate::{kubectl::Kubectl, shell::Result};

/// The API server answers after a few seconds on an idle machine.
const READY: Duration = Duration::from_secs(120);
const ETCD: &str = "https://127.0.0.1:23790";
const ETCD_PEERS: &str = "https://127.0.0.1:23800";

pub(super) fn start(layout: &Layout) -> Result<()> {
    processes::start(layout, "etcd", layout.bin().join("etcd"), &etcd(layout))?;
    let server =
        processes::start(layout, "kube-apiserver", layout.bin().join("kube-apiserver"), &server(layout))?;
    wait(layout, server)?;
    let arguments = controllers(layout);
    processes::start(
        layout,
        "kube-controller-manager",
        layout.bin().join("kube-controller-manager"),
        &arguments,
    )?;
    processes::start(
        layout,
        "kube-scheduler",
        layout.bin().join("kube-scheduler"),
        &caller(layout, "scheduler"),
    )?;
    Ok(())
}

fn wait(layout: &Layout, server: Option<Process>) -> Result<()> {
    let Some(mut server) = server else { return Ok(()) };
    let kubectl = Kubectl::cluster(layout);
    let look = || kubectl.output(&["get", "--raw", "/readyz", "--request-timeout=2s"]).map(drop);
    server.wait_ready(READY, look).map_err(|error| error.to_string())
}

fn etcd(layout: &Layout) -> Vec<String> {
    let pki = |name: &str| layout.text(&format!("pki/{name}"));
    let (certificate, key, ca) = (pki("etcd.crt"), pki("etcd.key"), pki("ca.crt"));
    vec![
        "--name=maily".into(),
        format!("--data-dir={}", layout.text("etcd")),
        format!("--listen-client-urls={ETCD}"),
        format!("--advertise-client-urls={ETCD}"),
        format!("--listen-peer-urls={ETCD_PEERS}"),
        format!("--initial-advertise-peer-urls={ETCD_PEERS}"),
        format!("--initial-cluster=maily={ETCD_PEERS}"),
        format!("--cert-file={certificate}"),
        format!("--key-file={key}"),
        format!("--trusted-ca-file={ca}"),
        "--client-cert-auth".into(),
        format!("--peer-cert-file={certificate}"),
        format!("--peer-key-file={key}"),
        format!("--peer-trusted-ca-file={ca}"),
        "--peer-client-cert-auth".into(),
        // The cluster is forgotten when the machine stops.
        "--unsafe-no-fsync".into(),
        "--log-level=warn".into(),
    ]
}

fn server(layout: &Layout) -> Vec<String> {
    let pki = |name: &str| layout.text(&format!("pki/{name}"));
    vec![
        format!("--etcd-servers={ETCD}"),
        format!("--etcd-cafile={}", pki("ca.crt")),
        format!("--etcd-certfile={}", pki("etcd.crt")),
        format!("--etcd-keyfile={}", pki("etcd.key")),
        format!("--bind-address={API}"),
        format!("--advertise-address={API}"),
        format!("--secure-port={API_PORT}"),
        format!("--service-cluster-ip-range={SERVICES}"),
        "--authorization-mode=Node,RBAC".into(),
        "--anonymous-auth=false".into(),
        // As kubeadm does: privileged pods are for Pod Security and admission policies to refuse.
        "--allow-privileged=true".into(),
        "--enable-admission-plugins=NodeRestriction".into(),
        format!("--client-ca-file={}", pki("ca.crt")),
        format!("--tls-cert-file={}", pki("apiserver.crt")),
        format!("--tls-private-key-file={}", pki("apiserver.key")),
        format!("--kubelet-client-certificate={}", pki("apiserver-kubelet.crt")),
        format!("--kubelet-client-key={}", pki("apiserver-kubelet.key")),
        format!("--kubelet-certificate-authority={}", pki("ca.crt")),
        "--kubelet-preferred-address-types=InternalIP".into(),
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local".into(),
        format!("--service-account-key-file={}", pki("accounts.pub")),
        format!("--service-account-signing-key-file={}", pki("accounts.key")),
        "--endpoint-reconciler-type=lease".into(),
        // Extensions of the API (metrics for autoscalers) learn from the API server who asks.
        format!("--requestheader-client-ca-file={}", pki("ca.crt")),
        format!("--requestheader-allowed-names={FRONT_PROXY}"),
        "--requestheader-username-headers=X-Remote-User".into(),
        "--requestheader-group-headers=X-Remote-Group".into(),
        "--requestheader-extra-headers-prefix=X-Remote-Extra-".into(),
        format!("--proxy-client-cert-file={}", pki("front-proxy.crt")),
        format!("--proxy-client-key-file={}", pki("front-proxy.key")),
    ]
}

fn controllers(layout: &Layout) -> Vec<String> {
    let pki = |name: &str| layout.text(&format!("pki/{name}"));
    let mut arguments = caller(layout, "controllers");
    arguments.extend([
        format!("--root-ca-file={}", pki("ca.crt")),
        format!("--service-account-private-key-file={}", pki("accounts.key")),
        format!("--cluster-signing-cert-file={}", pki("ca.crt")),
        format!("--cluster-signing-key-file={}", pki("ca.key")),
        "--use-service-account-credentials=true".into(),
        "--allocate-node-cidrs=true".into(),
        format!("--cluster-cidr={PODS}"),
        "--node-cidr-mask-size=24".into(),
        // As fast as a test wants to see it; 15 s by default.
        "--horizontal-pod-autoscaler-sync-period=5s".into(),
    ]);
    arguments
}

/// What the parts that only call the API server share.
fn caller(layout: &Layout, name: &str) -> Vec<String> {
    let config = layout.text(&format!("{name}.kubeconfig"));
    vec![
        format!("--kubeconfig={config}"),
        format!("--authentication-kubeconfig={config}"),
        format!("--authorization-kubeconfig={config}"),
        "--bind-address=127.0.0.1".into(),
        "--leader-elect=false".into(),
    ]
}
