//! How an autoscaler learns what our services measure: Prometheus, which scrapes what the shipped PodMonitor names, and
//! prometheus-adapter, which answers the API server by the rules that ship. Both are processes on this machine.

use std::{
    fs,
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use maily_testkit::{Authority, Process, cache, ports};
use maily_tests::https::Https;
use serde_json::{Value, json};

use crate::{cluster::Cluster, root};

const READY: Duration = Duration::from_secs(60);
const COMPONENT: &str = "k8s/components/monitoring";
const NAMESPACE: &str = "monitoring";
/// The Service that leads to the adapter.
const SERVICE: &str = "adapter";
const GROUP: &str = "v1beta2.custom.metrics.k8s.io";

/// The running two. Dropping them ends them and takes their API away.
pub struct Monitoring<'a> {
    cluster: &'a Cluster,
    targets: PathBuf,
    processes: [Process; 2],
}

impl<'a> Monitoring<'a> {
    /// Starts them; once this returns, the API server answers for metrics.
    ///
    /// # Panics
    /// One does not start.
    #[must_use]
    pub fn start(cluster: &'a Cluster) -> Self {
        let targets = cluster.path("targets.json");
        discover(cluster, &targets);
        let ports = ports::free_block(2).unwrap();
        let authority = Authority::open(cluster.path("adapter")).unwrap();
        let prometheus = prometheus(cluster, ports, &targets);
        let adapter = adapter(cluster, &authority, ports, ports + 1);
        let mut started = Self { cluster, targets, processes: [prometheus, adapter] };
        cluster.lead(NAMESPACE, SERVICE, 443, ports + 1);
        // The API server keeps its connection: the first one had better lead there.
        let leads = || {
            let address = format!("{}:443", address(cluster));
            let reply = Https::new(&authority.ca(), &address).named(&name()).get("/healthz");
            reply.map(drop).map_err(|error| error.to_string())
        };
        started.processes[1].wait_ready(READY, leads).unwrap();
        register(cluster, &authority);
        let answers = || match cluster.kubectl(&["get", "--raw", "/apis/custom.metrics.k8s.io/v1beta2"]) {
            said if said.code == Some(0) => Ok(()),
            said => Err(said.text),
        };
        started.processes[1].wait_ready(READY, answers).unwrap();
        started
    }

    /// Looks for pods again, as the Prometheus operator would have Prometheus do all the time.
    pub fn discover(&self) {
        discover(self.cluster, &self.targets);
    }
}

impl Drop for Monitoring<'_> {
    fn drop(&mut self) {
        // An API that nobody serves would keep namespaces from being deleted.
        for object in [["apiservice", GROUP], ["namespace", NAMESPACE]] {
            let _ = self.cluster.kubectl(&[&["delete", "--ignore-not-found"], &object[..]].concat());
        }
        for process in &mut self.processes {
            process.kill();
        }
    }
}

/// Debian builds Prometheus without its discovery of pods: the test writes down the pods that the PodMonitor selects, with the
/// labels that its operator gives them.
fn discover(cluster: &Cluster, targets: &PathBuf) {
    let monitor = pod_monitor();
    let (label, part) = ("app.kubernetes.io/part-of", &monitor["spec"]["selector"]["matchLabels"]);
    assert_eq!(part.as_object().unwrap().len(), 1, "pods() selects by one label");
    assert_eq!(part[label], "maily");
    let port = &monitor["spec"]["podMetricsEndpoints"][0]["port"];
    let target = |(name, pod): (&String, &Value)| {
        let ports = pod["spec"]["containers"].as_array()?.iter().flat_map(|one| one["ports"].as_array());
        let number = ports.flatten().find(|one| one["name"] == *port)?["containerPort"].as_u64()?;
        let address = format!("{}:{number}", pod["status"]["podIP"].as_str()?);
        let labels = json!({ "namespace": pod["metadata"]["namespace"], "pod": name });
        Some(json!({ "targets": [address], "labels": labels }))
    };
    let found: Vec<Value> = cluster.pods().iter().filter_map(target).collect();
    assert!(!found.is_empty(), "no pod has the port that the PodMonitor names");
    let part = targets.with_extension("part");
    fs::write(&part, Value::from(found).to_string()).unwrap();
    fs::rename(part, targets).unwrap();
}

fn pod_monitor() -> Value {
    let text = fs::read_to_string(root().join(COMPONENT).join("monitor.yaml")).unwrap();
    let first = text.split("\n---\n").next().unwrap();
    serde_saphyr::from_str(first).unwrap()
}

fn prometheus(cluster: &Cluster, port: u16, targets: &PathBuf) -> Process {
    let config = json!({
        // The PodMonitor's 15 s are for a cluster that lives longer.
        "global": { "scrape_interval": "1s", "scrape_timeout": "1s" },
        "scrape_configs": [{
            "job_name": "maily",
            "metrics_path": pod_monitor()["spec"]["podMetricsEndpoints"][0]["path"],
            "file_sd_configs": [{ "files": [targets], "refresh_interval": "1s" }],
        }],
    });
    let file = cluster.path("prometheus.yml");
    fs::write(&file, config.to_string()).unwrap();
    let arguments = [
        format!("--config.file={}", file.display()),
        format!("--storage.tsdb.path={}", cluster.path("prometheus").display()),
        format!("--web.listen-address=127.0.0.1:{port}"),
    ];
    let log = cluster.path("prometheus.log");
    let mut process = Process::start("prometheus", &cache::prometheus(), &arguments, &log).unwrap();
    let listens = SocketAddr::from(([127, 0, 0, 1], port));
    process.wait_ready(READY, || TcpStream::connect(listens).map(drop).map_err(|e| e.to_string())).unwrap();
    process
}

fn adapter(cluster: &Cluster, authority: &Authority, prometheus: u16, port: u16) -> Process {
    let config = cluster.kubeconfig();
    let (certificate, key) = authority.edge(&[name()]).unwrap();
    let arguments = [
        format!("--prometheus-url=http://127.0.0.1:{prometheus}"),
        format!("--config={}", root().join(COMPONENT).join("prometheus-adapter.yaml").display()),
        format!("--lister-kubeconfig={}", config.display()),
        format!("--authentication-kubeconfig={}", config.display()),
        format!("--authorization-kubeconfig={}", config.display()),
        format!("--bind-address={}", cluster.host()),
        format!("--secure-port={port}"),
        format!("--tls-cert-file={}", certificate.display()),
        format!("--tls-private-key-file={}", key.display()),
        // It looks for new series so often, by default every 10 minutes.
        "--metrics-relist-interval=2s".to_owned(),
        "--metrics-max-age=1m".to_owned(),
    ];
    let log = cluster.path("adapter.log");
    Process::start("prometheus-adapter", &cache::adapter(), &arguments, &log).unwrap()
}

/// What the API server looks for in its certificate.
fn name() -> String {
    format!("{SERVICE}.{NAMESPACE}.svc")
}

fn address(cluster: &Cluster) -> String {
    let get = ["-n", NAMESPACE, "get", "service", SERVICE, "-o", "jsonpath={.spec.clusterIP}"];
    cluster.kubectl(&get).ok()
}

/// Tells the API server who answers for metrics.
fn register(cluster: &Cluster, authority: &Authority) {
    cluster.apply(&[json!({
        "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": { "name": GROUP }, "spec": {
            "group": "custom.metrics.k8s.io",
            "version": "v1beta2",
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
            "service": { "name": SERVICE, "namespace": NAMESPACE },
            "caBundle": STANDARD.encode(fs::read(authority.ca()).unwrap()),
        },
    })]);
}
