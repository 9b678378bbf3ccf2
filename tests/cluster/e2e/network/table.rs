//! The one table: who may open a connection to whom. The calls between services are those of `libs/proto`.

use std::collections::BTreeSet;

use maily_proto::access::EDGES;

use crate::policy::Port;

const INTERNAL: Port = ("TCP", 7443);
const EDGE: Port = ("TCP", 8443);
const HEALTH: Port = ("TCP", 9090);
const VAULT: Port = ("TCP", 8200);
const OTLP: Port = ("TCP", 4317);
const REDIS: Port = ("TCP", 6379);
/// Where Linkerd's proxies take each other's traffic, and what they ask of its control plane.
const MESH: Port = ("TCP", 4143);
const MESH_CONTROL: [Port; 3] = [("TCP", 8080), ("TCP", 8086), ("TCP", 8090)];

/// The services, as their pods are called.
pub(crate) const SERVICES: [&str; 5] = ["storage", "compliance", "guardrails", "inference", "orchestrator"];

/// The pods that an environment's manifests make.
pub(crate) fn pods(environment: &str) -> Vec<&'static str> {
    let redis = (environment == "dev").then_some("redis");
    SERVICES.into_iter().chain(redis).collect()
}

/// Every connection that an environment allows: from, to, port.
pub(crate) fn edges(environment: &str) -> BTreeSet<(String, String, Port)> {
    let mut edges = BTreeSet::new();
    let mut add = |from: &str, to: &str, port| {
        edges.insert((from.to_owned(), to.to_owned(), port));
    };
    for edge in EDGES {
        add(edge.from, edge.to, INTERNAL);
    }
    add("smoke", "orchestrator", EDGE);
    for service in SERVICES {
        add("ingress", service, EDGE);
        add("prometheus", service, HEALTH);
    }
    // Also a pod in our namespace that nobody knows may look names up: it can reach nothing by them.
    for pod in pods(environment).into_iter().chain(["smoke", "unknown"]) {
        add(pod, "dns", ("UDP", 53));
        add(pod, "dns", ("TCP", 53));
    }
    if environment == "dev" {
        SERVICES.into_iter().for_each(|service| add(service, "redis", REDIS));
    } else {
        for edge in EDGES {
            add(edge.from, edge.to, MESH);
        }
        // Labelled as ours are the services and the smoke test.
        for pod in SERVICES.into_iter().chain(["smoke"]) {
            add(pod, "vault", VAULT);
            add(pod, "prometheus", OTLP);
            MESH_CONTROL.into_iter().for_each(|port| add(pod, "mesh", port));
        }
    }
    edges
}
