//! What a plan's summary says, on small plans.

use serde_json::{Value, json};

use super::*;

fn plan(changes: &Value) -> Value {
    json!({
        "variables": {"data_residency": {"value": {"boundary": "eu", "primary": "westeurope", "secondary": null}}},
        "resource_changes": changes,
    })
}

fn change(kind: &str, actions: &[&str], after: &Value) -> Value {
    json!({"address": format!("{kind}.this"), "type": kind, "name": "this", "change": {"actions": actions, "after": after}})
}

#[test]
fn counts_a_replacement_twice_and_a_no_op_never() {
    let summary = Summary::of(&plan(&json!([
        change("azurerm_subnet", &["delete", "create"], &json!({})),
        change("azurerm_subnet", &["update"], &json!({})),
        change("azurerm_subnet", &["no-op"], &json!({})),
    ])));
    assert_eq!((summary.add, summary.change, summary.destroy), (1, 1, 1));
    assert!(!summary.is_empty() && summary.is_inside());
}

#[test]
fn the_dearest_thing_is_the_cost_class() {
    let firewall = change("azurerm_firewall", &["create"], &json!({"location": "westeurope"}));
    let pool =
        |size: &str| change("azurerm_kubernetes_cluster_node_pool", &["create"], &json!({"vm_size": size}));
    assert_eq!(Summary::of(&plan(&json!([firewall, pool("Standard_D4ads_v6")]))).cost, Cost::High);
    assert_eq!(Summary::of(&plan(&json!([firewall, pool("Standard_NC40ads_H100_v5")]))).cost, Cost::Gpu);
    assert_eq!(
        Summary::of(&plan(&json!([change("azurerm_subnet", &["create"], &json!({}))]))).cost,
        Cost::Low
    );
}

#[test]
fn a_region_that_no_gate_has_seen_is_refused() {
    let here = change("azurerm_storage_account", &["create"], &json!({"location": "West Europe"}));
    let there = change("azurerm_storage_account", &["create"], &json!({"location": "eastus"}));
    let everywhere = change("azurerm_private_dns_zone", &["create"], &json!({"location": "global"}));
    assert!(Summary::of(&plan(&json!([here, everywhere]))).is_inside());
    let refused = Summary::of(&plan(&json!([here, there])));
    assert!(!refused.is_inside());
    assert!(refused.to_string().contains("azurerm_storage_account.this is in eastus"), "{refused}");
}

#[test]
fn a_gate_vouches_for_its_regions_and_a_failed_one_refuses() {
    let gate = json!({"address": "terraform_data.residency", "type": "terraform_data", "name": "residency",
        "change": {"actions": ["create"], "after": {"input": {"location": "northeurope"}}}});
    let copy = change("azurerm_storage_account", &["create"], &json!({"location": "northeurope"}));
    let mut plan = plan(&json!([gate, copy]));
    assert!(Summary::of(&plan).is_inside());
    plan["checks"] =
        json!([{"status": "fail", "instances": [{"problems": [{"message": "GDPR Article 44: eastus"}]}]}]);
    assert!(Summary::of(&plan).to_string().contains("REFUSED (eu): GDPR Article 44: eastus"));
}
