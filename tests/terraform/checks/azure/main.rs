//! Every Azure root applied against the stand-in with the real provider: once is enough, a change behind our back is
//! reported by name, and destroy leaves nothing. The provider waits minutes for Azure to become consistent: these tests
//! mostly wait, so they run side by side. In `prod` and where an apply is killed, Terraform starts the provider for each
//! step, as at a user's; elsewhere one runs all the time, which takes a fraction of the processor's time.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests, where a panic is the failure"
)]

mod attributes;
mod interrupted;

use maily_terraform_tests::{azure::Azure, run::run, say};
use serde_json::Value;

use crate::attributes::{ATTRIBUTES, Attribute};

#[test]
fn dev_applies_reports_drift_by_name_and_is_destroyed() {
    let azure = applied(Azure::attached("dev"));
    weakened_is_reported_by_name_and_repaired(&azure);
    azure.destroy();
    azure.expect_known();
}

#[test]
fn staging_is_deployed_and_destroyed() {
    let azure = Azure::attached("staging");
    deploys(&azure);
    expect_clean(&azure);
    azure.destroy();
}

#[test]
fn prod_applies_and_is_destroyed() {
    applied(Azure::start("prod")).destroy();
}

/// Data in Virginia under a boundary that is Europe: refused at plan, also where only a part is planned, and nothing is asked of Azure.
#[test]
fn a_region_outside_is_refused_at_plan_with_its_article() {
    let azure = Azure::attached("dev");
    let root = azure.copy.root("dev", "azure");
    let outside = "data_residency = { boundary = \"eu\", clouds = [\"azure\"], primary = \"eastus2\" }\n";
    std::fs::write(root.join("outside.auto.tfvars"), outside).unwrap();
    let ended = run(&mut azure.xtask(&["plan"]));
    assert_eq!(ended.code, 1, "{}{}", ended.out, ended.err);
    let part_of_it = ["plan", "-input=false", "-no-color", "-target=module.platform.module.storage"];
    let narrowed = run(&mut azure.terraform(&part_of_it));
    for said in [ended.err, narrowed.err] {
        assert!(said.contains("GDPR Article 44") && said.contains("eastus2"), "{said}");
    }
    assert_eq!(azure.arm.writes(), 0);
}

/// `cargo xtask deploy` comes as far as the cluster, and says how to reach it; the cluster itself is nowhere.
fn deploys(azure: &Azure) {
    let ended = run(&mut azure.deploy(&["--yes", "--only", "terraform"])).expect(0);
    assert!(ended.out.contains("to add"), "{}", ended.out);
    let name = "--name maily-stg --context maily-staging";
    assert!(
        ended.err.contains("az aks get-credentials --subscription ") && ended.err.contains(name),
        "{}",
        ended.err
    );
    let ended = run(&mut azure.deploy(&["--yes", "--only", "preflight,terraform,diff"])).expect(1);
    for said in
        ["the next step makes it", "Nothing to do", "az aks get-credentials", "what is done stays done"]
    {
        assert!(ended.err.contains(said), "{said} is not in {}", ended.err);
    }
    let ended = run(&mut azure.deploy(&["--yes", "--only", "diff"])).expect(1);
    assert!(ended.err.contains("your kubeconfig has no context maily-staging"), "{}", ended.err);
}

/// Applies a root and checks that a second plan is empty.
fn applied(azure: Azure) -> Azure {
    let ended = azure.apply();
    for line in ended.out.lines().take(3) {
        say(format_args!("{}: {line}", azure.environment));
    }
    expect_clean(&azure);
    azure
}

fn expect_clean(azure: &Azure) {
    let (code, report) = azure.drift();
    assert_eq!((code, &report["status"]), (0, &Value::from("clean")), "{report:#}");
}

/// Weakens every attribute behind terraform's back and expects each by name in the report; an apply puts all right.
fn weakened_is_reported_by_name_and_repaired(azure: &Azure) {
    for Attribute { resource, pointer, weak, .. } in &ATTRIBUTES {
        let weak: Value = serde_json::from_str(weak).unwrap();
        let strong = azure.arm.change(resource, pointer, weak.clone());
        assert_ne!(strong, weak, "{resource} {pointer} was weak already");
    }
    let (code, report) = azure.drift();
    assert_eq!(code, 2, "{report:#}");
    for Attribute { address, name, .. } in &ATTRIBUTES {
        assert!(names(&report, address).any(|found| found == *name), "{address} {name} is not in {report:#}");
        say(format_args!("drift of {address} {name} is reported"));
    }
    let _ = azure.apply();
    let (code, report) = azure.drift();
    assert_eq!(code, 0, "after the repair: {report:#}");
}

/// The attributes that a report names for an address.
fn names<'a>(report: &'a Value, address: &'a str) -> impl Iterator<Item = &'a str> {
    let changes = report["roots"][0]["changes"].as_array().into_iter().flatten();
    let of = changes.filter(move |change| change["address"] == address);
    of.flat_map(|change| change["attributes"].as_array().into_iter().flatten()).filter_map(Value::as_str)
}
