//! The HorizontalPodAutoscaler that ships, on what really waits.

use std::{
    fs,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{JoinHandle, spawn},
    time::{Duration, Instant},
};

use maily_cluster_tests::{cluster::Cluster, metrics::Monitoring, root};
use maily_testkit::rest;
use maily_tests::{https::Https, say};
use serde_json::{Value, json};

use crate::{ROLLOUT, Shared};

/// One is answered at a time: of so many, all but one wait, which is more than the autoscaler wants.
const CALLERS: usize = 8;
/// Prometheus, the adapter and the autoscaler look every few seconds.
const SEEN: Duration = Duration::from_secs(60);

#[test]
fn requests_that_wait_bring_another_model() {
    let shared = Shared::any();
    let cluster = &shared.cluster;
    let slow = shared.slow_answers(Duration::from_secs(3));
    let monitoring = Monitoring::start(cluster);
    cluster.apply(&[autoscaler()]);
    // Nothing waits, and the autoscaler knows.
    let idle = until(cluster, &monitoring, SEEN, "the autoscaler does not see the metric", |seen| {
        condition(&seen.autoscaler, "ScalingActive") == Some("True") && seen.average == Some(0.0)
    });
    assert_eq!((idle.wanted, idle.ready), (1, 1));

    let begun = Instant::now();
    let callers: Vec<_> = (0..CALLERS).map(|_| Caller::start(cluster)).collect();
    let busy = until(cluster, &monitoring, SEEN, "no second model is wanted", |seen| seen.wanted == 2);
    let wanted = begun.elapsed();
    let _ = until(cluster, &monitoring, ROLLOUT, "the second model is not ready", |seen| seen.ready == 2);
    let ready = begun.elapsed();
    let answered: usize = callers.into_iter().map(Caller::finish).sum();
    say(format_args!(
        "{:?} waited on average; a second model was wanted after {:.1} s and ready after {:.1} s; \
         {answered} requests were answered, none failed",
        busy.average.unwrap_or_default(),
        wanted.as_secs_f32(),
        ready.as_secs_f32()
    ));

    drop(monitoring);
    let autoscaler = ["-n", "maily", "delete", "horizontalpodautoscaler", "inference"];
    let _ = cluster.kubectl(&autoscaler).ok();
    let _ = cluster.kubectl(&["-n", "maily", "scale", "deployment", "inference", "--replicas=1"]).ok();
    drop(slow);
}

/// As it ships, for a machine that has room for two.
fn autoscaler() -> Value {
    let text = fs::read_to_string(root().join("k8s/base/inference/scaling.yaml")).unwrap();
    let mut shipped: Value = serde_saphyr::from_str(&text).unwrap();
    shipped["metadata"]["namespace"] = json!("maily");
    shipped["spec"]["minReplicas"] = json!(1);
    shipped["spec"]["maxReplicas"] = json!(2);
    shipped
}

/// What the cluster says at one time.
struct Seen {
    autoscaler: Value,
    /// Waiting requests of each model, as the autoscaler knows them.
    average: Option<f64>,
    wanted: u64,
    ready: u64,
}

fn look(cluster: &Cluster) -> Seen {
    let autoscaler = cluster.get(&["horizontalpodautoscaler", "inference"]);
    let current = &autoscaler["status"]["currentMetrics"][0]["pods"]["current"]["averageValue"];
    let average = current.as_str().and_then(quantity);
    let deployment = cluster.get(&["deployment", "inference"]);
    let number = |value: &Value| value.as_u64().unwrap_or_default();
    Seen {
        average,
        wanted: number(&deployment["spec"]["replicas"]),
        ready: number(&deployment["status"]["readyReplicas"]),
        autoscaler,
    }
}

fn until(
    cluster: &Cluster,
    monitoring: &Monitoring<'_>,
    limit: Duration,
    otherwise: &str,
    enough: impl Fn(&Seen) -> bool,
) -> Seen {
    let end = Instant::now() + limit;
    loop {
        monitoring.discover();
        let seen = look(cluster);
        if enough(&seen) {
            return seen;
        }
        assert!(Instant::now() < end, "{otherwise}: {}", seen.autoscaler["status"]);
        rest();
    }
}

fn condition<'a>(autoscaler: &'a Value, kind: &str) -> Option<&'a str> {
    let conditions = autoscaler["status"]["conditions"].as_array()?;
    conditions.iter().find(|one| one["type"] == kind)?["status"].as_str()
}

/// Kubernetes' notation of numbers, as far as averages of counts have it: `6`, `5500m`.
fn quantity(text: &str) -> Option<f64> {
    match text.strip_suffix('m') {
        Some(thousandths) => thousandths.parse::<f64>().ok().map(|number| number / 1000.0),
        None => text.parse().ok(),
    }
}

/// Somebody who asks the model for text, again and again.
struct Caller {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<usize>,
}

impl Caller {
    fn start(cluster: &Cluster) -> Self {
        let (ca, key) = cluster.client_files();
        let address = SocketAddr::from((cluster.address("inference"), 8443));
        let key = fs::read_to_string(key).unwrap().trim().to_owned();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = spawn(move || {
            let mut client = Https::new(&ca, &address.to_string()).bearer(&key);
            let model = client.get("/v1/models").unwrap().json()["data"][0]["id"].clone();
            let ask = maily_contracts::inference::request(&model).to_string();
            let mut answered = 0;
            while !stopped.load(Ordering::Relaxed) {
                let kind = "Content-Type: application/json\r\n";
                let reply = client.send("POST", "/v1/chat/completions", kind, ask.as_bytes()).unwrap();
                assert_eq!(reply.status, 200, "{}", reply.text());
                answered += 1;
            }
            answered
        });
        Self { stop, thread }
    }

    /// Lets it end with the answer that it waits for; answers how many it got.
    fn finish(self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("a request failed")
    }
}
