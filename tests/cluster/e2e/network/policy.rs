//! The rules of networking.k8s.io/v1, applied to two pods and a port.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::table;

const NAMESPACE: &str = "maily";

/// Protocol and number.
pub(crate) type Port = (&'static str, u16);

/// A pod as policies see it: labels, its namespace's labels, its named ports.
pub(crate) struct Pod {
    pub(crate) name: String,
    labels: Value,
    namespace: Value,
    ports: BTreeMap<String, u16>,
}

/// One direction of a policy, in the field names of the API.
struct Direction {
    kind: &'static str,
    rules: &'static str,
    peers: &'static str,
}

const INGRESS: Direction = Direction { kind: "Ingress", rules: "ingress", peers: "from" };
const EGRESS: Direction = Direction { kind: "Egress", rules: "egress", peers: "to" };

impl Pod {
    /// The pods of the rendered workloads, the smoke test's, and strangers of every kind.
    pub(crate) fn all(environment: &str, objects: &[Value]) -> Vec<Self> {
        let mut pods: Vec<Self> = objects.iter().filter_map(Self::of).collect();
        let mut names: Vec<_> = pods.iter().map(|pod| pod.name.as_str()).collect();
        names.sort_unstable();
        let mut expected = table::pods(environment);
        expected.sort_unstable();
        assert_eq!(names, expected, "the table knows other services");
        let smoke = json!({ "app.kubernetes.io/name": "smoke", "app.kubernetes.io/part-of": "maily" });
        let orchestrator =
            json!({ "app.kubernetes.io/name": "orchestrator", "app.kubernetes.io/part-of": "maily" });
        pods.extend([
            Self::new("smoke", NAMESPACE, json!({}), smoke),
            Self::new("unknown", NAMESPACE, json!({}), json!({})),
            Self::new("ingress", "ingress", json!({ "maily.io/edge": "true" }), json!({})),
            Self::new("prometheus", "monitoring", json!({ "maily.io/monitoring": "true" }), json!({})),
            Self::new("vault", "vault", json!({}), json!({})),
            Self::new("mesh", "linkerd", json!({ "linkerd.io/is-control-plane": "true" }), json!({})),
            Self::new("dns", "kube-system", json!({}), json!({ "k8s-app": "kube-dns" })),
            Self::new("another in kube-system", "kube-system", json!({}), json!({})),
            // A pod's labels are its owner's choice: in another namespace they must open nothing.
            Self::new("impostor", "elsewhere", json!({}), orchestrator),
        ]);
        pods
    }

    /// The pod of a workload.
    fn of(object: &Value) -> Option<Self> {
        let template = object["spec"]["template"].as_object()?;
        let mut pod = Self::new(
            object["metadata"]["name"].as_str()?,
            NAMESPACE,
            json!({}),
            template["metadata"]["labels"].clone(),
        );
        for container in template["spec"]["containers"].as_array()? {
            for port in container["ports"].as_array().into_iter().flatten() {
                let number = u16::try_from(port["containerPort"].as_u64()?).ok()?;
                pod.ports.insert(port["name"].as_str()?.to_owned(), number);
            }
        }
        Some(pod)
    }

    fn new(name: &str, namespace: &str, mut namespace_labels: Value, labels: Value) -> Self {
        namespace_labels["kubernetes.io/metadata.name"] = namespace.into();
        Self { name: name.to_owned(), labels, namespace: namespace_labels, ports: BTreeMap::new() }
    }

    pub(crate) fn ours(&self) -> bool {
        self.namespace["kubernetes.io/metadata.name"] == NAMESPACE
    }
}

/// Every policy of our namespace.
pub(crate) struct Policies(Vec<Value>);

impl Policies {
    pub(crate) fn read(objects: &[Value]) -> Self {
        let policies = objects.iter().filter(|object| object["kind"] == "NetworkPolicy");
        Self(policies.map(|object| object["spec"].clone()).collect())
    }

    /// Whether both ends allow it.
    pub(crate) fn allow(&self, from: &Pod, to: &Pod, port: Port) -> bool {
        let fits = |direction: &Direction, rule: &Value, peer: &Pod| {
            peer_in(&rule[direction.peers], peer) && port_in(&rule["ports"], to, port)
        };
        self.side(&EGRESS, from, |rule| fits(&EGRESS, rule, to))
            && self.side(&INGRESS, to, |rule| fits(&INGRESS, rule, from))
    }

    /// A pod that no policy of a direction selects allows everything in that direction.
    fn side(&self, direction: &Direction, pod: &Pod, fits: impl Fn(&Value) -> bool) -> bool {
        let selecting: Vec<_> =
            self.0.iter().filter(|policy| pod.ours() && applies(policy, pod, direction.kind)).collect();
        let rules =
            selecting.iter().flat_map(|policy| policy[direction.rules].as_array().into_iter().flatten());
        selecting.is_empty() || rules.into_iter().any(fits)
    }
}

fn applies(policy: &Value, pod: &Pod, kind: &str) -> bool {
    let kinds =
        policy["policyTypes"].as_array().expect("a policy without policyTypes says less than it means");
    kinds.iter().any(|one| one == kind) && selects(&policy["podSelector"], &pod.labels)
}

/// No list is everybody; an entry without a namespace is our own.
fn peer_in(peers: &Value, pod: &Pod) -> bool {
    let Some(peers) = peers.as_array() else { return true };
    peers.iter().any(|peer| {
        let known = |key: &String| matches!(key.as_str(), "podSelector" | "namespaceSelector");
        assert!(peer.as_object().is_some_and(|peer| peer.keys().all(known)), "not known here: {peer}");
        let namespace = match &peer["namespaceSelector"] {
            Value::Null => pod.ours(),
            selector => selects(selector, &pod.namespace),
        };
        namespace && (peer["podSelector"].is_null() || selects(&peer["podSelector"], &pod.labels))
    })
}

fn port_in(ports: &Value, to: &Pod, (protocol, number): Port) -> bool {
    let Some(ports) = ports.as_array() else { return true };
    ports.iter().any(|port| {
        assert!(port["endPort"].is_null(), "ranges are not known here");
        let wanted = match &port["port"] {
            Value::Null => Some(number),
            Value::String(name) => to.ports.get(name).copied(),
            value => value.as_u64().and_then(|value| u16::try_from(value).ok()),
        };
        port["protocol"].as_str().unwrap_or("TCP") == protocol && wanted == Some(number)
    })
}

/// Labels that have to be there, and expressions of the one operator that our policies use.
fn selects(selector: &Value, labels: &Value) -> bool {
    let wanted = selector["matchLabels"].as_object();
    let one_of = |expression: &Value| {
        assert_eq!(expression["operator"], "In", "not known here: {expression}");
        let key = expression["key"].as_str().expect("a key");
        expression["values"].as_array().expect("values").contains(&labels[key])
    };
    wanted.is_none_or(|wanted| wanted.iter().all(|(key, value)| labels[key] == *value))
        && selector["matchExpressions"].as_array().into_iter().flatten().all(one_of)
}
