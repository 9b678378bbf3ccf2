//! Where the cluster's programs and its state are, and which addresses it uses.

use std::path::PathBuf;

use maily_testkit::cache;
use serde_json::{Value, json};

/// Address of the API server, on a bridge of its own: it may not announce a loopback address.
pub(crate) const API: &str = "10.245.0.1";
/// Its port.
pub(crate) const API_PORT: u16 = 16443;
/// Where Services get their addresses.
pub(crate) const SERVICES: &str = "10.96.0.0/16";
/// Address of the DNS Service.
pub(crate) const DNS: &str = "10.96.0.10";
/// Where pods get their addresses.
pub(crate) const PODS: &str = "10.244.0.0/24";
/// The one node.
pub(crate) const NODE: &str = "maily";
/// The bridge that carries [`API`].
pub(crate) const BRIDGE: &str = "maily-api";
/// The context in the kubeconfig; `deploy dev` accepts it.
pub(crate) const CONTEXT: &str = "maily-dev";

/// The cluster's folder in the cache.
#[derive(Clone, Debug)]
pub(crate) struct Layout(PathBuf);

impl Layout {
    pub(crate) fn new() -> Self {
        Self(cache::dir().join("cluster"))
    }

    /// What is built, kept between clusters.
    pub(crate) fn bin(&self) -> PathBuf {
        self.0.join("bin")
    }

    /// What `down` forgets.
    pub(crate) fn state(&self) -> PathBuf {
        self.0.join("state")
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.state().join(name)
    }

    /// A path below the state, as text for configuration files.
    pub(crate) fn text(&self, name: &str) -> String {
        self.file(name).to_string_lossy().into_owned()
    }

    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.file("admin.kubeconfig")
    }

    pub(crate) fn containerd(&self) -> PathBuf {
        self.file("containerd/containerd.sock")
    }

    /// A kubeconfig for the holder of a certificate.
    pub(crate) fn kubeconfig_of(&self, name: &str) -> Value {
        let pem = |ending: &str| self.text(&format!("pki/{name}.{ending}"));
        json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{ "name": CONTEXT, "cluster": {
                "server": format!("https://{API}:{API_PORT}"),
                "certificate-authority": self.text("pki/ca.crt"),
            }}],
            "users": [{ "name": name, "user": { "client-certificate": pem("crt"), "client-key": pem("key") } }],
            "contexts": [{ "name": CONTEXT, "context": { "cluster": CONTEXT, "user": name } }],
            "current-context": CONTEXT,
        })
    }
}
