//! Each fault that a contract check finds, on a small tree; and none on a tree that keeps its contract.

use std::{fs, path::Path};

use super::*;

const CONTRACTS: &str = r#"
common {
  input "location" { type = string }
}
kind "redis" {
  modules = { azure = "modules/redis" }
  input "size" { type = object({ name = string, count = optional(number, 1) }) }
  output "host" { type = string }
}
"#;

const MODULE: &str = r#"
variable "location" {
  description = "The region."
  type        = string
}
variable "size" {
  description = "How large."
  type = object({
    count = optional(number, 1) # how many
    name  = string
  })
  validation {
    condition     = var.size.count > 0
    error_message = "count must be at least 1."
  }
}
output "host" {
  description = "Where it answers."
  value       = "x"
}
module "residency" {
  source     = "../residency"
  placements = { location = var.location }
}
resource "terraform_data" "residency" {
  input = { location = var.location }
  lifecycle {
    precondition {
      condition     = module.residency.inside
      error_message = module.residency.message
    }
  }
}
"#;

/// The faults of a tree whose one module is this.
fn faults_of(module: &str) -> Vec<String> {
    let dir = tempfile::tempdir().expect("a folder");
    let write = |path: &str, text: &str| {
        let file = dir.path().join(path);
        fs::create_dir_all(file.parent().unwrap_or(Path::new("/"))).expect("a folder");
        fs::write(file, text).expect("written");
    };
    write("contracts.hcl", CONTRACTS);
    write("modules/redis/main.tf", module);
    fs::create_dir_all(dir.path().join("environments")).expect("a folder");
    faults(&Tree::open(Some(dir.path())).expect("a tree")).expect("readable")
}

/// The one fault after `from` became `to`.
fn fault(from: &str, to: &str) -> String {
    assert!(MODULE.contains(from), "{from}");
    let faults = faults_of(&MODULE.replacen(from, to, 1));
    assert_eq!(faults.len(), 1, "{faults:?}");
    faults.into_iter().next().unwrap_or_default()
}

#[test]
fn a_module_that_keeps_its_contract_has_no_fault() {
    assert_eq!(faults_of(MODULE), Vec::<String>::new());
}

#[test]
fn each_drift_is_found() {
    assert!(
        fault("count = optional(number, 1)", "count = optional(number, 2)").contains("the type of size is")
    );
    assert!(fault("output \"host\"", "output \"hostname\"").contains("has the output host"));
    let renamed = fault("variable \"size\"", "variable \"sizes\"");
    assert!(renamed.contains("has the input size"), "{renamed}");
}

#[test]
fn each_missing_word_is_found() {
    assert!(fault("  description = \"How large.\"\n", "").contains("variable size has no description"));
    assert!(
        fault("description = \"Where it answers.\"", "sensitive = true")
            .contains("output host has no description")
    );
    assert!(fault("  validation {", "  lifecycle {").contains("variable size is bounded"));
    let untyped = faults_of(&MODULE.replacen("type        = string", "", 1));
    assert!(untyped.iter().any(|fault| fault.contains("variable location has no type")), "{untyped:?}");
}

#[test]
fn a_way_around_the_gate_is_found() {
    assert!(
        fault("condition     = module.residency.inside", "condition     = true")
            .contains("has no terraform_data")
    );
    let around = format!("{MODULE}\nresource \"a_b\" \"c\" {{\n  location = var.location\n}}\n");
    let faults = faults_of(&around);
    assert!(faults.len() == 1 && faults[0].contains("resource a_b.c reads var.location"), "{faults:?}");
}

#[test]
fn a_choice_is_told_by_its_words() {
    assert!(is_choice("One of zone and geo."));
    assert!(is_choice("The tier, one\nof Standard and Premium."));
    assert!(!is_choice("The private zone of the vault."));
}

#[test]
fn our_own_tree_has_no_fault() {
    assert_eq!(faults(&Tree::open(None).expect("a tree")).expect("readable"), Vec::<String>::new());
}
