//! The cluster on this machine, seen through kubectl.

use std::{
    collections::BTreeMap,
    fs,
    net::Ipv4Addr,
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use maily_testkit::{cache, rest, write_private};
use maily_tests::{
    https::Https,
    say,
    shared::{Fixture, Lease},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{Said, machine, run, xtask};

const NAMESPACE: &str = "maily";

/// What a running cluster's keeper tells: the machine, as it was before.
#[derive(Debug, Serialize, Deserialize)]
pub struct Up {
    /// As [`machine::look`] saw it.
    pub before: BTreeMap<String, String>,
}

/// The one cluster on this machine. Each program whose tests use it has an ignored test `keep_the_cluster`.
pub static CLUSTER: Fixture<Up> = Fixture::new("cluster", "keep_the_cluster").linger(Duration::from_secs(30));

/// The body of `keep_the_cluster`. Nothing of an earlier cluster may be there: what it changed on the machine would count
/// as the machine's own.
pub fn keep_the_cluster() {
    CLUSTER.keep(|| {
        let _ = xtask(&["cluster", "down"]).ok();
        let before = machine::look();
        let down = Down;
        up();
        (Up { before }, down)
    });
}

fn up() {
    let begun = Instant::now();
    let _ = xtask(&["cluster", "up"]).ok();
    say(format_args!("the cluster was up after {:.1} s", begun.elapsed().as_secs_f32()));
}

/// Takes the cluster down.
struct Down;

impl Drop for Down {
    fn drop(&mut self) {
        say(xtask(&["cluster", "down"]).text);
    }
}

/// A running cluster, and a folder for files of whoever uses it.
pub struct Cluster {
    room: TempDir,
    lease: Lease<Up>,
}

impl Cluster {
    /// The cluster for one test alone: there is only one on a machine, and most tests change it.
    ///
    /// # Panics
    /// It does not start.
    #[must_use]
    pub fn alone() -> Self {
        let cluster = Self::of(CLUSTER.lease_alone());
        let ready = ["get", "--raw", "/readyz", "--request-timeout=10s"];
        // A test may have taken it down.
        if cluster.kubectl(&ready).code != Some(0) {
            up();
        }
        cluster
    }

    /// The cluster for the keeper of what runs on it, while the test that waits for that has it alone.
    ///
    /// # Panics
    /// It does not start.
    #[must_use]
    pub fn held() -> Self {
        Self::of(CLUSTER.hold())
    }

    fn of(lease: Lease<Up>) -> Self {
        Self { room: tempfile::Builder::new().prefix("maily-").tempdir().unwrap(), lease }
    }

    /// The machine before there was a cluster.
    #[must_use]
    pub fn before(&self) -> &BTreeMap<String, String> {
        &self.lease.before
    }

    /// A place for a test's own files.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.room.path().join(name)
    }

    /// What its administrator reaches it with.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        cache::dir().join("cluster/state/admin.kubeconfig")
    }

    /// Runs kubectl.
    #[must_use]
    pub fn kubectl(&self, arguments: &[&str]) -> Said {
        run(Command::new("kubectl").arg("--kubeconfig").arg(self.kubeconfig()).args(arguments))
    }

    /// Applies an object, or is refused.
    #[must_use]
    pub fn try_apply(&self, object: &Value, more: &[&str]) -> Said {
        let file = self.path("object.json");
        fs::write(&file, object.to_string()).unwrap();
        self.kubectl(&[&["apply", "--filename", file.to_str().unwrap()], more].concat())
    }

    /// Applies these objects.
    ///
    /// # Panics
    /// One is refused.
    pub fn apply(&self, objects: &[Value]) {
        let _ = self.try_apply(&json!({ "apiVersion": "v1", "kind": "List", "items": objects }), &[]).ok();
    }

    /// Makes a Service, in a namespace of its own, that leads to a process on this machine, at [`Self::host`].
    pub fn lead(&self, namespace: &str, service: &str, port: u16, to: u16) {
        let metadata = json!({ "name": service, "namespace": namespace });
        self.apply(&[
            json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": namespace } }),
            json!({ "apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {
                "ports": [{ "port": port, "targetPort": to }],
            } }),
            json!({ "apiVersion": "v1", "kind": "Endpoints", "metadata": metadata, "subsets": [{
                "addresses": [{ "ip": self.host() }],
                "ports": [{ "port": to }],
            }] }),
        ]);
    }

    /// What the kubeconfig says of the cluster: `server`, `certificate-authority`.
    ///
    /// # Panics
    /// It says nothing of that.
    #[must_use]
    pub fn config(&self, key: &str) -> String {
        let path = format!("jsonpath={{.clusters[0].cluster.{key}}}");
        let said = self.kubectl(&["config", "view", "-o", &path]).ok();
        assert!(!said.is_empty(), "{key} is not in the kubeconfig");
        said
    }

    /// The address of this machine that the API server announces: pods and the API server reach processes there.
    ///
    /// # Panics
    /// The kubeconfig has none.
    #[must_use]
    pub fn host(&self) -> Ipv4Addr {
        let server = self.config("server");
        let host = server.trim_start_matches("https://").split(':').next().unwrap();
        host.parse().unwrap()
    }

    /// Gets objects of our namespace.
    ///
    /// # Panics
    /// The API server does not answer.
    #[must_use]
    pub fn get(&self, what: &[&str]) -> Value {
        let text = self.kubectl(&[&["-n", NAMESPACE, "get"], what, &["-o", "json"]].concat()).ok();
        serde_json::from_str(&text).unwrap()
    }

    /// Pods of ours that are not about to end, by name.
    #[must_use]
    pub fn pods(&self) -> BTreeMap<String, Value> {
        let list = self.get(&["pods", "-l", "app.kubernetes.io/part-of=maily"]);
        let all = list["items"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|pod| pod["metadata"]["deletionTimestamp"].is_null());
        all.map(|pod| (pod["metadata"]["name"].as_str().unwrap().to_owned(), pod.clone())).collect()
    }

    /// What tells a pod from one that came after it, and how often its containers were started again.
    #[must_use]
    pub fn lives(&self) -> BTreeMap<String, (String, Vec<u64>)> {
        let life = |pod: &Value| {
            let statuses =
                ["initContainerStatuses", "containerStatuses"].map(|kind| pod["status"][kind].as_array());
            let restarts =
                statuses.into_iter().flatten().flatten().filter_map(|one| one["restartCount"].as_u64());
            (pod["metadata"]["uid"].as_str().unwrap().to_owned(), restarts.collect())
        };
        self.pods().iter().map(|(name, pod)| (name.clone(), life(pod))).collect()
    }

    /// Waits until there are as many pods of ours as workloads, each ready, and none with this identity.
    ///
    /// # Panics
    /// One is not, in time.
    pub fn settle_without(&self, uid: &str, limit: Duration) {
        let wanted = self.get(&["deployments,statefulsets"])["items"].as_array().unwrap().len();
        let end = Instant::now() + limit;
        loop {
            let pods = self.pods();
            let wrong = |pod: &Value| !is_ready(pod) || pod["metadata"]["uid"] == uid;
            let waiting: Vec<_> = pods.iter().filter(|(_, pod)| wrong(pod)).map(|(name, _)| name).collect();
            if waiting.is_empty() && pods.len() == wanted {
                return;
            }
            assert!(
                Instant::now() < end,
                "{} of {wanted} pods, not ready: {waiting:?}\n{}",
                pods.len(),
                self.last_words(&waiting)
            );
            rest();
        }
    }

    /// What the cluster says of pods that do not become ready: state, events, and the end of their logs.
    fn last_words(&self, pods: &[&String]) -> String {
        let asked = |pod: &String| {
            [
                vec!["describe", "pod", pod.as_str()],
                vec!["logs", pod.as_str(), "--all-containers", "--tail=20"],
                vec!["logs", pod.as_str(), "--all-containers", "--tail=20", "--previous"],
            ]
            .map(|what| self.kubectl(&[&["-n", NAMESPACE], what.as_slice()].concat()).text)
            .join("\n")
        };
        pods.iter().map(|pod| asked(pod)).collect::<Vec<_>>().join("\n")
    }

    /// Waits until every pod of ours is ready.
    pub fn settle(&self, limit: Duration) {
        self.settle_without("", limit);
    }

    /// Has `kubectl set` change a Deployment of ours, and waits until its pods are others, and those before have ended.
    ///
    /// # Panics
    /// They are not, in time.
    pub fn set(&self, what: &str, deployment: &str, value: &str, limit: Duration) {
        let before = self.pods();
        let deployment = format!("deployment/{deployment}");
        let _ = self.kubectl(&["-n", NAMESPACE, "set", what, &deployment, value]).ok();
        let timeout = format!("--timeout={}s", limit.as_secs());
        let _ = self.kubectl(&["-n", NAMESPACE, "rollout", "status", &deployment, &timeout]).ok();
        self.settle(limit);
        // One that is about to end still serves whoever is connected to it.
        let now = self.pods();
        for gone in before.keys().filter(|pod| !now.contains_key(*pod)) {
            let pod = format!("pod/{gone}");
            let _ = self.kubectl(&["-n", NAMESPACE, "wait", "--for=delete", &pod, &timeout]).ok();
        }
    }

    /// The address of a Service; this machine is a node, so it may use it.
    #[must_use]
    pub fn address(&self, service: &str) -> Ipv4Addr {
        self.get(&["service", service])["spec"]["clusterIP"].as_str().unwrap().parse().unwrap()
    }

    /// What a Secret of our namespace has under this key.
    #[must_use]
    pub fn secret(&self, name: &str, key: &str) -> String {
        let template = format!("go-template={{{{index .data {key:?} | base64decode}}}}");
        self.kubectl(&["-n", NAMESPACE, "get", "secret", name, "-o", &template]).ok()
    }

    /// The authority's certificate and the edge key, as files.
    #[must_use]
    pub fn client_files(&self) -> (PathBuf, PathBuf) {
        let files = ["ca.pem", "edge.key"].map(|name| {
            write_private(&self.path(name), self.secret("edge-client", name).as_bytes()).unwrap();
            self.path(name)
        });
        let [ca, key] = files;
        (ca, key)
    }

    /// A client of a service's internal listener that has no certificate.
    #[must_use]
    pub fn stranger(&self, service: &str) -> Https {
        let (ca, _) = self.client_files();
        Https::new(&ca, &format!("{}:7443", self.address(service)))
            .named(&format!("{service}.maily.internal"))
    }
}

/// Whether a pod is ready, or has done its work.
#[must_use]
pub fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
    let ready = conditions.into_iter().any(|one| one["type"] == "Ready" && one["status"] == "True");
    ready || pod["status"]["phase"] == "Succeeded"
}
