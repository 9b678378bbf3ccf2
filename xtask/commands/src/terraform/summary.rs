//! What a plan means: how much it adds, changes and destroys, what class of cost that is, and where the data would be.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde_json::Value;

/// No prices, which change: the class of the dearest thing that a plan adds or keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cost {
    /// Nothing that is billed by the hour.
    #[default]
    Low,
    /// Servers, databases, gateways.
    Medium,
    /// Premium firewalls, DDoS plans, dedicated HSMs.
    High,
    /// GPUs.
    Gpu,
}

/// What is billed by the hour, by a part of the resource's type.
const COSTS: [(&str, Cost); 17] = [
    ("azurerm_kubernetes_cluster", Cost::Medium),
    ("azurerm_managed_redis", Cost::Medium),
    ("azurerm_firewall", Cost::High),
    ("azurerm_network_ddos_protection_plan", Cost::High),
    ("azurerm_application_gateway", Cost::Medium),
    ("azurerm_cdn_frontdoor_profile", Cost::Medium),
    ("azurerm_container_registry", Cost::Medium),
    ("azurerm_nat_gateway", Cost::Medium),
    ("aws_eks_cluster", Cost::Medium),
    ("aws_elasticache_replication_group", Cost::Medium),
    ("aws_networkfirewall_firewall", Cost::High),
    ("aws_shield_protection", Cost::High),
    ("aws_nat_gateway", Cost::Medium),
    ("google_container_cluster", Cost::Medium),
    ("google_memorystore_instance", Cost::Medium),
    ("google_network_security_firewall_endpoint", Cost::High),
    ("google_compute_router_nat", Cost::Medium),
];

/// Machine sizes with GPUs begin so: Azure's N series, AWS's P and G, Google's A and G.
const GPU_SIZES: [&str; 9] = ["standard_n", "p4d", "p5", "g5", "g6", "a2-", "a3-", "a4-", "g2-"];

#[derive(Debug, Default)]
pub(crate) struct Summary {
    pub(crate) add: usize,
    pub(crate) change: usize,
    pub(crate) destroy: usize,
    pub(crate) adopt: usize,
    pub(crate) creates: Vec<String>,
    cost: Cost,
    dearest: BTreeSet<String>,
    boundary: Option<String>,
    gates: usize,
    regions: BTreeSet<String>,
    faults: Vec<String>,
}

impl Summary {
    /// Reads `terraform show -json` of a plan.
    pub(crate) fn of(plan: &Value) -> Self {
        let mut summary = Self::default();
        let changes: Vec<&Value> = plan["resource_changes"].as_array().into_iter().flatten().collect();
        for change in &changes {
            summary.count(change);
            summary.price(change);
        }
        summary.residency(plan, &changes);
        summary
    }

    /// Whether there is nothing to do.
    pub(crate) fn is_empty(&self) -> bool {
        self.add + self.change + self.destroy + self.adopt == 0
    }

    /// Whether everything stays where its data may be.
    pub(crate) fn is_inside(&self) -> bool {
        self.faults.is_empty()
    }

    fn count(&mut self, change: &Value) {
        let actions: Vec<_> =
            change["change"]["actions"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        self.adopt += usize::from(change["change"]["importing"].is_object());
        self.add += usize::from(actions.contains(&"create"));
        self.change += usize::from(actions.contains(&"update"));
        self.destroy += usize::from(actions.contains(&"delete"));
        if actions.contains(&"create") {
            self.creates.extend(change["address"].as_str().map(ToOwned::to_owned));
        }
    }

    fn price(&mut self, change: &Value) {
        let (kind, after) = (change["type"].as_str().unwrap_or_default(), &change["change"]["after"]);
        if !after.is_object() {
            return;
        }
        let sizes = ["vm_size", "instance_types", "machine_type", "instance_type"].map(|name| &after[name]);
        let gpu = sizes.iter().flat_map(|size| texts(size)).any(|size| {
            let size = size.to_ascii_lowercase();
            GPU_SIZES.iter().any(|begin| size.starts_with(begin))
        });
        let known = COSTS.iter().find(|(known, _)| *known == kind).map(|(_, cost)| *cost);
        let cost = if gpu { Cost::Gpu } else { known.unwrap_or_default() };
        if cost > self.cost {
            self.cost = cost;
            self.dearest.clear();
        }
        if cost == self.cost && cost > Cost::Low {
            self.dearest.insert(kind.to_owned());
        }
    }

    /// The gates' verdict, and a second look of our own: no resource is anywhere that no gate has seen.
    fn residency(&mut self, plan: &Value, changes: &[&Value]) {
        let asked = &plan["variables"]["data_residency"]["value"];
        self.boundary = asked["boundary"].as_str().map(ToOwned::to_owned);
        let mut checked: BTreeSet<String> =
            ["primary", "secondary"].iter().filter_map(|name| asked[*name].as_str()).map(normal).collect();
        let gates = changes.iter().filter(|change| {
            change["type"] == "terraform_data"
                && change["name"] == "residency"
                && change["change"]["after"].is_object()
        });
        for gate in gates {
            self.gates += 1;
            checked.extend(texts(&gate["change"]["after"]["input"]).iter().map(|text| normal(text)));
        }
        self.failed_checks(&plan["checks"]);
        let mut found: BTreeMap<String, String> = BTreeMap::new();
        for change in changes {
            for place in ["location", "region"] {
                // What has no region says so by an empty one once Azure has read it back.
                if let Some(region) =
                    change["change"]["after"][place].as_str().filter(|text| !text.is_empty())
                {
                    found.insert(normal(region), change["address"].as_str().unwrap_or_default().to_owned());
                }
            }
        }
        found.remove("global");
        for (region, address) in found {
            if !checked.contains(&region) {
                self.faults.push(format!("{address} is in {region}, which no residency gate has seen"));
            }
            self.regions.insert(region);
        }
    }

    fn failed_checks(&mut self, checks: &Value) {
        for check in checks.as_array().into_iter().flatten().filter(|check| check["status"] == "fail") {
            let problems = check["instances"].as_array().into_iter().flatten();
            let problems =
                problems.flat_map(|instance| instance["problems"].as_array().into_iter().flatten());
            self.faults
                .extend(problems.filter_map(|problem| problem["message"].as_str()).map(ToOwned::to_owned));
        }
    }
}

/// `West Europe` and `westeurope` are one region.
fn normal(region: &str) -> String {
    region.replace(' ', "").to_ascii_lowercase()
}

/// Every text inside a value.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(values) => values.iter().flat_map(texts).collect(),
        Value::Object(values) => values.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { add, change, destroy, adopt, .. } = self;
        write!(out, "changes     {add} to add, {change} to change, {destroy} to destroy")?;
        if *adopt > 0 {
            write!(out, ", {adopt} to adopt from the interrupted apply")?;
        }
        let cost = match self.cost {
            Cost::Low => "low",
            Cost::Medium => "medium",
            Cost::High => "high",
            Cost::Gpu => "gpu",
        };
        let dearest: Vec<_> = self.dearest.iter().map(String::as_str).collect();
        write!(out, "\ncost class  {cost}")?;
        if !dearest.is_empty() {
            write!(out, " ({})", dearest.join(", "))?;
        }
        let regions: Vec<_> = self.regions.iter().map(String::as_str).collect();
        let boundary = self.boundary.as_deref().unwrap_or("unknown");
        match self.is_inside() {
            true => {
                write!(
                    out,
                    "\nresidency   inside {boundary}: {} ({} gates passed)",
                    regions.join(", "),
                    self.gates
                )
            }
            false => write!(out, "\nresidency   REFUSED ({boundary}): {}", self.faults.join("; ")),
        }
    }
}

#[cfg(test)]
#[path = "summary_tests.rs"]
mod tests;
