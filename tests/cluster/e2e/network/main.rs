//! The network policies of each overlay allow the edges of one table, and nothing else.
//!
//! No enforcing network can be had on every machine that tests run on, so this is an analysis: the rules of
//! networking.k8s.io/v1 applied to every pair of pods and every port. What it does not know, it refuses to judge.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod policy;
mod table;

use maily_cluster_tests::manifests::{ENVIRONMENTS, objects};
use maily_tests::say;
use serde_json::{Value, json};

use policy::{Pod, Policies, Port};

/// Ports that are tried between any two pods: all that anybody listens on, and some that nobody should reach.
const PORTS: [Port; 16] = [
    ("TCP", 7443),
    ("TCP", 8443),
    ("TCP", 9090),
    ("UDP", 53),
    ("TCP", 53),
    ("TCP", 8200),
    ("TCP", 4317),
    ("TCP", 6379),
    ("TCP", 4143),
    ("TCP", 8080),
    ("TCP", 8086),
    ("TCP", 8090),
    ("TCP", 4191),
    ("TCP", 443),
    ("TCP", 9080),
    ("TCP", 22),
];

#[test]
fn only_the_tables_edges_are_open() {
    for environment in ENVIRONMENTS {
        let objects = objects(environment);
        let (policies, pods) = (Policies::read(&objects), Pod::all(environment, &objects));
        let expected = table::edges(environment);
        let (mut open, mut tried) = (0, 0);
        for (from, to) in pairs(&pods) {
            for port in PORTS {
                let allowed = policies.allow(from, to, port);
                let wanted = expected.contains(&(from.name.clone(), to.name.clone(), port));
                assert_eq!(allowed, wanted, "{environment}: {} to {}, {port:?}", from.name, to.name);
                (open, tried) = (open + usize::from(allowed), tried + 1);
            }
        }
        assert_eq!(
            open,
            expected.len(),
            "{environment}: an edge of the table is between pods that are not there"
        );
        say(format_args!("{environment}: {open} of {tried} edges are open, as in the table"));
    }
}

/// Every two pods of which one is ours: between strangers we have no say.
fn pairs(pods: &[Pod]) -> impl Iterator<Item = (&Pod, &Pod)> {
    let all = pods.iter().flat_map(|from| pods.iter().map(move |to| (from, to)));
    all.filter(|(from, to)| from.name != to.name && (from.ours() || to.ours()))
}

#[test]
fn a_missing_rule_and_one_too_many_are_found() {
    let mut objects = objects("dev");
    let opened = |objects: &[Value]| {
        let (policies, pods) = (Policies::read(objects), Pod::all("dev", objects));
        let pod = |name: &str| pods.iter().find(|pod| pod.name == name).unwrap();
        policies.allow(pod("guardrails"), pod("storage"), ("TCP", 7443))
    };
    assert!(!opened(&objects));
    objects.push(json!({
        "kind": "NetworkPolicy",
        "spec": { "podSelector": {}, "policyTypes": ["Ingress", "Egress"], "ingress": [{}], "egress": [{}] },
    }));
    assert!(opened(&objects), "a policy that allows everything was not seen");
    objects.retain(|object| object["kind"] != "NetworkPolicy");
    assert!(opened(&objects), "without any policy everything is open");
}
